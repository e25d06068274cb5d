import type { Comparison, IEventHandlers } from '../../client/types';
import type { Goals } from '../metrics';
import {
  asSavedComparison,
  bestOf,
  columnsOf,
  CompareModel,
  targetCandidates,
  MAX_COMPARED
} from '../compare';
import { FakeStream, NO_MEDIA, NO_STUDIES, row } from './fake';

function comparison(change: Partial<Comparison> = {}): Comparison {
  return {
    tasks: ['a', 'b', 'c'].map(name => row(name, { status: 'completed' })),
    missing: [],
    parameters: [
      { key: 'lr', values: [0.1, 0.2, null] },
      { key: 'opt', values: ['sgd', 'adam', 'sgd'] }
    ],
    figures: [
      { key: 'step', values: [10, 10, 20] },
      { key: 'norm', values: [1, 2, 3] },
      { key: 'acc', values: [0.5, 0.9, 'NaN'], goal: 'maximize' },
      { key: 'loss', values: [0.3, 0.3, 0.3], goal: 'minimize' }
    ],
    failures: [],
    ...change
  };
}

function opened(names = ['a', 'b', 'c']) {
  let events: IEventHandlers | null = null;
  const client = {
    compareManyTasks: jest.fn(
      (ws: string, asked: { names: readonly string[] }) =>
        Promise.resolve(
          comparison({ missing: asked.names.filter(each => each > 'c') })
        )
    ),
    ...NO_MEDIA,
    ...NO_STUDIES,
    listCurves: async () => ({ items: [] }),
    streamEvents: (ws: string, handlers: IEventHandlers) => {
      events = handlers;
      return new FakeStream();
    }
  };
  const save = jest.fn();
  const model = new CompareModel({ client, ws: 'ws', saved: { names }, save });
  model.start();
  const changed = (name: string) =>
    events?.onChanges({
      type: 'changes',
      epoch: 'one',
      revision: 2,
      changed: [row(name)],
      removed: []
    });
  const greet = () =>
    events?.onHello?.({ type: 'hello', epoch: 'one', revision: 2 });
  return { client, model, save, changed, greet };
}

const settled = () => jest.advanceTimersByTimeAsync(0);

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('CompareModel', () => {
  it('compares, and again when one of its tasks changes', async () => {
    const { client, model, changed } = opened();
    await settled();
    expect(model.getSnapshot().comparison?.tasks).toHaveLength(3);
    changed('elsewhere');
    await jest.advanceTimersByTimeAsync(5000);
    expect(client.compareManyTasks).toHaveBeenCalledTimes(1);
    changed('a');
    changed('b');
    await jest.advanceTimersByTimeAsync(5000);
    expect(client.compareManyTasks).toHaveBeenCalledTimes(2);
  });

  it('compares again when the stream begins after a comparison', async () => {
    const { client, model, greet } = opened();
    await settled();
    client.compareManyTasks.mockResolvedValue(comparison({ missing: ['c'] }));
    greet();
    await jest.advanceTimersByTimeAsync(5000);
    expect(model.getSnapshot().comparison?.missing).toEqual(['c']);
    expect(client.compareManyTasks).toHaveBeenCalledTimes(2);
  });

  it('keeps what is chosen, hidden and flipped', async () => {
    const { model, save } = opened();
    model.setHidden(['b'], true);
    const [acc] = columnsOf(comparison()).filter(({ key }) => key === 'acc');
    model.flipGoal(acc);
    model.setTargetMetric('acc');
    model.setNames(['b', 'c', 'c', 'd']);
    await settled();
    expect(save).toHaveBeenLastCalledWith({
      names: ['b', 'c', 'd'],
      hidden: ['b'],
      goals: { acc: 'minimize' },
      targetMetric: 'acc',
      study: '',
      aggregates: []
    });
    expect(model.getSnapshot().comparison?.missing).toEqual(['d']);
    model.remove('b');
    expect(save.mock.lastCall?.[0]).toMatchObject({
      names: ['c', 'd'],
      hidden: []
    });
  });

  it('does not show an older answer after a newer one, and tries again', async () => {
    const { client, model } = opened();
    await settled();
    let late: (value: Comparison) => void = () => undefined;
    client.compareManyTasks.mockReturnValueOnce(
      new Promise(resolve => (late = resolve))
    );
    model.setNames(['a']);
    model.setNames(['a', 'b', 'd']);
    await settled();
    late(comparison({ missing: ['late'] }));
    await settled();
    expect(model.getSnapshot().comparison?.missing).toEqual(['d']);

    client.compareManyTasks.mockRejectedValueOnce(new Error('gone'));
    model.retry();
    await settled();
    expect(model.getSnapshot().error?.message).toBe('gone');
    await jest.advanceTimersByTimeAsync(5000);
    expect(model.getSnapshot().error).toBeNull();
    model.dispose();
  });

  it('compares aggregates of metrics too', async () => {
    const { client, model, save } = opened(['a', 'b']);
    await settled();
    model.setAggregate('min(loss)', true);
    await settled();
    expect(client.compareManyTasks).toHaveBeenLastCalledWith('ws', {
      names: ['a', 'b'],
      metrics: ['min(loss)']
    });
    expect(save.mock.lastCall[0].aggregates).toEqual(['min(loss)']);
    model.setAggregate('min(loss)', false);
    await settled();
    expect(client.compareManyTasks.mock.lastCall?.[1]).toMatchObject({
      metrics: []
    });
    model.dispose();
  });

  it('takes no more than can be compared, and nothing odd out of a state', () => {
    const { model } = opened(Array.from({ length: 600 }, (_, at) => `t${at}`));
    expect(model.getSnapshot().names).toHaveLength(MAX_COMPARED);
    expect(asSavedComparison({ names: ['a', 3], hidden: 'x' })).toEqual({
      names: ['a'],
      hidden: [],
      goals: {},
      targetMetric: '',
      study: '',
      aggregates: []
    });
    expect(asSavedComparison(null).names).toEqual([]);
  });

  it('reads the goals of a saved comparison, except invalid ones', () => {
    const goals = { acc: 'minimize', f1: 'no' };
    expect(asSavedComparison({ goals }).goals).toEqual({ acc: 'minimize' });
  });
});

describe('columns of a comparison', () => {
  const columns = columnsOf(comparison());
  const column = (key: string) => {
    const found = columns.find(each => each.key === key);
    if (!found) {
      throw new Error(key);
    }
    return found;
  };

  it('are parameters, then metrics with the results first', () => {
    expect(columns.map(({ key }) => key)).toEqual([
      'lr',
      'opt',
      'acc',
      'loss',
      'norm',
      'step'
    ]);
    expect(column('lr').numbers).toEqual([0.1, 0.2, NaN]);
    expect(column('acc').numbers).toEqual([0.5, 0.9, NaN]);
    expect(column('opt').numbers).toBeNull();
    expect(targetCandidates(columns).map(({ key }) => key)).toEqual([
      'acc',
      'loss',
      'norm'
    ]);
  });

  it('mark the best of what tells how good a task is', () => {
    const best = (key: string, goals: Goals = {}) => [
      ...bestOf(column(key), goals, null)
    ];
    expect(best('acc')).toEqual([1]);
    expect(best('acc', { acc: 'minimize' })).toEqual([0]);
    expect(best('loss')).toEqual([]);
    expect(best('step')).toEqual([]);
    expect(best('lr')).toEqual([]);
    expect(best('norm')).toEqual([]);
    const known = { ...column('norm'), goal: 'minimize' } as const;
    expect([...bestOf(known, {}, null)]).toEqual([0]);
    expect([...bestOf(column('norm'), {}, column('norm'))]).toEqual([2]);
  });
});
