import { DIGITS, MINUTE, pass, rowOf, runAlone, useDemo } from './demohelpers';

const demo = useDemo();

describe('the queue', () => {
  it('leads from waiting to running to done', async () => {
    await demo.client.createTasks(DIGITS, {
      text: 'epochs: 10',
      name: 'mine',
      run: { priority: 5 }
    });
    expect(await rowOf(demo.client, 'mine')).toMatchObject({
      status: 'queued',
      runs: 0
    });
    const { batches } = await demo.client.getQueue(DIGITS);
    expect(batches[0]).toMatchObject({
      waiting: 1,
      next: ['mine'],
      why: expect.stringContaining('GPU 0: reserved by train/')
    });
    const seen = new Set<string>();
    for (let minute = 0; minute < 6; minute++) {
      await pass(MINUTE / 2);
      seen.add((await rowOf(demo.client, 'mine')).status);
    }
    expect([...seen]).toEqual(['queued', 'running', 'completed']);
    expect(await rowOf(demo.client, 'mine')).toMatchObject({
      exit_code: 0,
      figures: { epoch: 10, acc: expect.any(Number) }
    });
  });

  it('never gives a GPU to two tasks', async () => {
    for (let look = 0; look < 40; look++) {
      await pass(20_000);
      const { gpus } = await demo.client.getSystem();
      gpus.forEach(gpu => expect(gpu.processes.length).toBeLessThan(2));
    }
    expect((await demo.client.getWorkspace(DIGITS)).counts?.queued).toBe(0);
  });

  it('starts nothing while it is paused', async () => {
    expect(
      (await demo.client.changeQueue(DIGITS, { paused: true })).paused
    ).toBe(true);
    await pass(10 * MINUTE);
    const { counts } = await demo.client.getWorkspace(DIGITS);
    expect(counts?.running).toBe(0);
    const { batches } = await demo.client.getQueue(DIGITS);
    expect(batches.map(({ why }) => why)).toContain('The queue is paused.');
    await demo.client.changeQueue(DIGITS, { paused: false });
    expect((await demo.client.getWorkspace(DIGITS)).counts?.running).toBe(4);
  });

  it('stops what runs in a moment and what waits at once', async () => {
    const [waiting] = (
      await demo.client.listTasks(DIGITS, { status: 'queued' })
    ).items;
    const [running] = (
      await demo.client.listTasks(DIGITS, { status: 'running' })
    ).items;
    const names = [waiting.name, running.name, 'first_try'];
    const result = await demo.client.actOnTasks(DIGITS, {
      action: 'cancel',
      names
    });
    expect(result.done).toEqual(names.slice(0, 2));
    expect(result.refused).toMatchObject([{ name: 'first_try' }]);
    expect((await rowOf(demo.client, waiting.name)).status).toBe('cancelled');
    expect((await rowOf(demo.client, running.name)).status).toBe('running');
    await pass(1000);
    expect(await rowOf(demo.client, running.name)).toMatchObject({
      status: 'cancelled',
      exit_code: -15
    });
  });

  it('tries again what failed, and stops what takes too long', async () => {
    await runAlone(demo.client, 'nan', 'lr: 30.0', {
      retries: 1,
      retry_delay: '5s'
    });
    await pass(5 * MINUTE);
    expect(await rowOf(demo.client, 'nan')).toMatchObject({
      status: 'failed',
      runs: 2
    });
    await demo.client.actOnTasks(DIGITS, {
      action: 'run',
      names: ['first_try'],
      run: { time_limit: 20 }
    });
    await pass(21_000);
    expect(await rowOf(demo.client, 'first_try')).toMatchObject({
      status: 'failed',
      duration: 20
    });
  });

  it('lets tasks wait for others', async () => {
    await runAlone(demo.client, 'first');
    await demo.client.createTasks(DIGITS, {
      text: '',
      name: 'second',
      run: { after: ['first'] }
    });
    const { batches } = await demo.client.getQueue(DIGITS);
    expect(batches[1].why).toBe('Waiting for first, which is running.');
    await demo.client.actOnTasks(DIGITS, {
      action: 'cancel',
      names: ['first']
    });
    await pass(1000);
    expect(await rowOf(demo.client, 'second')).toMatchObject({
      status: 'cancelled',
      message: 'Cancelled because it depends on first, which was cancelled.'
    });
  });

  it('refuses what is no amount of memory', async () => {
    await expect(
      demo.client.actOnTasks(DIGITS, {
        action: 'run',
        names: ['first_try'],
        run: { memory: '0G' }
      })
    ).rejects.toMatchObject({ field: 'memory' });
  });

  it('refuses a cluster', async () => {
    await expect(
      demo.client.actOnTasks(DIGITS, {
        action: 'run',
        names: ['first_try'],
        run: { engine: 'slurm' }
      })
    ).rejects.toMatchObject({
      field: 'engine',
      message: expect.stringContaining('This is a demo')
    });
  });
});

describe('actions', () => {
  it('move tasks to the trash and back', async () => {
    const result = await demo.client.actOnTasks(DIGITS, {
      action: 'delete',
      names: ['first_try', 'linear', 'nobody']
    });
    expect(result.done).toEqual(['first_try']);
    expect(result.refused).toEqual([
      { name: 'linear', message: expect.stringContaining('Stop it first.') },
      { name: 'nobody', message: expect.stringContaining('does not exist') }
    ]);
    await expect(rowOf(demo.client, 'first_try')).rejects.toMatchObject({
      status: 404
    });
    await demo.client.actOnTasks(DIGITS, {
      action: 'restore',
      names: ['first_try'],
      as_name: 'again'
    });
    expect((await rowOf(demo.client, 'again')).status).toBe('pending');
    await demo.client.actOnTasks(DIGITS, { action: 'purge', older_than: 0 });
    expect((await demo.client.listTrash(DIGITS)).items).toEqual([]);
  });

  it('mark, copy and order tasks', async () => {
    const act = (action: 'tag' | 'untag' | 'unpin', tags?: string[]) =>
      demo.client.actOnTasks(DIGITS, { action, names: ['baseline'], tags });
    await act('tag', ['a', 'b']);
    await act('untag', ['a']);
    await act('unpin');
    expect(await rowOf(demo.client, 'baseline')).toMatchObject({
      pinned: false,
      tags: ['baseline', 'b']
    });
    const { made } = await demo.client.actOnTasks(DIGITS, {
      action: 'duplicate',
      names: ['baseline'],
      runs: true
    });
    expect(made).toEqual(['baseline_2']);
    expect(await rowOf(demo.client, 'baseline_2')).toMatchObject({
      status: 'completed',
      runs: 1
    });
    await demo.client.actOnTasks(DIGITS, {
      action: 'move',
      names: ['wide', 'first_try'],
      before: 'baseline'
    });
    const { items } = await demo.client.listTasks(DIGITS, {
      sort: 'order',
      order: 'asc',
      query: 'name:baseline OR name:wide OR name:first_try'
    });
    expect(items.map(item => item.name)).toEqual([
      'wide',
      'first_try',
      'baseline',
      'baseline_2'
    ]);
  });

  it('take a search, and refuse one that means nothing for sure', async () => {
    const found = await demo.client.actOnTasks(DIGITS, {
      action: 'pin',
      query: 'name:sweep_ status:failed'
    });
    expect(found.done).toHaveLength(2);
    await expect(
      demo.client.actOnTasks(DIGITS, { action: 'delete', query: 'nonsense=1' })
    ).rejects.toMatchObject({ field: 'query', status: 400 });
  });

  it('leave out what was done already', async () => {
    const { refused, done } = await demo.client.actOnTasks(DIGITS, {
      action: 'run',
      names: ['baseline', 'first_try'],
      skip_done: true
    });
    expect(done).toEqual(['first_try']);
    expect(refused[0].message).toContain('already completed');
  });

  it('change a task only as it was seen', async () => {
    const detail = await demo.client.changeTask(DIGITS, 'first_try', {
      name: 'renamed',
      notes: 'new',
      expected: { notes: '' }
    });
    expect(detail).toMatchObject({ notes: 'new', task: { name: 'renamed' } });
    await expect(
      demo.client.changeTask(DIGITS, 'renamed', {
        notes: 'newer',
        expected: { notes: '' }
      })
    ).rejects.toMatchObject({ status: 409 });
    await expect(
      demo.client.changeTask(DIGITS, 'renamed', { name: 'wide' })
    ).rejects.toMatchObject({ status: 409 });
    const [running] = (
      await demo.client.listTasks(DIGITS, { status: 'running' })
    ).items;
    await expect(
      demo.client.changeTask(DIGITS, running.name, { name: 'other' })
    ).rejects.toMatchObject({ message: expect.stringContaining('running') });
  });
});
