import type { Query } from '../../client/operations';
import type { Curves } from '../../client/types';
import { axesOf, pointsOver } from '../axis';
import { ComparedCurvesModel } from '../comparedcurves';
import { RunCurvesModel } from '../runcurves';
import { curveKeys } from '../../views/compare/charts';
import { row } from './fake';

function curve(name: string, key: string) {
  return {
    name,
    key,
    run: 1,
    total: 3,
    places: [0, 1, 2],
    values: [3, null, 1],
    times: [100, 101, 105],
    steps: { step: [0, 10, 20] }
  };
}

function asking() {
  return {
    listCurves: jest.fn(
      (
        ws: string,
        { name: names = [], key: keys = [] }: Query<'listCurves'> = {}
      ): Promise<Curves> =>
        Promise.resolve({
          items: names.flatMap(name =>
            (keys.length > 0 ? keys : ['loss']).map(key => curve(name, key))
          )
        })
    )
  };
}

const settled = () => jest.advanceTimersByTimeAsync(0);

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('ComparedCurvesModel', () => {
  it('asks in parts that fit into an address, once', async () => {
    const client = asking();
    const model = new ComparedCurvesModel(client, 'ws');
    const rows = Array.from({ length: 200 }, (_, at) =>
      row(`a-task-with-a-rather-long-name-${at}`, {
        run: 1,
        status: 'completed'
      })
    );
    model.setVisibleTasks(rows, ['loss', 'acc']);
    await settled();
    expect(model.getSnapshot().waiting).toBe(0);
    for (const [, query] of client.listCurves.mock.calls) {
      const { name: names = [], key: keys } = query ?? {};
      expect(keys).toEqual(['loss', 'acc']);
      expect(names.length).toBeLessThanOrEqual(60);
      expect(names.join().length).toBeLessThan(4100);
    }
    expect(model.getSnapshot().curves.get('acc')?.size).toBe(200);
    const { length } = client.listCurves.mock.calls;
    model.setVisibleTasks(rows, ['loss', 'acc']);
    await settled();
    expect(client.listCurves).toHaveBeenCalledTimes(length);
    // Of few tasks there is room for more points.
    model.setVisibleTasks(rows.slice(0, 3), ['loss']);
    await settled();
    expect(client.listCurves.mock.lastCall?.[1]).toEqual({
      name: rows.slice(0, 3).map(each => each.name),
      key: ['loss'],
      points: 1000
    });
    model.dispose();
  });

  it('finds out which metrics have curves, of the tasks that have runs', async () => {
    const client = asking();
    client.listCurves.mockImplementation(async (_ws, query) => ({
      items: query!.name!.flatMap(name =>
        query!
          .key! // Only the last task has a curve of its accuracy, none of the total.
          .filter(key => key === 'loss' || (key === 'acc' && name === 't99'))
          .map(key => curve(name, key))
      )
    }));
    const model = new ComparedCurvesModel(client, 'ws');
    const rows = Array.from({ length: 100 }, (_, at) =>
      row(`t${at}`, { run: 1, status: 'completed' })
    );
    const metrics = ['loss', 'acc', 'total'];
    model.findKeys([...rows, row('pending')], metrics);
    expect(model.getSnapshot().keys).toBeNull();
    await settled();
    expect(model.getSnapshot().keys).toEqual(['loss', 'acc']);
    const { calls } = client.listCurves.mock;
    expect(calls.map(([, query]) => query!.key)).toEqual([
      [...metrics, 'system/'],
      ['acc', 'total']
    ]);
    expect(calls.flatMap(([, names]) => names)).not.toContain('pending');
    model.findKeys([...rows], metrics);
    await settled();
    expect(calls).toHaveLength(2);

    // Where that is not known any of them may have some.
    client.listCurves.mockRejectedValueOnce(new Error('gone'));
    model.findKeys(rows.slice(0, 1), metrics);
    await settled();
    expect(model.getSnapshot().keys).toEqual(metrics);
    model.dispose();
  });

  it('lets go of tasks that are not needed any more', async () => {
    const client = asking();
    const model = new ComparedCurvesModel(client, 'ws');
    const rows = (from: number) =>
      Array.from({ length: 100 }, (_, at) =>
        row(`t${from + at}`, { run: 1, status: 'completed' })
      );
    for (let from = 0; from < 2000; from += 100) {
      model.setVisibleTasks(rows(from), ['loss', 'acc']);
      await settled();
    }
    for (const ofKey of model.getSnapshot().curves.values()) {
      expect(ofKey.size).toBeLessThanOrEqual(700);
      expect(ofKey.has('t1950')).toBe(true);
    }
    // Those that somebody hides for a moment are not asked for again.
    const { length } = client.listCurves.mock.calls;
    model.setVisibleTasks(rows(1900).slice(0, 50), ['loss', 'acc']);
    model.setVisibleTasks(rows(1900), ['loss', 'acc']);
    await settled();
    expect(client.listCurves).toHaveBeenCalledTimes(length);
    model.setVisibleTasks(rows(0), ['loss', 'acc']);
    await settled();
    expect(model.getSnapshot().curves.get('acc')?.has('t50')).toBe(true);
    model.dispose();
  });

  it('renews what runs now and then, and asks again after a failure', async () => {
    const client = asking();
    const model = new ComparedCurvesModel(client, 'ws');
    const running = (loss: number) => [
      row('a', { run: 1, status: 'running', figures: { loss } })
    ];
    model.setVisibleTasks(running(1), ['loss']);
    for (let at = 2; at < 10; at++) {
      model.setVisibleTasks(running(at), ['loss']);
      await jest.advanceTimersByTimeAsync(100);
    }
    expect(client.listCurves).toHaveBeenCalledTimes(1);
    await jest.advanceTimersByTimeAsync(5000);
    expect(client.listCurves).toHaveBeenCalledTimes(2);

    client.listCurves.mockRejectedValueOnce(new Error('gone'));
    const ended = [row('a', { run: 1, status: 'completed' })];
    model.setVisibleTasks(ended, ['loss']);
    await settled();
    expect(model.getSnapshot().error?.message).toBe('gone');
    model.setVisibleTasks(ended, ['loss']);
    await settled();
    expect(model.getSnapshot().error).toBeNull();
    model.dispose();
  });
});

describe('answers that overtake each other', () => {
  async function overtaken() {
    const client = asking();
    const answers: ((value: Curves) => void)[] = [];
    client.listCurves.mockImplementation(
      () => new Promise(resolve => answers.push(resolve))
    );
    const model = new ComparedCurvesModel(client, 'ws');
    const a = row('a', { run: 1, status: 'running' });
    model.setVisibleTasks([a], ['loss']);
    model.setVisibleTasks([{ ...a, status: 'completed' }], ['loss']);
    expect(answers).toHaveLength(2);
    const answer = async (at: number) => {
      answers[at]({ items: [{ ...curve('a', 'loss'), total: at }] });
      await settled();
      return model.getSnapshot().curves.get('loss')?.get('a')?.total;
    };
    return { model, answer };
  }

  it('do not bring back older curves', async () => {
    const { model, answer } = await overtaken();
    expect(await answer(1)).toBe(1);
    expect(await answer(0)).toBe(1);
    expect(model.getSnapshot().waiting).toBe(0);
    model.dispose();
  });

  it('are all shown while they come in order', async () => {
    const { model, answer } = await overtaken();
    expect(await answer(0)).toBe(0);
    await jest.advanceTimersByTimeAsync(2000);
    expect(await answer(1)).toBe(1);
    model.dispose();
  });
});

describe('system metrics', () => {
  const names = ['processes', 'gpu1_power_watts', 'cpu_percent'];
  const client = () => {
    const found = asking();
    found.listCurves.mockImplementation(async (_ws, query) => ({
      items: query!.name!.flatMap(name =>
        (query!.key ?? ['system/'])
          .flatMap(key =>
            key === 'system/' ? names.map(each => `system/${each}`) : [key]
          )
          .map(key => curve(name, key))
      )
    }));
    return found;
  };
  const running = row('a', { run: 1, status: 'running' });

  it('are found after the metrics, also of tasks without any', async () => {
    const model = new ComparedCurvesModel(client(), 'ws');
    const sorted = [
      'system/gpu1_power_watts',
      'system/cpu_percent',
      'system/processes'
    ];
    model.findKeys([running], []);
    await settled();
    expect(model.getSnapshot().keys).toEqual(sorted);
    model.findKeys([running], ['loss']);
    await settled();
    expect(model.getSnapshot().keys).toEqual(['loss', ...sorted]);
    expect(curveKeys(model.getSnapshot().keys, null).chosen).toEqual(['loss']);
    expect(curveKeys(sorted, null).chosen).toEqual(sorted);
    expect(curveKeys(['loss', ...sorted], [sorted[1]]).chosen).toEqual([
      sorted[1]
    ]);
    model.dispose();
  });

  it('of running tasks are loaded again', async () => {
    const asked = client();
    const model = new ComparedCurvesModel(asked, 'ws');
    model.setVisibleTasks([running], ['system/cpu_percent']);
    await settled();
    expect(asked.listCurves).toHaveBeenCalledTimes(1);
    await jest.advanceTimersByTimeAsync(15_000);
    expect(asked.listCurves.mock.calls.length).toBeGreaterThan(1);
    model.setVisibleTasks(
      [{ ...running, status: 'completed' }],
      ['system/cpu_percent']
    );
    await jest.advanceTimersByTimeAsync(5000);
    const { length } = asked.listCurves.mock.calls;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(asked.listCurves).toHaveBeenCalledTimes(length);
    model.dispose();
  });

  it('of the run whose log is shown are loaded again', async () => {
    const asked = client();
    const model = new RunCurvesModel(asked, 'ws');
    const stop = model.subscribe(() => undefined);
    model.show('a', 1);
    model.setRow(running);
    await jest.advanceTimersByTimeAsync(5000);
    const { length } = asked.listCurves.mock.calls;
    await jest.advanceTimersByTimeAsync(11_000);
    expect(asked.listCurves).toHaveBeenCalledTimes(length + 1);
    model.setRow({ ...running, status: 'completed' });
    await jest.advanceTimersByTimeAsync(5000);
    const last = asked.listCurves.mock.calls.length;
    await jest.advanceTimersByTimeAsync(60_000);
    expect(asked.listCurves).toHaveBeenCalledTimes(last);
    stop();
    model.dispose();
  });
});

describe('RunCurvesModel', () => {
  it('shows a run, renews it while it changes, and never another one', async () => {
    const client = asking();
    const model = new RunCurvesModel(client, 'ws');
    model.show('b', 1);
    await settled();
    expect(client.listCurves).not.toHaveBeenCalled();
    model.subscribe(() => undefined);
    model.show('a', 2);
    await settled();
    expect(client.listCurves).toHaveBeenLastCalledWith('ws', {
      name: ['a'],
      points: 600,
      run: 2
    });
    expect(model.getSnapshot().curves).toHaveLength(1);
    const now = (loss: number) =>
      row('a', { run: 2, status: 'running', figures: { loss } });
    for (let at = 0; at < 20; at++) {
      model.setRow(now(at));
      await jest.advanceTimersByTimeAsync(100);
    }
    expect(client.listCurves).toHaveBeenCalledTimes(2);
    let late: (value: Curves) => void = () => undefined;
    client.listCurves.mockReturnValueOnce(
      new Promise(resolve => (late = resolve))
    );
    model.setRow(now(99));
    await jest.advanceTimersByTimeAsync(2000);
    model.show('b', 1);
    expect(model.getSnapshot().curves).toEqual([]);
    late({ items: [curve('a', 'loss')] });
    await settled();
    expect(model.getSnapshot().curves.map(each => each.name)).not.toContain(
      'a'
    );
    await jest.advanceTimersByTimeAsync(2000);
    expect(model.getSnapshot().curves.map(each => each.name)).toEqual(['b']);
    model.dispose();
  });
});

describe('axes', () => {
  it('are steps, points and time, as far as they are known', () => {
    expect(axesOf([curve('a', 'loss')])).toEqual(['step', 'point', 'time']);
    expect(axesOf([{ ...curve('a', 'loss'), times: null, steps: {} }])).toEqual(
      ['point']
    );
    expect(pointsOver(curve('a', 'loss'), 'time')).toEqual({
      xs: [0, 1, 5],
      ys: [3, NaN, 1]
    });
    expect(pointsOver(curve('a', 'loss'), 'epoch')).toBeNull();
    const resumed = { ...curve('a', 'loss'), steps: { step: [0, 20, 10] } };
    expect(pointsOver(resumed, 'step')).toEqual({
      xs: [0, 10, 20],
      ys: [3, 1, NaN]
    });
  });
});
