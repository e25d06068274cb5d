import type {
  Counts,
  EventMessage,
  IClient,
  TaskListQuery,
  TaskPage,
  TaskRow,
  TaskStatus
} from '../client/types';
import { ACTIVE_TASKS, ActiveRows } from './active';
import type { ILiveState } from './livemodel';
import { LiveModel } from './livemodel';
import { Position } from './position';
import { keepEqual } from './store';

/** Active tasks that are shown; more are only counted. */
const MAX_ACTIVE = 100;

/** Tasks that ended last and are kept. */
const MAX_RECENT = 20;

/** What a listing of the tasks that ended last asks for. */
const RECENT_TASKS: TaskListQuery = {
  status: 'completed,failed,cancelled',
  sort: 'started',
  order: 'desc',
  limit: MAX_RECENT
};

/** How long changes gather before the tasks are listed again. */
const GATHER_MS = 500;

/** Pause after a failed listing. */
const RETRY_MS = 3000;

export interface IActivityState extends ILiveState {
  readonly phase: 'loading' | 'ready';
  /** Why the last listing failed, null after one succeeded. */
  readonly error: Error | null;
  readonly counts: Counts | null;
  /** Running tasks, then queued ones in their order. */
  readonly active: readonly TaskRow[];
  /** What ended last comes first. */
  readonly recent: readonly TaskRow[];
  /** Seconds that a run takes, judged by earlier ones; null when not known. */
  readonly typical: number | null;
}

export interface IActivityHandlers {
  /** Runs ended while we watched. */
  onEnded?(rows: readonly TaskRow[]): void;
  /** Running tasks have given no sign of life for long. */
  onSilent?(rows: readonly TaskRow[]): void;
  /** Trials of adaptive sweeps changed. */
  onTrials?(rows: readonly TaskRow[]): void;
  /** Nothing is running or queued any more, and something was. */
  onIdle?(counts: Counts): void;
}

/** What a workspace is doing right now, for places with little room. */
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
    if (this._position.greet(message)) {
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
    const isLate = this._position.list(
      recent.revision < active.revision ? recent : active
    );
    const ended: TaskRow[] = [];
    for (const row of recent.items) {
      this._note(row, ended);
    }
    for (const row of active.items) {
      this._known.set(row.name, row.status);
      this._fellSilent(row);
    }
    this._active.list(active);
    this.noteMessage();
    this.update({
      phase: 'ready',
      error: null,
      typical: active.typical_duration,
      active: this._active.rows.slice(0, MAX_ACTIVE),
      recent: [...recent.items].sort(byEnd).slice(0, MAX_RECENT)
    });
    this._count(active.counts, ended);
    if (isLate) {
      this.onReset();
    }
  }

  protected onChanges(message: EventMessage): void {
    const changed = message.changed ?? [];
    const gone = new Set(message.removed ?? []);
    this._position.hear(message);
    const ended: TaskRow[] = [];
    for (const row of changed) {
      this._note(row, ended);
    }
    gone.forEach(name => this._known.delete(name));

    const names = new Set(changed.map(row => row.name));
    const stays = (row: TaskRow) => !names.has(row.name) && !gone.has(row.name);
    this._active.patch(changed, [...gone]);
    const nextRecent = [
      ...this.state.recent.filter(stays),
      ...changed.filter(row => isOver(row.status))
    ].sort(byEnd);
    this.update({
      active: this._active.rows.slice(0, MAX_ACTIVE),
      recent: nextRecent.slice(0, MAX_RECENT)
    });
    this._count(message.counts ?? null, ended);
    const trials = changed.filter(row => row.study);
    if (trials.length > 0) {
      this._handlers.onTrials?.(trials);
    }
    const silent = changed.filter(row => this._fellSilent(row));
    if (silent.length > 0) {
      this._handlers.onSilent?.(silent);
    }

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

  /** Remember a row's status, and whether it has just ended. */
  private _note(row: TaskRow, ended: TaskRow[]): void {
    const before = this._known.get(row.name);
    this._known.set(row.name, row.status);
    if (before !== undefined && isActive(before) && isOver(row.status)) {
      ended.push(row);
    }
  }

  /** Whether a task is silent of which that was not known. */
  private _fellSilent(row: TaskRow): boolean {
    if (row.silent_since === null) {
      this._silent.delete(row.name);
      return false;
    }
    const isNew = !this._silent.has(row.name);
    this._silent.add(row.name);
    return isNew;
  }

  private _count(counts: Counts | null, ended: readonly TaskRow[]): void {
    const before = this.state.counts;
    if (counts) {
      this.update({ counts: keepEqual(before, counts) });
    }
    if (ended.length > 0) {
      this._handlers.onEnded?.(ended);
    }
    if (
      counts &&
      before &&
      before.running + before.queued > 0 &&
      counts.running + counts.queued === 0
    ) {
      this._handlers.onIdle?.(counts);
    }
  }

  private readonly _position = new Position();
  private readonly _active = new ActiveRows();
  private readonly _known = new Map<string, TaskStatus>();
  private readonly _silent = new Set<string>();
}

function isActive(status: TaskStatus): boolean {
  return status === 'running' || status === 'queued';
}

function isOver(status: TaskStatus): boolean {
  return (
    status === 'completed' || status === 'failed' || status === 'cancelled'
  );
}

function byEnd(a: TaskRow, b: TaskRow): number {
  return (
    (b.finished_at ?? b.started_at ?? 0) -
      (a.finished_at ?? a.started_at ?? 0) ||
    a.name.localeCompare(b.name, undefined, { numeric: true })
  );
}
