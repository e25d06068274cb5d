import type { Query } from '../../client/operations';
import type { Curves } from '../../client/types';
import { SparklineModel } from '../sparkline';
import { TableLayoutModel } from '../tablelayout';
import { row } from './fake';

describe('SparklineModel', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  const make = (having: string) => {
    const client = {
      listCurves: jest.fn(
        async (
          ws: string,
          { name: names = [], key: [key] = [] }: Query<'listCurves'> = {}
        ): Promise<Curves> => ({
          items:
            key === having
              ? names.map(name => ({
                  name,
                  run: 1,
                  key,
                  total: 3,
                  values: [1, null, 0.5],
                  places: [0, 1, 2],
                  times: null,
                  steps: {}
                }))
              : []
        })
      )
    };
    return { client, model: new SparklineModel(client, 'ws') };
  };

  it('finds the figure that has a curve, and asks once for each task', async () => {
    const { client, model } = make('loss');
    const rows = ['a', 'b'].map(name =>
      row(name, { status: 'completed', run: 1, figures: { acc: 1, loss: 2 } })
    );
    model.setVisibleTasks(rows, ['acc', 'loss']);
    await jest.advanceTimersByTimeAsync(1000);
    expect(model.getSnapshot().key).toBe('loss');
    expect(model.getSnapshot().curves.get('a')).toMatchObject({
      values: [1, null, 0.5],
      places: [0, 1, 2]
    });
    const asked = client.listCurves.mock.calls.length;
    model.setVisibleTasks(rows, ['acc', 'loss']);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(client.listCurves).toHaveBeenCalledTimes(asked);

    model.setVisibleTasks(
      [rows[0], row('c', { run: 1, figures: { loss: 1 } })],
      ['acc', 'loss']
    );
    await jest.advanceTimersByTimeAsync(1000);
    expect(client.listCurves.mock.lastCall?.[1]?.name).toEqual(['c']);
    model.dispose();
  });

  it('renews the curve of what runs, but not at every point', async () => {
    const { client, model } = make('loss');
    for (let point = 0; point < 100; point++) {
      model.setVisibleTasks(
        [row('a', { status: 'running', run: 1, figures: { loss: point } })],
        ['loss']
      );
      await jest.advanceTimersByTimeAsync(100);
    }
    const { calls } = client.listCurves.mock;
    expect(calls.length).toBeGreaterThan(1);
    expect(calls.length).toBeLessThan(6);
    model.dispose();
  });

  it('gives up where nothing has a curve', async () => {
    const { client, model } = make('none');
    const figures = Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [`f${index}`, 1])
    );
    model.setVisibleTasks(
      [row('a', { run: 1, figures })],
      Object.keys(figures)
    );
    await jest.advanceTimersByTimeAsync(10_000);
    expect(client.listCurves.mock.calls.length).toBeLessThan(10);
    expect(model.getSnapshot().key).toBeNull();
    model.dispose();
  });
});

describe('TableLayoutModel', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('shows what differs as soon as it is known, and keeps what is chosen', async () => {
    const listColumns = jest.fn(async () => ({
      parameters: [{ key: 'opt', distinct: 2, tasks: 2, swept: false }],
      figures: []
    }));
    const save = jest.fn();
    const table = new TableLayoutModel({
      client: { listColumns },
      ws: 'ws',
      save
    });
    table.setContext({ swept: ['lr'], figures: ['acc'] }, null, 2);
    expect(table.getSnapshot().shown).not.toContain('config:opt');
    const changed = jest.fn();
    table.subscribe(changed);
    await jest.advanceTimersByTimeAsync(0);
    // Each change would list the tasks again.
    expect(changed).toHaveBeenCalledTimes(1);
    expect(table.getSnapshot().shown).toContain('config:opt');
    expect(table.fields).toEqual(['lr', 'opt']);

    table.showColumn('config:lr', false);
    table.setWidth('name', 301.4);
    table.pinColumn('figure:acc', true);
    expect(table.getSnapshot().shown.slice(0, 3)).toEqual([
      'name',
      'figure:acc',
      'config:opt'
    ]);
    expect(save.mock.lastCall?.[0].layout).toMatchObject({
      widths: { name: 301 },
      pinned: ['figure:acc']
    });

    table.setContext({ swept: ['lr', 'seed'], figures: ['acc'] }, null, 50);
    await jest.advanceTimersByTimeAsync(2000);
    expect(table.getSnapshot().shown).not.toContain('config:seed');
    expect(listColumns).toHaveBeenCalledTimes(2);
    table.dispose();
  });

  it('asks for the keys again after a failure', async () => {
    const listColumns = jest
      .fn()
      .mockRejectedValueOnce(new Error('busy'))
      .mockResolvedValue({
        parameters: [{ key: 'opt', distinct: 2, tasks: 2, swept: false }],
        figures: []
      });
    const table = new TableLayoutModel({ client: { listColumns }, ws: 'ws' });
    table.setContext({ swept: ['lr'], figures: [] }, null, 2);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(table.getSnapshot().known).not.toBeNull();
    expect(table.fields).toEqual(['lr', 'opt']);
    expect(listColumns).toHaveBeenCalledTimes(2);

    listColumns.mockRejectedValue(new Error('gone'));
    table.setContext({ swept: ['lr'], figures: [] }, null, 3);
    await jest.advanceTimersByTimeAsync(2000);
    const { length } = listColumns.mock.calls;
    table.dispose();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(listColumns).toHaveBeenCalledTimes(length);
  });
});
