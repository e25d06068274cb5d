import type { StudyRequest } from '../types';
import { DIGITS, MINUTE, pass, rowOf, SHELL, useDemo } from './demohelpers';

const demo = useDemo();

const request: StudyRequest = {
  text: 'lr: log(1e-4, 1)\nseed: 0:4\nmodel: mlp | sgd\n',
  name: 'mine',
  objective: 'acc',
  n: 6,
  jobs: 2
};

const preview = (change: Partial<StudyRequest>) =>
  demo.client.previewSearch(DIGITS, { ...request, ...change });

describe('a search for the best configuration', () => {
  it('goes on while somebody looks', async () => {
    const before = await demo.client.getStudy(DIGITS, 'search');
    expect(before).toMatchObject({
      state: 'active',
      n: 40,
      direction: 'maximize',
      driven: true
    });
    expect(before.trials.length).toBeGreaterThan(15);
    expect(before.counts.pruned).toBeGreaterThan(0);
    const complete = before.trials.filter(({ state }) => state === 'complete');
    expect(before.best?.value).toBe(
      Math.max(...complete.map(({ value }) => value ?? 0))
    );
    await pass(60 * MINUTE);
    const after = await demo.client.getStudy(DIGITS, 'search');
    expect(after).toMatchObject({ state: 'finished', driven: false });
    expect(after.trials.map(({ number }) => number)).toEqual(
      Array.from({ length: 40 }, (_, at) => at + 1)
    );
    expect(after.counts.open).toBe(0);
  });

  it('finds better ones as it goes on', async () => {
    await pass(60 * MINUTE);
    const { trials } = await demo.client.getStudy(DIGITS, 'search');
    const mean = (some: typeof trials) => {
      const values = some.flatMap(({ state, value }) =>
        state === 'complete' && value !== null ? [value] : []
      );
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    expect(mean(trials.slice(20))).toBeGreaterThan(mean(trials.slice(0, 10)));
  });

  it('says of a trial that was stopped early why', async () => {
    const { trials } = await demo.client.getStudy(DIGITS, 'search');
    const pruned = trials.find(({ state }) => state === 'pruned')!;
    expect(await rowOf(demo.client, pruned.task)).toMatchObject({
      status: 'cancelled',
      message: expect.stringMatching(/^Pruned after step \d+ of acc/),
      study: { name: 'search', pruned: pruned.pruned }
    });
  });

  it('is previewed', async () => {
    const { dimensions, size, errors } = await preview({});
    expect(errors).toEqual([]);
    expect(size).toBeNull();
    expect(dimensions).toMatchObject([
      { key: 'model', kind: 'choice', values: ['mlp', 'sgd'] },
      { key: 'lr', kind: 'interval', low: 1e-4, high: 1, log: true },
      { key: 'seed', kind: 'interval', low: 0, high: 3, whole: true }
    ]);
    expect((await preview({ text: 'seed: 0:4' })).errors).toMatchObject([
      {
        field: 'n',
        message: expect.stringContaining('only 4 configurations')
      }
    ]);
  });

  it.each([
    [{ text: 'lr: 0.1' }, 'yaml', 'The search space is empty'],
    [{ text: 'lr: (0.1 | 0.2)' }, 'lr', 'Zipped values'],
    [{ text: 'lr: log(1, 0.1)' }, 'lr', 'must be less than'],
    [{ text: 'model: foo | bar' }, 'model', 'expects one of mlp, sgd'],
    [{ text: 'nobody: 1 | 2' }, 'nobody', 'has no argument'],
    [{ objective: ' ' }, 'objective', 'The objective is empty'],
    [{ name: 'search' }, 'name', 'already exists'],
    [{ name: 'a/b' }, 'name', 'Invalid task name']
  ])('is refused: %j', async (change, field, message) => {
    const { errors } = await preview(change);
    expect(errors[0].field).toBe(field);
    expect(errors[0].message).toContain(message);
    await expect(
      demo.client.beginStudy(DIGITS, { ...request, ...change })
    ).rejects.toMatchObject({ field });
  });

  it('has nothing to search in a shell script', async () => {
    await expect(demo.client.beginStudy(SHELL, request)).rejects.toMatchObject({
      field: 'yaml'
    });
  });

  it('begins, ends and is forgotten', async () => {
    const begun = await demo.client.beginStudy(DIGITS, request);
    expect(begun).toMatchObject({
      state: 'active',
      counts: { open: 2 },
      best: null
    });
    await expect(demo.client.removeStudy(DIGITS, 'mine')).rejects.toMatchObject(
      { status: 409 }
    );
    await pass(60 * MINUTE);
    const { state, trials, best } = await demo.client.getStudy(DIGITS, 'mine');
    expect(state).toBe('finished');
    expect(trials.map(({ task }) => task)).toEqual([
      'mine_1',
      'mine_2',
      'mine_3',
      'mine_4',
      'mine_5',
      'mine_6'
    ]);
    expect(best?.values).toMatchObject({ lr: expect.any(Number) });
    const { config } = await demo.client.getTask(DIGITS, 'mine_1');
    expect(config).toContain('batch_size: 64');
    const resumed = await demo.client.changeStudy(DIGITS, 'mine', {
      action: 'resume',
      n: 7
    });
    expect(resumed).toMatchObject({ state: 'active', n: 7 });
    await pass(10 * MINUTE);
    await demo.client.removeStudy(DIGITS, 'mine');
    const { items } = await demo.client.listStudies(DIGITS);
    expect(items.map(({ name }) => name)).toEqual(['search']);
    expect((await rowOf(demo.client, 'mine_7')).status).toBe('completed');
  });

  it('stops, with what runs when that is wanted', async () => {
    await demo.client.beginStudy(DIGITS, request);
    await pass(5 * MINUTE);
    const stopped = await demo.client.changeStudy(DIGITS, 'mine', {
      action: 'stop',
      running: true
    });
    expect(stopped.state).toBe('stopped');
    await pass(2000);
    const { counts, trials } = await demo.client.getStudy(DIGITS, 'mine');
    expect(counts.open).toBe(0);
    await pass(5 * MINUTE);
    expect((await demo.client.getStudy(DIGITS, 'mine')).trials).toHaveLength(
      trials.length
    );
  });
});
