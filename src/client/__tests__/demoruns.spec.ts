import { DIGITS, pass, SHELL, useDemo } from './demohelpers';

const demo = useDemo();

describe('runs', () => {
  it('have curves that grow and are thinned', async () => {
    const [{ name }] = (
      await demo.client.listTasks(DIGITS, { status: 'running' })
    ).items;
    const length = async () =>
      (
        await demo.client.listCurves(DIGITS, {
          name: [name],
          key: ['acc'],
          points: 1000
        })
      ).items[0].total;
    const before = await length();
    await pass(10_000);
    expect(await length()).toBeGreaterThan(before);
    const [thin] = (
      await demo.client.listCurves(DIGITS, {
        name: ['baseline'],
        key: ['loss'],
        points: 40
      })
    ).items;
    const { tracks } = await demo.client.getTracks(DIGITS, 'baseline');
    expect(thin.total).toBe(300);
    expect(thin.values.length).toBeLessThanOrEqual(40);
    expect(thin.values).toEqual(thin.places.map(at => tracks.loss[at]));
    expect(thin.steps.epoch[0]).toBe(1);
    expect(Math.min(...(tracks.loss as number[]))).toBe(
      Math.min(...(thin.values as number[]))
    );
  });

  it('tell numbers that JSON lacks as texts', async () => {
    const [{ name, figures }] = (
      await demo.client.listTasks(DIGITS, { query: 'message:"loss is nan"' })
    ).items;
    expect(figures.loss).toBe('NaN');
    const { tracks } = await demo.client.getTracks(DIGITS, name);
    expect(tracks.loss[tracks.loss.length - 1]).toBe('NaN');
    const [curve] = (
      await demo.client.listCurves(DIGITS, {
        name: [name],
        key: ['loss'],
        points: 99
      })
    ).items;
    expect(curve.values[curve.values.length - 1]).toBeNull();
  });

  it('leave files', async () => {
    const { items } = await demo.client.listArtifacts(DIGITS, 'baseline', 1);
    expect(items.map(({ path }) => path)).toEqual([
      'curves/loss.svg',
      'report.txt'
    ]);
    const read = (path: string, most?: number) =>
      demo.client.readArtifact(DIGITS, 'baseline', 1, path, most);
    const picture = await read('curves/loss.svg');
    expect(picture.type).toBe('image/svg+xml');
    expect(picture.size).toBe(items[0].size);
    expect((await read('report.txt', 5)).size).toBe(5);
    await expect(read('secret.txt')).rejects.toMatchObject({ status: 404 });
  });

  it('know what they were given', async () => {
    const input = await demo.client.getRunInput(DIGITS, 'baseline', 1);
    expect(input).toMatchObject({ run: 1, config_file: 'config.yaml' });
    expect(input.command.join(' ')).toContain('train.py --model mlp');
    await demo.client.changeTask(SHELL, 'prepare_again', {
      env: { API_TOKEN: 'abc' }
    });
    expect((await demo.client.getTask(SHELL, 'prepare_again')).env).toEqual([
      { name: 'PACE', value: '2', secret: false },
      { name: 'API_TOKEN', value: null, secret: true }
    ]);
  });

  it('are exported', async () => {
    const { blob, name } = await demo.client.exportResults(DIGITS, {
      format: 'json',
      query: 'name:sweep_',
      runs: 'latest'
    });
    expect(name).toBe('train.json');
    const rows = JSON.parse(await readText(blob));
    expect(rows).toHaveLength(24);
    expect(rows[1]).toMatchObject({
      task: 'sweep_01_model=mlp,lr=0.001,seed=0',
      status: 'completed',
      lr: 0.001
    });
    const csv = await demo.client.exportResults(DIGITS, { query: 'name:wide' });
    const lines = (await readText(csv.blob)).split('\r\n');
    expect(lines[0]).toMatch(/^task,run,status,.*,model,hidden,lr,/);
    expect(lines[1]).toContain('wide,1,cancelled');
  });
});

/** jsdom's blobs cannot be read in another way. */
function readText(blob: Blob): Promise<string> {
  return new Promise(resolve => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.readAsText(blob);
    jest.runAllTicks();
    void jest.advanceTimersByTimeAsync(100);
  });
}
