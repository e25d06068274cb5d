import { ClientError } from '../../client/errors';
import type {
  Counts,
  EventMessage,
  IClient,
  IEventHandlers,
  TaskListQuery,
  TaskRow,
  TaskStatus,
  Workspace
} from '../../client/types';
import { ActivityModel } from '../activity';
import { SessionModel } from '../session';

function row(name: string, status: TaskStatus, at = 0): TaskRow {
  const over = ['completed', 'failed', 'cancelled'].includes(status);
  return {
    name,
    status,
    kind: 'python',
    pinned: false,
    created_at: at,
    runs: 1,
    run: 1,
    started_at: at,
    finished_at: over ? at + 1 : null,
    duration: over ? 1 : null,
    exit_code: null,
    progress: null,
    swept: {},
    figures: {},
    message: null,
    tags: [],
    order: null,
    readable: true,
    silent_since: null,
    study: null,
    alert: null
  };
}

function countsOf(rows: Iterable<TaskRow>): Counts {
  const counts: Counts = {
    pending: 0,
    queued: 0,
    running: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    unreadable: 0
  };
  for (const item of rows) {
    counts[item.readable ? item.status : 'unreadable']++;
  }
  return counts;
}

/** A workspace on a server, with its event stream. */
class Server {
  rows = new Map<string, TaskRow>();
  revision = 1;
  epoch = 'e';
  handlers: IEventHandlers | null = null;
  lists = 0;
  /** Rows in all lists. */
  listed = 0;
  status: () => Promise<unknown> = async () => ({
    version: '1',
    api_version: 2
  });
  workspaces: Workspace[] = [];

  put(...rows: TaskRow[]): void {
    rows.forEach(item => this.rows.set(item.name, item));
    this.revision++;
    this.handlers?.onChanges(this.message({ changed: rows }));
  }

  message(more: Partial<EventMessage>): EventMessage {
    return {
      type: 'changes',
      epoch: this.epoch,
      revision: this.revision,
      counts: countsOf(this.rows.values()),
      ...more
    };
  }

  /** From now on lists arrive after what changes meanwhile. */
  answerLate(): void {
    const listTasks = this.client.listTasks.bind(this.client);
    this.client.listTasks = async (ws, query) => {
      const late = await listTasks(ws, query);
      await new Promise(resolve => setTimeout(resolve, 100));
      return late;
    };
  }

  readonly client = {
    getStatus: () => this.status(),
    listWorkspaces: async () => ({ items: this.workspaces }),
    openWorkspace: async ({ path }: { path: string }) => workspace(path),
    streamEvents: (ws: string, handlers: IEventHandlers) => {
      this.handlers = handlers;
      return {
        state: 'open',
        isDisposed: false,
        retry: () => undefined,
        dispose: () => {
          this.handlers = null;
        }
      };
    },
    listTasks: async (ws: string, query: TaskListQuery) => {
      this.lists++;
      const statuses = query.status!.split(',');
      const items = [...this.rows.values()].filter(item =>
        statuses.includes(item.status)
      );
      if (query.order === 'desc') {
        const at = query.sort === 'finished' ? 'finished_at' : 'started_at';
        items.sort(
          (a, b) =>
            Number(b.pinned) - Number(a.pinned) || (b[at] ?? 0) - (a[at] ?? 0)
        );
      }
      this.listed += Math.min(items.length, query.limit ?? 200);
      return {
        items: items.slice(0, query.limit ?? 200),
        total: items.length,
        counts: countsOf(this.rows.values()),
        revision: this.revision,
        epoch: this.epoch,
        columns: { swept: [], figures: [] }
      };
    }
  } as unknown as IClient;
}

function workspace(id: string): Workspace {
  return {
    id,
    name: id,
    kind: 'script',
    path: '',
    script: null,
    counts: countsOf([]),
    engine: 'local',
    scheduler_alive: false,
    problem: null
  };
}

describe('ActivityModel', () => {
  let server: Server;
  let model: ActivityModel;
  const onEnded = jest.fn();
  const onIdle = jest.fn();
  const onSilent = jest.fn();
  const onAlerted = jest.fn();
  const names = (rows: readonly TaskRow[]) => rows.map(item => item.name);

  beforeEach(async () => {
    jest.useFakeTimers();
    onEnded.mockClear();
    onIdle.mockClear();
    onSilent.mockClear();
    onAlerted.mockClear();
    server = new Server();
    server.put(
      row('a', 'completed', 1),
      row('b', 'running', 2),
      row('c', 'queued', 3)
    );
    model = new ActivityModel(server.client, 'w', {
      onEnded,
      onIdle,
      onSilent,
      onAlerted
    });
    model.start();
    await jest.advanceTimersByTimeAsync(0);
  });

  afterEach(() => {
    model.dispose();
    jest.useRealTimers();
  });

  it('tells once of a task that falls silent, and again after a sign of life', async () => {
    const silent = (since: number | null) =>
      server.put({ ...row('b', 'running', 2), silent_since: since });
    silent(100);
    silent(100);
    expect(onSilent).toHaveBeenCalledTimes(1);
    expect(names(onSilent.mock.calls[0][0])).toEqual(['b']);
    silent(null);
    silent(900);
    expect(onSilent).toHaveBeenCalledTimes(2);
    // What was so before anybody looked is no news.
    const later = new ActivityModel(server.client, 'w', { onSilent });
    later.start();
    await jest.advanceTimersByTimeAsync(0);
    silent(900);
    expect(onSilent).toHaveBeenCalledTimes(2);
    later.dispose();
  });

  it('reports each new alert of a run that it saw active', async () => {
    const alert = (number: number) => ({
      alert: {
        time: 1,
        level: 'info' as const,
        title: `T${number}`,
        text: '',
        number
      }
    });
    server.put({ ...row('b', 'running', 2), ...alert(1) });
    server.put({ ...row('b', 'running', 2), ...alert(1) });
    expect(onAlerted).toHaveBeenCalledTimes(1);
    expect(names(onAlerted.mock.calls[0][0])).toEqual(['b']);
    server.put({ ...row('b', 'failed', 2), ...alert(3) });
    expect(onAlerted).toHaveBeenCalledTimes(2);
    // Its run has ended: another change of the task is not reported.
    server.put({ ...row('b', 'failed', 2), ...alert(3), tags: ['seen'] });
    server.put({ ...row('a', 'completed', 1), ...alert(1) });
    // It is queued again: its alert is that of the earlier run.
    server.put({ ...row('a', 'queued', 1), ...alert(1) });
    expect(onAlerted).toHaveBeenCalledTimes(2);
  });

  it('lists again when its list was older than what it heard', async () => {
    server.answerLate();
    model.retry();
    await jest.advanceTimersByTimeAsync(10);
    server.put({ ...row('b', 'running', 2), progress: 0.9 });
    await jest.advanceTimersByTimeAsync(2000);
    expect(model.getSnapshot().active[0].progress).toBe(0.9);
  });

  it('reports an end once when an older list comes after it', async () => {
    server.answerLate();
    model.retry();
    await jest.advanceTimersByTimeAsync(10);
    server.put(row('b', 'completed', 2), row('c', 'completed', 3));
    await jest.advanceTimersByTimeAsync(2000);
    expect(onEnded).toHaveBeenCalledTimes(1);
    expect(onIdle).toHaveBeenCalledTimes(1);
    expect(names(model.getSnapshot().recent)).toEqual(['c', 'b', 'a']);
  });

  it('reports an end once that is between its two lists', async () => {
    const { client } = server;
    const listTasks = client.listTasks.bind(client);
    client.listTasks = (ws, query) => {
      const list = listTasks(ws, query);
      if (query?.status === 'running,queued') {
        server.rows.set('b', row('b', 'failed', 2));
        server.revision++;
      }
      return list;
    };
    model.retry();
    await jest.advanceTimersByTimeAsync(0);
    const state = model.getSnapshot();
    expect(names(state.active)).toEqual(['c']);
    expect(names(state.recent)).toEqual(['b', 'a']);
    server.handlers!.onChanges(
      server.message({ changed: [row('b', 'failed', 2)] })
    );
    expect(onEnded).toHaveBeenCalledTimes(1);
  });

  it('reports the end of a long run after events were missed', async () => {
    for (let at = 0; at < 30; at++) {
      const name = `short${at}`;
      server.rows.set(name, row(name, 'completed', 10 + at));
    }
    for (let at = 0; at < 25; at++) {
      const name = `pinned${at}`;
      const pinned = { ...row(name, 'completed', 1), pinned: true };
      server.rows.set(name, pinned);
    }
    const ended = { ...row('b', 'completed', 2), finished_at: 1000 };
    server.rows.set('b', ended);
    server.revision++;
    server.handlers!.onReset(server.message({ type: 'reset' }));
    await jest.advanceTimersByTimeAsync(2000);
    expect(onEnded.mock.calls.map(([rows]) => names(rows))).toEqual([['b']]);
    const { recent } = model.getSnapshot();
    expect(recent).toHaveLength(20);
    expect(names(recent).slice(0, 2)).toEqual(['b', 'short29']);
  });

  it('lists again when the greeting overtakes the first list', async () => {
    server.answerLate();
    const later = new ActivityModel(server.client, 'w');
    later.start();
    server.rows.set('c', row('c', 'running', 3));
    server.revision++;
    server.handlers!.onHello!(server.message({ type: 'hello' }));
    await jest.advanceTimersByTimeAsync(2000);
    expect(later.getSnapshot().active.map(item => item.status)).toEqual([
      'running',
      'running'
    ]);
    later.dispose();
  });

  it('reports trials after events were missed', async () => {
    const onTrials = jest.fn();
    const later = new ActivityModel(server.client, 'w', { onTrials });
    later.start();
    await jest.advanceTimersByTimeAsync(2000);
    const study = { name: 's', number: 1, pruned: null };
    server.rows.set('b', { ...row('b', 'completed', 2), study });
    server.revision++;
    server.handlers!.onReset(server.message({ type: 'reset' }));
    await jest.advanceTimersByTimeAsync(2000);
    expect(onTrials.mock.calls.map(([rows]) => names(rows))).toEqual([['b']]);
    later.dispose();
  });

  it('stops listing when a new life of the server is known', async () => {
    server.revision = 1000;
    server.put(row('b', 'running', 2));
    server.epoch = 'f';
    server.revision = 3;
    server.handlers!.onReset(server.message({ type: 'reset' }));
    server.put({ ...row('b', 'running', 2), progress: 0.5 });
    await jest.advanceTimersByTimeAsync(2000);
    const { lists } = server;
    expect(model.getSnapshot().active[0].progress).toBe(0.5);
    await jest.advanceTimersByTimeAsync(5000);
    expect(server.lists).toBe(lists);
  });

  it('lists seldom while a long queue drains', async () => {
    server.put(
      ...Array.from({ length: 1000 }, (_, at) =>
        row(`q${at}`, 'queued', 9 + at)
      )
    );
    await jest.advanceTimersByTimeAsync(2000);
    server.lists = server.listed = 0;
    for (let at = 0; at < 700; at++) {
      server.put(row(`q${at}`, 'completed', 9 + at));
      await jest.advanceTimersByTimeAsync(100);
    }
    expect(names(model.getSnapshot().active).slice(0, 3)).toEqual([
      'b',
      'c',
      'q700'
    ]);
    expect(model.getSnapshot().active.length).toBeGreaterThanOrEqual(90);
    expect(server.lists).toBeLessThan(24);
    expect(server.listed).toBeLessThan(3000);
    // What is queued behind an unknown task waits for its turn.
    server.put(row('new', 'queued', 5000));
    expect(names(model.getSnapshot().active)).not.toContain('new');
  });

  it('knows what runs and what ended', () => {
    const state = model.getSnapshot();
    expect(names(state.active)).toEqual(['b', 'c']);
    expect(names(state.recent)).toEqual(['a']);
    expect(state.counts).toMatchObject({ running: 1, queued: 1, completed: 1 });
    expect(onEnded).not.toHaveBeenCalled();
  });

  it('follows events and says what ended, and when all is done', () => {
    server.put(row('b', 'failed', 2), row('c', 'running', 3));
    expect(names(model.getSnapshot().active)).toEqual(['c']);
    expect(names(model.getSnapshot().recent)).toEqual(['b', 'a']);
    expect(names(onEnded.mock.calls[0][0])).toEqual(['b']);
    expect(onIdle).not.toHaveBeenCalled();
    server.put(row('c', 'completed', 3));
    expect(onIdle).toHaveBeenCalledTimes(1);
    // A note on a task that ended long ago is no end.
    server.put(row('a', 'completed', 1));
    expect(onEnded).toHaveBeenCalledTimes(2);
  });

  it('learns what happened while the connection was lost', async () => {
    server.rows.set('b', row('b', 'failed', 2));
    server.rows.set('c', row('c', 'completed', 3));
    server.revision += 2;
    server.handlers!.onHello!(server.message({ type: 'hello' }));
    await jest.advanceTimersByTimeAsync(600);
    expect(model.getSnapshot().active).toEqual([]);
    expect(names(onEnded.mock.calls[0][0]).sort()).toEqual(['b', 'c']);
    expect(onIdle).toHaveBeenCalledTimes(1);
  });

  it('forgets removed tasks', () => {
    server.rows.delete('a');
    server.handlers!.onChanges(server.message({ removed: ['a'] }));
    expect(model.getSnapshot().recent).toEqual([]);
  });
});

describe('SessionModel', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('comes back to the workspace of the last time', async () => {
    const server = new Server();
    server.workspaces = [workspace('a'), workspace('b')];
    const saved: string[] = [];
    const session = new SessionModel({
      client: server.client,
      loadCurrent: async () => 'b',
      saveCurrent: id => saved.push(id)
    });
    await session.start();
    expect(session.getSnapshot()).toMatchObject({
      handshake: 'ready',
      current: { id: 'b' }
    });
    const first = session.getSnapshot().activity!;
    await session.open('c');
    expect(first.isDisposed).toBe(true);
    expect(session.getSnapshot()).toMatchObject({
      current: { id: 'c' },
      activity: { ws: 'c' }
    });
    expect(saved).toEqual(['b', 'c']);
    session.dispose();
  });

  it('tells a missing extension, another version, and no server apart', async () => {
    const server = new Server();
    const session = new SessionModel({ client: server.client });
    server.status = async () => {
      throw new ClientError('Not Found', { status: 404 });
    };
    await session.start();
    expect(session.getSnapshot().handshake).toBe('missing');

    server.status = async () => ({ version: '9', api_version: 9 });
    await session.start();
    expect(session.getSnapshot().handshake).toBe('mismatch');

    const works = async () => ({ version: '1', api_version: 2 });
    server.status = async () => {
      throw new ClientError('gone');
    };
    await session.start();
    expect(session.getSnapshot().handshake).toBe('unreachable');
    server.status = works;
    await jest.advanceTimersByTimeAsync(5100);
    expect(session.getSnapshot().handshake).toBe('ready');
    session.dispose();
  });
});
