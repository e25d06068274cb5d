/** The three streams, as a server that is never lost would send them. */
import { asClientError } from '../errors';
import type {
  ConnectionState,
  IEventHandlers,
  ILogHandlers,
  ILogStart,
  IStream,
  IStreamHandlers,
  ISystemHandlers,
  LogMessage
} from '../types';
import { logBytes, tailOffset } from './logs';
import { notFound } from './refusals';
import type { IRun } from './run';
import { statusOf } from './run';
import { historyOf, sampleOf } from './system';
import type { ITask } from './task';
import { isActive, rowOf } from './task';
import type { Workspace } from './workspace';
import type { World } from './world';

/** Bytes of a log that may be on their way, and those of one chunk. */
export const LOG_WINDOW = 1024 * 1024;
const CHUNK = 128 * 1024;

/** Looks at the world whenever time has passed there, until it is disposed. */
abstract class DemoStream implements IStream {
  constructor(world: World, handlers: IStreamHandlers) {
    this.world = world;
    this._told = handlers;
    this._leave = world.listen(() => this._look());
    // Nothing comes before whoever opened it has it in hand.
    queueMicrotask(() => this.retry());
  }

  get state(): ConnectionState {
    return this._state;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  retry(): void {
    if (this._isDisposed || this._state === 'open') {
      return;
    }
    try {
      this.world.advance();
      this.open();
    } catch (error) {
      this._setState('lost');
      this._told.onError?.(asClientError(error));
      return;
    }
    this._setState('open');
    this.greet();
    this._look();
  }

  dispose(): void {
    this._isDisposed = true;
    this._leave();
  }

  /** Find what is streamed; throws when there is none. */
  protected abstract open(): void;

  /** Say what every connection begins with. */
  protected abstract greet(): void;

  /** Say what is new. */
  protected abstract look(): void;

  protected readonly world: World;

  private _look(): void {
    if (!this._isDisposed && this._state === 'open') {
      this.look();
    }
  }

  private _setState(state: ConnectionState): void {
    if (state !== this._state) {
      this._state = state;
      this._told.onState?.(state);
    }
  }

  private readonly _told: IStreamHandlers;
  private readonly _leave: () => void;
  private _state: ConnectionState = 'connecting';
  private _isDisposed = false;
}

/** What changes in a workspace. */
export class DemoEventStream extends DemoStream {
  constructor(world: World, ws: string, handlers: IEventHandlers) {
    super(world, handlers);
    this._ws = ws;
    this._handlers = handlers;
  }

  protected open(): void {
    this._workspace = this.world.workspace(this._ws);
  }

  protected greet(): void {
    const workspace = this._workspace;
    if (!workspace) {
      return;
    }
    const { epoch } = this.world;
    const { revision, counts } = workspace;
    this._known = revision;
    this._handlers.onHello?.({ type: 'hello', epoch, revision, counts });
  }

  protected look(): void {
    const workspace = this._workspace;
    if (!workspace || workspace.revision === this._known) {
      return;
    }
    const { changed, removed } = workspace.since(this._known);
    this._known = workspace.revision;
    this._handlers.onChanges({
      type: 'changes',
      epoch: this.world.epoch,
      revision: workspace.revision,
      counts: workspace.counts,
      changed: changed.map(task => rowOf(task, this.world.time)),
      removed
    });
  }

  private readonly _ws: string;
  private readonly _handlers: IEventHandlers;
  private _workspace: Workspace | null = null;
  private _known = 0;
}

/** The output of a run while it grows, no faster than it is shown. */
export class DemoLogStream extends DemoStream {
  constructor(
    world: World,
    ws: string,
    name: string,
    start: ILogStart,
    handlers: ILogHandlers
  ) {
    super(world, handlers);
    this._ws = ws;
    this._name = name;
    this._start = start;
    this._handlers = handlers;
  }

  protected open(): void {
    const task = this.world.workspace(this._ws).task(this._name);
    const latest = Math.max(1, task.runs.length);
    const next = task.status === 'queued' ? task.runs.length + 1 : latest;
    const number = this._start.run ?? next;
    if (number < 1 || number > task.runs.length + 1) {
      throw notFound(`The task '${task.name}' has no run ${number}.`);
    }
    this._task = task;
    this._number = number;
  }

  protected greet(): void {
    const bytes = this._bytes();
    const { offset, tail } = this._start;
    this._position =
      offset ?? (tail === undefined ? 0 : tailOffset(bytes, tail));
    this._shown = this._position;
    this._handlers.onHeader(
      this._message('header', { size: bytes.length, task: this._name })
    );
  }

  protected look(): void {
    const bytes = this._bytes();
    while (!this.isDisposed && this._position < bytes.length) {
      const room = LOG_WINDOW - (this._position - this._shown);
      if (room <= 0) {
        return;
      }
      const offset = this._position;
      const end = Math.min(bytes.length, offset + Math.min(CHUNK, room));
      this._position = end;
      this._handlers.onData({
        offset,
        bytes: bytes.slice(offset, end),
        done: () => this._onShown(end)
      });
    }
    if (!this.isDisposed && this._isOver && this._position >= bytes.length) {
      this.dispose();
      const exitCode = this._run?.isOver ? this._run.ending.exitCode : null;
      this._handlers.onEnd(
        this._message('end', { size: bytes.length, exit_code: exitCode })
      );
    }
  }

  private _onShown(end: number): void {
    const wasFull = this._position - this._shown >= LOG_WINDOW;
    this._shown = Math.max(this._shown, end);
    if (wasFull && !this.isDisposed) {
      queueMicrotask(() => !this.isDisposed && this.look());
    }
  }

  private get _run(): IRun | undefined {
    return this._task?.runs[this._number - 1];
  }

  /** Whether nothing more will be written. */
  private get _isOver(): boolean {
    const run = this._run;
    // What was cancelled while it waited has no run to wait for.
    return run
      ? run.isOver
      : !this._task || (this._waited && !isActive(this._task));
  }

  private _bytes(): Uint8Array {
    const run = this._run;
    this._waited ||= this._task !== null && isActive(this._task);
    return run && this._task
      ? logBytes(this._task, run, this.world.time)
      : new Uint8Array();
  }

  private _message(
    type: LogMessage['type'],
    more: Partial<LogMessage>
  ): LogMessage {
    const run = this._run;
    return {
      type,
      run: this._number,
      offset: this._position,
      status: run ? statusOf(run) : (this._task?.status ?? 'pending'),
      ...more
    };
  }

  private readonly _ws: string;
  private readonly _name: string;
  private readonly _start: ILogStart;
  private readonly _handlers: ILogHandlers;
  private _task: ITask | null = null;
  private _number = 1;
  private _position = 0;
  private _shown = 0;
  private _waited = false;
}

/** How the machine does, once a second. */
export class DemoSystemStream extends DemoStream {
  constructor(world: World, handlers: ISystemHandlers) {
    super(world, handlers);
    this._handlers = handlers;
  }

  protected open(): void {
    this._last = this.world.time;
  }

  protected greet(): void {
    this._handlers.onHistory(historyOf(this.world));
  }

  protected look(): void {
    if (this.world.time - this._last >= 1) {
      this._last = this.world.time;
      this._handlers.onSample(sampleOf(this.world));
    }
  }

  private readonly _handlers: ISystemHandlers;
  private _last = 0;
}
