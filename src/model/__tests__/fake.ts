/** A client whose other end is the test. */
import type {
  Counts,
  ExportQuery,
  IClient,
  IEventHandlers,
  ILogHandlers,
  ILogStart,
  IStream,
  ISystemHandlers,
  MetricDefinition,
  ShownStatus,
  TaskPage,
  TaskRow,
  TrashedTask
} from '../../client/types';

export function row(name: string, change: Partial<TaskRow> = {}): TaskRow {
  return {
    name,
    status: 'pending',
    kind: 'python',
    pinned: false,
    created_at: 1000,
    runs: 0,
    run: 0,
    started_at: null,
    finished_at: null,
    duration: null,
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
    alert: null,
    ...change
  };
}

function shownStatus({ readable, status }: TaskRow): ShownStatus {
  return readable ? status : 'unreadable';
}

export function countsOf(rows: readonly TaskRow[]): Counts {
  const counts: Counts = {
    pending: 0,
    queued: 0,
    running: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    unreadable: 0
  };
  rows.forEach(each => counts[shownStatus(each)]++);
  return counts;
}

/** The part of a client that runs without media need. */
export const NO_MEDIA = {
  listMedia: async () => ({ items: [], cut: false, pending: false }),
  readMedium: async () => new Blob()
};

async function noStudy(): Promise<never> {
  throw new Error('There is no study.');
}

/** The part of a client that pages without studies need. */
export const NO_STUDIES = {
  listStudies: async () => ({ available: true, items: [], damaged: [] }),
  getStudy: noStudy,
  getStudyImportance: noStudy,
  changeStudy: noStudy,
  removeStudy: noStudy
};

export class FakeStream implements IStream {
  state = 'connecting' as const;
  isDisposed = false;
  retry = jest.fn();
  dispose(): void {
    this.isDisposed = true;
  }
}

/** A stream of a log and what it was asked for. */
export interface ILogCall {
  task: string;
  start: ILogStart;
  handlers: ILogHandlers;
  stream: FakeStream;
}

/** Lists `rows` in their order; everything else is a mock. */
export class FakeClient {
  rows: TaskRow[] = [];
  revision = 1;
  epoch = 'one';
  system: ISystemHandlers | null = null;
  systemStream: FakeStream | null = null;
  logs: ILogCall[] = [];

  listTasks = jest.fn(
    (ws: string, query: Parameters<IClient['listTasks']>[1] = {}) => {
      const statuses = query.status?.split(',');
      const found = this.rows.filter(
        each => !statuses || statuses.includes(shownStatus(each))
      );
      const offset = query.offset ?? 0;
      const page: TaskPage = {
        items: found.slice(offset, offset + (query.limit ?? 200)),
        total: found.length,
        counts: countsOf(this.rows),
        revision: this.revision,
        epoch: this.epoch,
        typical_duration: null,
        columns: {
          swept: [...new Set(found.flatMap(each => Object.keys(each.swept)))],
          figures: [
            ...new Set(found.flatMap(each => Object.keys(each.figures)))
          ]
        },
        notices: [],
        best: this.best,
        goals: this.goals
      };
      return Promise.resolve(page);
    }
  );

  best: NonNullable<TaskPage['best']> = {};
  goals: NonNullable<TaskPage['goals']> = {
    acc: { direction: 'maximize', origin: 'name', automatic: 'maximize' },
    loss: { direction: 'minimize', origin: 'name', automatic: 'minimize' }
  };
  defineMetric = jest.fn((ws: string, wanted: MetricDefinition) =>
    Promise.resolve({ goals: { [wanted.name]: wanted.goal ?? 'minimize' } })
  );

  actOnTasks = jest.fn(
    (
      ws: string,
      { action, names = [] }: { action?: string; names?: string[] }
    ) =>
      Promise.resolve({
        done: names,
        refused: [] as { name: string; message: string }[],
        made: action === 'delete' ? names : []
      })
  );

  trashed: TrashedTask[] = [];
  listTrash = jest.fn(() => Promise.resolve({ items: [...this.trashed] }));
  exportResults = jest.fn((ws: string, query: ExportQuery = {}) =>
    Promise.resolve({
      blob: new Blob(['name,lr\n']),
      name: `train.${query.format}`
    })
  );

  getWorkspace = jest.fn(() => Promise.resolve({ id: 'ws', problem: null }));
  readLog = jest.fn();

  streamEvents = jest.fn((ws: string, handlers: IEventHandlers) => {
    const stream = new FakeStream();
    this._listeners.push({ handlers, stream });
    return stream;
  });

  /** Calls the handlers of all that listen; null if nothing does. */
  get events(): Required<IEventHandlers> | null {
    const listening = this._listeners.filter(each => !each.stream.isDisposed);
    const all = (call: (handlers: IEventHandlers) => void) =>
      listening.forEach(({ handlers }) => call(handlers));
    return listening.length === 0
      ? null
      : {
          onHello: message => all(each => each.onHello?.(message)),
          onChanges: message => all(each => each.onChanges(message)),
          onReset: message => all(each => each.onReset(message)),
          onState: state => all(each => each.onState?.(state)),
          onError: error => all(each => each.onError?.(error))
        };
  }

  streamLog = jest.fn(
    (ws: string, task: string, start: ILogStart, handlers: ILogHandlers) => {
      const stream = new FakeStream();
      this.logs.push({ task, start, handlers, stream });
      return stream;
    }
  );

  streamSystem = jest.fn((handlers: ISystemHandlers) => {
    this.system = handlers;
    this.systemStream = new FakeStream();
    return this.systemStream;
  });

  get asClient(): IClient {
    return this as unknown as IClient;
  }

  /** Change or remove rows and tell it by an event. */
  change(changed: TaskRow[], removed: string[] = []): void {
    this.revision++;
    for (const each of changed) {
      const index = this.rows.findIndex(old => old.name === each.name);
      if (index >= 0) {
        this.rows[index] = each;
      } else {
        this.rows.unshift(each);
      }
    }
    this.rows = this.rows.filter(each => !removed.includes(each.name));
    this.events?.onChanges({
      type: 'changes',
      epoch: this.epoch,
      revision: this.revision,
      counts: countsOf(this.rows),
      changed,
      removed
    });
  }

  private readonly _listeners: {
    handlers: IEventHandlers;
    stream: FakeStream;
  }[] = [];
}
