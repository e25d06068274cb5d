import { DemoClient } from '../demo';

it('shows', async () => {
  let now = 1_800_000_000;
  const t0 = Date.now();
  const client = new DemoClient({ now: () => now });
  process.stdout.write(`built in ${Date.now() - t0} ms\n`);
  const out = (x: unknown) => process.stdout.write(String(x) + '\n');
  for (const ws of await client.listWorkspaces()) {
    out(JSON.stringify(ws));
    const page = await client.listTasks(ws.id, { order: 'asc' });
    for (const r of page.items) {
      out(
        `${r.name.padEnd(40)} ${r.status.padEnd(10)} ${r.progress?.toFixed(2)} ${r.duration?.toFixed(0)} ${r.figures.acc} ${r.figures.loss} ${r.message ?? ''} ${r.tags} ${r.pinned ? 'pin' : ''}`
      );
    }
    out(JSON.stringify(page.columns) + page.typical_duration);
    out(JSON.stringify(await client.getQueue(ws.id), null, 1));
  }
  const d = 'digits/_pyruns_/train';
  const s = await client.getStudy(d, 'search');
  out(JSON.stringify({ ...s, trials: 0, text: 0 }));
  for (const t of s.trials) {
    out(JSON.stringify(t));
  }
  now += 600;
  out(JSON.stringify((await client.getWorkspace(d)).counts));
  now += 1200;
  out(JSON.stringify((await client.getWorkspace(d)).counts));
  out(JSON.stringify((await client.listStudies(d)).items));
  const log = await client.readLog(d, 'baseline', { limit: 1500 });
  out(log.size);
  out(new TextDecoder().decode(log.bytes));
  const name = (await client.listTasks(d, { query: 'status:failed' })).items;
  for (const r of name) {
    out(new TextDecoder().decode((await client.readLog(d, r.name, { tail: 2500 })).bytes));
  }
});
