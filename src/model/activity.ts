import type {
  Counts,
  EventMessage,
  IClient,
  TaskListQuery,
  TaskPage,
  TaskRow,
  TaskStatus
} from '../client/types';
import { ACTIVE_TASKS, ActiveRows, byName, isActive } from './active';
import type { ILiveState } from './livemodel';
import { LiveModel } from './livemodel';
import { Position } from './position';
import { keepEqual } from './store';

/** How many finished tasks are kept. */
const MAX_RECENT = 20;

/** The query that lists the tasks that finished last, after pinned ones. */
const RECENT_TASKS: TaskListQuery = {
  status: 'completed,failed,cancelled',
  sort: 'finished',
  order: 'desc',
  limit: MAX_RECENT + 30
};

/** Delay before the tasks are listed again, to gather changes. */
const GATHER_MS = 500;

/** Delay after a failed list. */
const RETRY_MS = 3000;

export interface IActivityState extends ILiveState {
  readonly phase: 'loading' | 'ready';
  /** Why the last list failed; null after one succeeded. */
  readonly error: Error | null;
  readonly counts: Counts | null;
  /** Running tasks, then queued ones in their order; at most 200. */
  readonly active: readonly TaskRow[];
  /** Finished tasks, the latest first. */
  readonly recent: readonly TaskRow[];
  /** Typical duration of a run in seconds, from earlier ones; null if unknown. */
  readonly typical: number | null;
}

/** Return what a page shows apart from the tasks, which change every second. */
export const slowState = ({
  connection,
  counts,
  error,
  lastUpdatedAt,
  phase
}: IActivityState) => ({ connection, counts, error, lastUpdatedAt, phase });

export interface IActivityHandlers {
  /** Runs finished since the last message. */
  onEnded?(rows: readonly TaskRow[]): void;
  /** Runs sent an alert. */
  onAlerted?(rows: readonly TaskRow[]): void;
  /** Running tasks stalled. */
  onSilent?(rows: readonly TaskRow[]): void;
  /** Trials of studies changed. */
  onTrials?(rows: readonly TaskRow[]): void;
  /** The last active task finished. */
  onIdle?(counts: Counts): void;
}

/** The current activity of a workspace, for small displays. */
export class ActivityModel extends LiveModel<IActivityState> {
  constructor(
    client: IClient,
    ws: string,
    private readonly _handlers: IActivityHandlers = {}
  ) {
    super(client, ws, {
      phase: 'loading',
      error: null,
      counts: null,
      active: [],
      recent: [],
      typical: null
    });
  }

  protected onHello(message: EventMessage): void {
    if (this._position.noteHello(message)) {
      this.onReset();
    }
  }

  protected onReset(): void {
    this.schedule('list', GATHER_MS, () => this.refresh());
  }

  refresh(): void {
    void this.fetch(
      'list',
      signal =>
        Promise.all([
          this.client.listTasks(this.ws, ACTIVE_TASKS, signal),
          this.client.listTasks(this.ws, RECENT_TASKS, signal)
        ]),
      ([active, recent]) => this._onLists(active, recent),
      error => {
        this.update({ error });
        this.retryAfter('list', RETRY_MS, () => this.refresh());
      }
    );
  }

  private _onLists(active: TaskPage, recent: TaskPage): void {
    const isLate = this._position.noteList(
      recent.revision < active.revision ? recent : active
    );
    this.noteMessage();
    if (isLate && this.state.phase === 'ready') {
      // What events reported meanwhile would be reported again.
      this.update({ error: null });
      this.onReset();
      return;
    }
    if (recent.revision > active.revision) {
      // Tasks that finished between the two lists are in both.
      const over = new Set(recent.items.map(row => row.name));
      const items = active.items.filter(row => !over.has(row.name));
      const total = active.total - active.items.length + items.length;
      active = { ...active, items, total };
    }
    const alerted = [...active.items, ...recent.items].filter(row =>
      this._hasAlerted(row)
    );
    const ended = recent.items.filter(row => this._hasEnded(row));
    for (const row of active.items) {
      this._known.set(row.name, row.status);
      this._hasStalled(row);
    }
    // The state at the first update is not reported as a change.
    const isFirst = this.state.phase !== 'ready';
    this._active.list(active);
    this.update({
      phase: 'ready',
      error: null,
      typical: active.typical_duration,
      active: this._active.rows,
      recent: [...recent.items].sort(byEnd).slice(0, MAX_RECENT)
    });
    this._notify(active.counts, ended);
    const trials = [...active.items, ...recent.items].filter(row => row.study);
    if (!isFirst) {
      this._tell('onTrials', trials);
      this._tell('onAlerted', alerted);
    }
    if (isLate) {
      this.onReset();
    }
  }

  protected onChanges(message: EventMessage): void {
    const changed = message.changed ?? [];
    const gone = new Set(message.removed ?? []);
    this._position.noteChanges(message);
    const alerted = changed.filter(row => this._hasAlerted(row));
    const ended = changed.filter(row => this._hasEnded(row));
    gone.forEach(name => this._known.delete(name));

    const names = new Set(changed.map(row => row.name));
    const stays = (row: TaskRow) => !names.has(row.name) && !gone.has(row.name);
    this._active.patch(changed, [...gone]);
    const nextRecent = [
      ...this.state.recent.filter(stays),
      ...changed.filter(row => isOver(row.status))
    ].sort(byEnd);
    this.update({
      active: this._active.rows,
      recent: nextRecent.slice(0, MAX_RECENT)
    });
    this._notify(message.counts ?? null, ended);
    this._tell(
      'onTrials',
      changed.filter(row => row.study)
    );
    this._tell('onAlerted', alerted);
    this._tell(
      'onSilent',
      changed.filter(row => this._hasStalled(row))
    );

    const counts = this.state.counts;
    const over = counts
      ? counts.completed + counts.failed + counts.cancelled
      : 0;
    if (
      (counts && this._active.needsList(counts)) ||
      this.state.recent.length < Math.min(over, MAX_RECENT)
    ) {
      this.onReset();
    }
  }

  /** Remember the status of a task; return whether it has just finished. */
  private _hasEnded({ name, status }: TaskRow): boolean {
    const before = this._known.get(name);
    this._known.set(name, status);
    return before !== undefined && isActive(before) && isOver(status);
  }

  /** Remember whether a task is stalled; return whether that is new. */
  private _hasStalled(row: TaskRow): boolean {
    if (row.silent_since === null) {
      this._stalled.delete(row.name);
      return false;
    }
    const isNew = !this._stalled.has(row.name);
    this._stalled.add(row.name);
    return isNew;
  }

  /**
   * Remember the last alert of a task; return whether it is new. Those of runs
   * that this session did not see running are not: a task keeps them until its next run.
   */
  private _hasAlerted({ name, alert, run, status }: TaskRow): boolean {
    const last = alert ? `${run}:${alert.number}` : '';
    const before = this._alerts.get(name);
    this._alerts.set(name, last);
    const known = this._known.get(name);
    const isLive = status === 'running' || (known && isActive(known));
    return Boolean(isLive) && last !== '' && last !== before;
  }

  private _notify(counts: Counts | null, ended: readonly TaskRow[]): void {
    const before = this.state.counts;
    if (counts) {
      this.update({ counts: keepEqual(before, counts) });
    }
    this._tell('onEnded', ended);
    if (
      counts &&
      before &&
      before.running + before.queued > 0 &&
      counts.running + counts.queued === 0
    ) {
      this._handlers.onIdle?.(counts);
    }
  }

  /** Call a handler unless there are no tasks. */
  private _tell(
    handler: Exclude<keyof IActivityHandlers, 'onIdle'>,
    rows: readonly TaskRow[]
  ): void {
    if (rows.length > 0) {
      this._handlers[handler]?.(rows);
    }
  }

  private readonly _position = new Position();
  private readonly _active = new ActiveRows();
  private readonly _known = new Map<string, TaskStatus>();
  private readonly _stalled = new Set<string>();
  private readonly _alerts = new Map<string, string>();
}

function isOver(status: TaskStatus): boolean {
  return !isActive(status) && status !== 'pending';
}

function byEnd(a: TaskRow, b: TaskRow): number {
  return (
    (b.finished_at ?? b.started_at ?? 0) -
      (a.finished_at ?? a.started_at ?? 0) || byName(a, b)
  );
}
