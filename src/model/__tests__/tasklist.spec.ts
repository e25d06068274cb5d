import { ClientError } from '../../client/errors';
import { PAGE_SIZE } from '../freshpages';
import { TaskListModel } from '../tasklist';
import { countsOf, FakeClient, row } from './fake';

const settle = () => jest.advanceTimersByTimeAsync(0);

async function opened(count = 3) {
  const client = new FakeClient();
  client.rows = Array.from({ length: count }, (_, index) => row(`t${index}`));
  const model = new TaskListModel(client.asClient, 'ws');
  model.start();
  client.events?.onState?.('open');
  await settle();
  const names = () => model.getSnapshot().rows.map(each => each?.name);
  return { client, model, names };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('TaskListModel', () => {
  it('lists at start', async () => {
    const { model, names } = await opened();
    const state = model.getSnapshot();
    expect(state.phase).toBe('ready');
    expect(names()).toEqual(['t0', 't1', 't2']);
    expect(state.refreshing).toBe(false);
    expect(state.connection).toBe('open');
    model.dispose();
  });

  it('loads only the pages that are shown', async () => {
    const { client, model, names } = await opened(1000);
    expect(model.getSnapshot().total).toBe(1000);
    expect(client.listTasks).toHaveBeenCalledTimes(1);
    expect(names()[PAGE_SIZE]).toBeUndefined();
    model.setVisibleRange(590, 620);
    await settle();
    expect(names()[590]).toBe('t590');
    expect(names()[620]).toBe('t620');
    expect(client.listTasks).toHaveBeenCalledTimes(3);
    model.setVisibleRange(580, 640);
    await settle();
    expect(client.listTasks).toHaveBeenCalledTimes(3);
    model.dispose();
  });

  it('loads a page before it is scrolled to, once', async () => {
    const { client, model, names } = await opened(1000);
    model.setVisibleRange(650, 690);
    await settle();
    expect(names()[800]).toBeUndefined();
    model.setVisibleRange(680, 720);
    await settle();
    expect(names()[800]).toBe('t800');
    const listed = client.listTasks.mock.calls.length;
    model.setVisibleRange(690, 730);
    await settle();
    expect(client.listTasks).toHaveBeenCalledTimes(listed);
    model.dispose();
  });

  it('knows a better value before it lists again', async () => {
    const { client, model } = await opened();
    const loss = { value: 0.5, direction: 'minimize', origin: 'name' } as const;
    client.best = { loss };
    model.setFields([], ['loss']);
    await settle();
    const listed = client.listTasks.mock.calls.length;
    client.change([row('t1', { figures: { loss: 0.7 } })]);
    expect(model.getSnapshot().best.loss.value).toBe(0.5);
    client.change([row('t2', { figures: { loss: 0.1 } })]);
    expect(model.getSnapshot().best).toEqual({ loss: { ...loss, value: 0.1 } });
    expect(client.listTasks).toHaveBeenCalledTimes(listed);
    model.dispose();
  });

  it('patches a changed row without listing again', async () => {
    const { client, model } = await opened();
    const before = model.getSnapshot().rows;
    client.change([row('t1', { status: 'completed', figures: { acc: 0.9 } })]);
    const { rows, columns, counts } = model.getSnapshot();
    expect(rows[1]).toMatchObject({ status: 'completed' });
    expect(rows[0]).toBe(before[0]);
    expect(columns.figures).toEqual(['acc']);
    expect(counts?.completed).toBe(1);
    await jest.advanceTimersByTimeAsync(2000);
    expect(client.listTasks).toHaveBeenCalledTimes(1);
    model.dispose();
  });

  it('lists again, once, when tasks come or go', async () => {
    const { client, model, names } = await opened();
    client.change([row('new')]);
    client.change([row('newer')], ['t0']);
    expect(names()).toEqual(['t1', 't2']);
    await jest.advanceTimersByTimeAsync(1000);
    expect(client.listTasks).toHaveBeenCalledTimes(2);
    expect(names()).toEqual(['newer', 'new', 't1', 't2']);
    model.dispose();
  });

  it('lists again when the order may have changed', async () => {
    const { client, model } = await opened();
    model.setListing({ sort: 'acc' });
    await settle();
    expect(client.listTasks).toHaveBeenCalledTimes(2);
    client.change([row('t1', { figures: { acc: 1 } })]);
    await jest.advanceTimersByTimeAsync(1000);
    expect(client.listTasks).toHaveBeenCalledTimes(3);
    model.dispose();
  });

  it('does not take a list for fresh that was asked for before a change', async () => {
    const { client, model, names } = await opened();
    model.refresh();
    client.change([row('new')]);
    await jest.advanceTimersByTimeAsync(1000);
    expect(names()).toContain('new');
    expect(client.listTasks).toHaveBeenCalledTimes(3);
    model.dispose();
  });

  it.each(['hello', 'changes'] as const)(
    'lists again when %s overtakes the first list',
    async type => {
      const client = new FakeClient();
      client.rows = [row('t', { status: 'queued' })];
      const late = await client.listTasks('ws');
      client.listTasks.mockImplementationOnce(
        () => new Promise(resolve => setTimeout(() => resolve(late), 100))
      );
      const model = new TaskListModel(client.asClient, 'ws');
      model.start();
      client.rows = [row('t', { status: 'running' })];
      client.revision++;
      const message = {
        epoch: client.epoch,
        revision: client.revision,
        counts: countsOf(client.rows)
      };
      if (type === 'hello') {
        client.events?.onHello?.({ type, ...message });
      } else {
        client.events?.onChanges({ type, ...message, changed: client.rows });
      }
      await jest.advanceTimersByTimeAsync(2000);
      const state = model.getSnapshot();
      expect(state.rows.map(each => each?.status)).toEqual(['running']);
      expect(state.counts).toMatchObject({ running: 1, queued: 0 });
      model.dispose();
    }
  );

  it('does not go back to what a late list tells', async () => {
    const { client, model } = await opened();
    const late = await client.listTasks('ws');
    let answer: (page: typeof late) => void = () => undefined;
    client.listTasks.mockImplementationOnce(
      () =>
        new Promise(resolve => {
          answer = resolve;
        })
    );
    model.setFields(['lr']);
    await settle();
    client.change([row('t1', { status: 'completed', figures: { acc: 0.9 } })]);
    client.change([row('t2', { status: 'failed' })]);
    answer({
      ...late,
      items: late.items.map(item => ({ ...item, values: { lr: 1 } }))
    });
    await settle();
    const { rows, counts } = model.getSnapshot();
    expect(rows[1]).toMatchObject({
      status: 'completed',
      figures: { acc: 0.9 },
      values: { lr: 1 }
    });
    expect(counts?.failed).toBe(1);
    const asked = client.listTasks.mock.calls.length;
    await jest.advanceTimersByTimeAsync(2000);
    expect(client.listTasks).toHaveBeenCalledTimes(asked + 1);
    expect(model.getSnapshot().rows[2]).toMatchObject({ status: 'failed' });
    model.dispose();
  });

  it('keeps the selection through refreshes and drops what is gone', async () => {
    const { client, model } = await opened();
    model.select(['t0', 't2'], 'replace');
    model.refresh();
    await settle();
    expect([...model.getSnapshot().selection]).toEqual(['t0', 't2']);
    client.change([], ['t0']);
    expect([...model.getSnapshot().selection]).toEqual(['t2']);
    model.dispose();
  });

  it('selects all that match, loaded or not', async () => {
    const { model } = await opened(2500);
    await model.selectAll();
    expect(model.getSnapshot().selection.size).toBe(2500);
    model.dispose();
  });

  it.each<[string, (model: TaskListModel) => void, string[]]>([
    ['selected', model => model.select(['t3'], 'replace'), ['t3']],
    ['listed', model => model.setListing({ query: 't3' }), []]
  ])(
    'does not select all when something else is %s meanwhile',
    async (_, change, selection) => {
      const { model } = await opened(2500);
      const all = model.selectAll();
      change(model);
      await all;
      expect([...model.getSnapshot().selection]).toEqual(selection);
      model.dispose();
    }
  );

  it('shows an action at once and lets the event confirm it', async () => {
    const { client, model } = await opened();
    const done = model.act('run', ['t0', 't1'], {
      run: { jobs: 2 }
    });
    expect(model.getSnapshot().pending.get('t0')).toBe('run');
    await done;
    expect(client.actOnTasks).toHaveBeenCalledWith('ws', {
      action: 'run',
      names: ['t0', 't1'],
      run: { jobs: 2 }
    });
    client.change([row('t0', { status: 'queued' })]);
    expect([...model.getSnapshot().pending.keys()]).toEqual(['t1']);
    // What no event confirms is decided by the list.
    await jest.advanceTimersByTimeAsync(5000);
    expect(model.getSnapshot().pending.size).toBe(0);
    model.dispose();
  });

  it('takes a refused action back', async () => {
    const { client, model } = await opened();
    client.actOnTasks.mockResolvedValueOnce({
      done: [],
      refused: [{ name: 't0', message: 'It runs already.' }],
      made: []
    });
    const result = await model.act('run', ['t0']);
    expect(result.refused).toHaveLength(1);
    expect(model.getSnapshot().pending.size).toBe(0);
    client.actOnTasks.mockRejectedValueOnce(
      new ClientError('You may only read.', { status: 403 })
    );
    await expect(model.act('run', ['t0'])).rejects.toThrow('only read');
    expect(model.getSnapshot().pending.size).toBe(0);
    model.dispose();
  });

  it('deletes at once and offers to undo', async () => {
    const { client, model, names } = await opened();
    model.select(['t1'], 'replace');
    client.rows.splice(1, 1);
    await model.act('delete', ['t1']);
    expect(names()).toEqual(['t0', 't2']);
    expect(model.getSnapshot().selection.size).toBe(0);
    expect(model.getSnapshot().undo?.names).toEqual(['t1']);
    await model.undo();
    expect(client.actOnTasks).toHaveBeenLastCalledWith('ws', {
      action: 'restore',
      names: ['t1']
    });
    expect(model.getSnapshot().undo).toBeNull();
    model.dispose();
  });

  it('restores the task that it deleted, not another one of that name', async () => {
    const { client, model } = await opened();
    client.actOnTasks.mockResolvedValueOnce({
      done: ['t1'],
      refused: [],
      made: ['t1_in_trash']
    });
    await model.act('delete', ['t1']);
    await model.undo();
    expect(client.actOnTasks).toHaveBeenLastCalledWith('ws', {
      action: 'restore',
      names: ['t1_in_trash']
    });
    model.dispose();
  });

  it('still offers to undo when that could not be asked for', async () => {
    const { client, model } = await opened();
    await model.act('delete', ['t1']);
    client.actOnTasks.mockRejectedValueOnce(new ClientError('offline'));
    await expect(model.undo()).rejects.toThrow('offline');
    expect(model.getSnapshot().undo?.names).toEqual(['t1']);
    // What was deleted meanwhile is not forgotten.
    const undone = model.undo();
    await model.act('delete', ['t2']);
    await undone;
    expect(model.getSnapshot().undo?.names).toEqual(['t2']);
    model.dispose();
  });

  it('keeps the rows when the search cannot be understood', async () => {
    const { client, model, names } = await opened();
    client.listTasks.mockRejectedValueOnce(
      new ClientError('"lr<" lacks a number.', { status: 400, column: 4 })
    );
    model.setListing({ query: 'lr<' });
    await settle();
    expect(model.getSnapshot().queryError?.column).toBe(4);
    expect(names()).toEqual(['t0', 't1', 't2']);
    model.setListing({ query: '' });
    await settle();
    expect(model.getSnapshot().queryError).toBeNull();
    model.dispose();
  });

  it('lists again when the server began anew', async () => {
    const { client, model, names } = await opened();
    client.epoch = 'two';
    client.revision = 0;
    client.rows = [row('other')];
    client.events?.onState?.('lost');
    expect(model.getSnapshot().connection).toBe('lost');
    client.events?.onState?.('open');
    client.events?.onReset({ type: 'reset', epoch: 'two', revision: 0 });
    await jest.advanceTimersByTimeAsync(1000);
    expect(names()).toEqual(['other']);
    client.change([row('other', { status: 'failed' })]);
    expect(model.row('other')?.status).toBe('failed');
    model.dispose();
  });

  it('does not keep rows after a reset that it does not list again', async () => {
    const { client, model } = await opened(500);
    model.setVisibleRange(450, 460);
    await settle();
    expect(model.row('t450')).toBeDefined();
    model.setVisibleRange(0, 20);
    client.rows[450] = row('t450', { status: 'running' });
    client.revision++;
    const { epoch, revision } = client;
    client.events?.onReset({ type: 'reset', epoch, revision });
    await jest.advanceTimersByTimeAsync(1000);
    expect(model.row('t450')).toBeUndefined();
    expect(model.row('t0')).toBeDefined();
    model.setVisibleRange(450, 460);
    await settle();
    expect(model.row('t450')?.status).toBe('running');
    model.dispose();
  });

  it('tries again when the first list fails', async () => {
    const client = new FakeClient();
    client.listTasks.mockRejectedValueOnce(new ClientError('Failed to fetch'));
    const model = new TaskListModel(client.asClient, 'ws');
    model.start();
    await settle();
    expect(model.getSnapshot().phase).toBe('error');
    await jest.advanceTimersByTimeAsync(5000);
    expect(model.getSnapshot().phase).toBe('ready');
    model.dispose();
  });
});
