import { DashboardModel } from '../dashboard';
import { TasksPageModel } from '../taskspage';
import { TableLayoutModel } from '../tablelayout';
import { TaskListModel } from '../tasklist';
import { FakeClient, row } from './fake';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('DashboardModel', () => {
  it('reads the queue when tasks start or end, not for their progress', async () => {
    const calls = {
      getQueue: jest.fn(async () => ({
        paused: false,
        scheduler_alive: true,
        batches: []
      })),
      listStudies: async () => ({ available: true, items: [], damaged: [] })
    };
    const client = Object.assign(new FakeClient(), calls);
    client.rows = [row('a', { status: 'running' })];
    const model = new DashboardModel(client.asClient, 'ws');
    model.queue.subscribe(() => undefined);
    model.start();
    await jest.advanceTimersByTimeAsync(2000);
    calls.getQueue.mockClear();
    for (let at = 0; at < 20; at++) {
      client.change([row('a', { status: 'running', progress: at / 20 })]);
      await jest.advanceTimersByTimeAsync(500);
    }
    expect(calls.getQueue).not.toHaveBeenCalled();
    client.change([row('a', { status: 'completed' })]);
    client.change([row('b', { status: 'queued' })]);
    await jest.advanceTimersByTimeAsync(1000);
    expect(calls.getQueue).toHaveBeenCalledTimes(1);
    model.dispose();
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('TasksPageModel', () => {
  const open = async () => {
    const calls = {
      getTask: jest.fn(async (ws: string, name: string) => ({ name })),
      groupTasks: jest.fn(async () => ({ items: [] })),
      listColumns: jest.fn(async () => ({ parameters: [], figures: [] }))
    };
    const client = Object.assign(new FakeClient(), calls);
    client.rows = [row('a', { status: 'running' }), row('b')];
    const list = new TaskListModel(client.asClient, 'ws');
    const page = new TasksPageModel(list);
    page.start();
    await jest.advanceTimersByTimeAsync(2000);
    const end = () => {
      page.dispose();
      list.dispose();
      expect(jest.getTimerCount()).toBe(0);
    };
    return { calls, client, end, list, page };
  };

  it('reads the details that are shown, again when their task changes', async () => {
    const { calls, client, end, page } = await open();
    page.setActive('a');
    await jest.advanceTimersByTimeAsync(1000);
    expect(calls.getTask).not.toHaveBeenCalled();
    page.setDetails(true);
    await jest.advanceTimersByTimeAsync(1000);
    client.change([row('b', { status: 'running' })]);
    await jest.advanceTimersByTimeAsync(1000);
    expect(calls.getTask).toHaveBeenCalledTimes(1);
    client.change([row('a', { status: 'failed' })]);
    await jest.advanceTimersByTimeAsync(1000);
    expect(calls.getTask).toHaveBeenCalledTimes(2);
    end();
  });

  it('groups again when tasks change, not when they are selected', async () => {
    const { calls, client, end, list, page } = await open();
    page.table.setLayout({ grouping: { by: ['lr'] } });
    await jest.advanceTimersByTimeAsync(1000);
    expect(calls.groupTasks).toHaveBeenCalledTimes(1);
    list.select(['a'], 'replace');
    await jest.advanceTimersByTimeAsync(1000);
    expect(calls.groupTasks).toHaveBeenCalledTimes(1);
    client.change([row('a', { status: 'completed' })]);
    client.change([row('b', { status: 'running' })]);
    await jest.advanceTimersByTimeAsync(1000);
    expect(calls.groupTasks).toHaveBeenCalledTimes(2);
    end();
  });

  it('lists the trash when it is opened and when tasks come or go', async () => {
    const { client, end, page } = await open();
    page.openTrash();
    await jest.advanceTimersByTimeAsync(0);
    expect(page.getSnapshot().trash?.getSnapshot().phase).toBe('ready');
    client.change([], ['b']);
    await jest.advanceTimersByTimeAsync(0);
    expect(client.listTrash).toHaveBeenCalledTimes(2);
    page.closeTrash();
    client.change([], ['a']);
    await jest.advanceTimersByTimeAsync(1000);
    expect(client.listTrash).toHaveBeenCalledTimes(2);
    end();
  });

  it('leaves the columns alone until it is started', async () => {
    const client = Object.assign(new FakeClient(), {
      listColumns: jest.fn(async () => ({ parameters: [], figures: [] }))
    });
    const list = new TaskListModel(client.asClient, 'ws');
    const table = new TableLayoutModel({ client: client.asClient, ws: 'ws' });
    // Of a first rendering that React has repeated.
    const repeated = new TasksPageModel(list, table);
    const page = new TasksPageModel(list, table);
    page.start();
    await jest.advanceTimersByTimeAsync(1000);
    page.curves.choose('loss');
    expect(table.getSnapshot().shown).toContain('curve:loss');
    page.dispose();
    repeated.dispose();
    list.dispose();
    table.dispose();
  });
});
