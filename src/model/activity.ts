import { asClientError } from '../client/errors';
import type {
  ConnectionState,
  Counts,
  EventMessage,
  IClient,
  IEventStream,
  TaskRow,
  TaskStatus
} from '../client/types';
import { ACTIVE_TASKS, ActiveRows } from './active';
import { Position } from './position';
import { Store } from './store';

/** Active tasks that are shown; more are only counted. */
const ACTIVE = 100;

/** Tasks that ended last and are kept. */
const RECENT = 20;

/** How long changes gather before the lists are asked for again, in ms. */
const CALM = 500;

/** Pause before a failed listing is tried again, in ms. */
const RETRY = 3000;

export interface IActivityState {
  readonly phase: 'loading' | 'ready';
  /** Why the last listing failed, null after one succeeded. */
  readonly error: Error | null;
  readonly connection: ConnectionState;
  readonly counts: Counts | null;
  /** When the server was last heard, in milliseconds since the epoch. */
  readonly heard: number | null;
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
export class ActivityModel extends Store<IActivityState> {
  constructor(client: IClient, ws: string, handlers: IActivityHandlers = {}) {
    super({
      phase: 'loading',
      error: null,
      connection: 'connecting',
      counts: null,
      heard: null,
      active: [],
      recent: [],
      typical: null
    });
    this._client = client;
    this.ws = ws;
    this._handlers = handlers;
  }

  /** Workspace id. */
  readonly ws: string;

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  start(): void {
    if (this._stream || this._isDisposed) {
      return;
    }
    this._stream = this._client.streamEvents(this.ws, {
      onHello: message => this._onHello(message),
      onChanges: message => this._onChanges(message),
      onReset: () => this._soon(),
      onState: connection => this.update({ connection })
    });
    void this._list();
  }

  /** Connect and list now instead of waiting for the next attempt. */
  retry(): void {
    this._stream?.retry();
    void this._list();
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
    this._stream?.dispose();
    this._stream = null;
  }

  protected override update(change: Partial<IActivityState>): void {
    if (!this._isDisposed) {
      super.update(change);
    }
  }

  private async _list(): Promise<void> {
    clearTimeout(this._timer);
    this._timer = undefined;
    const turn = ++this._turn;
    try {
      const [active, recent] = await Promise.all([
        this._client.listTasks(this.ws, ACTIVE_TASKS),
        this._client.listTasks(this.ws, {
          status: 'completed,failed,cancelled',
          sort: 'started',
          order: 'desc',
          limit: RECENT
        })
      ]);
      if (this._isDisposed || turn !== this._turn) {
        return;
      }
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
      this.update({
        phase: 'ready',
        error: null,
        heard: Date.now(),
        typical: active.typical_duration,
        active: this._active.rows.slice(0, ACTIVE),
        recent: [...recent.items].sort(byEnd).slice(0, RECENT)
      });
      this._count(active.counts, ended);
      if (isLate) {
        this._soon();
      }
    } catch (error) {
      if (!this._isDisposed && turn === this._turn) {
        this.update({ error: asClientError(error) });
        this._timer = setTimeout(() => void this._list(), RETRY);
      }
    }
  }

  private _soon(): void {
    if (this._timer === undefined && !this._isDisposed) {
      this._timer = setTimeout(() => void this._list(), CALM);
    }
  }

  private _onHello(message: EventMessage): void {
    if (this._position.greet(message)) {
      this._soon();
    }
  }

  private _onChanges(message: EventMessage): void {
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
      heard: Date.now(),
      active: this._active.rows.slice(0, ACTIVE),
      recent: nextRecent.slice(0, RECENT)
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
      this.state.recent.length < Math.min(over, RECENT)
    ) {
      this._soon();
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
      this.update({ counts });
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

  private readonly _client: IClient;
  private readonly _handlers: IActivityHandlers;
  private readonly _position = new Position();
  private readonly _active = new ActiveRows();
  private readonly _known = new Map<string, TaskStatus>();
  private readonly _silent = new Set<string>();
  private _stream: IEventStream | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _turn = 0;
  private _isDisposed = false;
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
