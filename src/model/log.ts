import { asClientError } from '../client/errors';
import type {
  IClient,
  IDownload,
  ILogRange,
  IStream,
  LogMessage,
  LogMetrics,
  TaskRow
} from '../client/types';
import { downloadLog } from './logfile';
import { LogSearchModel } from './logsearch';
import type { IHit, ILogSink, ILogState } from './logstate';
import { IDLE } from './logstate';
import { LogTimesModel } from './logtimes';
import { Model } from './model';
import { RunCurvesModel } from './runcurves';
import { StacksModel } from './stacks';

/** How many bytes are loaded when a log is opened. */
const TAIL_BYTES = 256 * 1024;

/** How many bytes are loaded when the user scrolls to an end. */
const SCROLL_BYTES = 256 * 1024;

/** Delay before changes of the position are shown. */
const GATHER_MS = 200;

/** How long it is shown that lines were left out. */
const JUMP_MS = 2000;

/**
 * The log of one run: a window of its bytes, which scrolling moves. At the end
 * of the log the window grows with it.
 */
export class LogModel extends Model<ILogState> {
  constructor(
    private readonly _client: IClient,
    private readonly _ws: string
  ) {
    super(IDLE);
    this.search = this.own(
      new LogSearchModel(
        _client,
        _ws,
        hit => this.reveal(hit),
        () => this._sink?.seen ?? 0
      )
    );
    this.search.setActive(false);
    this.times = this.own(new LogTimesModel(_client, _ws));
    this.curves = this.own(new RunCurvesModel(_client, _ws));
    this.stacks = this.own(new StacksModel(_client, _ws));
  }

  /** Finds text in the log. */
  readonly search: LogSearchModel;
  /** The times of its lines. */
  readonly times: LogTimesModel;
  /** The curves of its run. */
  readonly curves: RunCurvesModel;
  /** What its processes do. */
  readonly stacks: StacksModel;

  override dispose(): void {
    super.dispose();
    this._stop();
    this._sink = null;
  }

  /**
   * Search the text of a log for metrics.
   *
   * @param pattern - regular expressions; if empty, those of the workspace
   */
  previewMetrics(
    task: string,
    run: number,
    pattern: string[]
  ): Promise<LogMetrics> {
    return this._client.previewLogMetrics(this._ws, task, { run, pattern });
  }

  /** Show the log in a sink, from its tail. */
  attach(sink: ILogSink): void {
    this._sink = sink;
    if (this.state.task !== null) {
      this._begin(this.state.task, this.state.run ?? undefined);
    }
  }

  /** Stop showing the log, unless another sink was attached since. */
  detach(sink: ILogSink): void {
    if (this._sink === sink) {
      this._stop();
      this._sink = null;
    }
  }

  /**
   * Show the log of a run, from its tail, unless it is shown already.
   *
   * @param run - from 1; by default the latest
   */
  open(task: string, run?: number): void {
    const { state } = this;
    if (
      state.task === task &&
      (run === undefined || state.run === null || state.run === run)
    ) {
      return;
    }
    this._isLatest = run === undefined;
    this._begin(task, run);
  }

  /** Note a change of the task: show its new run if the latest was opened. */
  setRow(row: TaskRow): void {
    const { task, run } = this.state;
    // A queued task shows the log of its next run.
    const latest = row.status === 'queued' ? row.runs + 1 : row.run;
    this.curves.setRow(row);
    if (this._isLatest && row.name === task && run !== null && latest > run) {
      this._begin(task, undefined);
    }
  }

  /** Close the log. */
  close(): void {
    this._stop();
    this._sink?.clear();
    this.update(IDLE);
  }

  /** Show the end of the log and follow it. */
  goToEnd(): void {
    const { task, run, isAtEnd } = this.state;
    if (task !== null && !isAtEnd) {
      this._begin(task, run ?? undefined);
    }
  }

  /** Stop following the end of the log: bytes are shown up to an offset. */
  leaveEnd(end: number): void {
    this._stopStream();
    this.update({
      isAtEnd: false,
      isJumping: false,
      start: this._sink?.start ?? this.state.start,
      position: end,
      size: Math.max(this.state.size, this._received),
      connection: 'open'
    });
    this._received = end;
  }

  /** Load bytes before those shown; resolves with false if that failed. */
  async loadEarlier(): Promise<boolean> {
    const { start } = this.state;
    return (
      start === 0 ||
      this._load({ before: start, limit: SCROLL_BYTES }, range => {
        const end = this._sink?.prepend(range.bytes, range.offset);
        if (end !== undefined && end < this._received) {
          // The end was removed, and what follows it is no longer adjacent.
          this.leaveEnd(end);
        }
        this.update({ start: range.offset });
      })
    );
  }

  /** Load bytes after those shown; resolves with false if that failed. */
  async loadLater(): Promise<boolean> {
    const { isAtEnd, position } = this.state;
    return (
      isAtEnd ||
      this._load({ offset: position, limit: SCROLL_BYTES }, range =>
        this._append(range.bytes, range.offset, range.size)
      )
    );
  }

  /** Scroll to a match; load its surroundings if they are not shown. */
  reveal(hit: IHit): void {
    if (this._sink?.reveal(hit)) {
      return;
    }
    // A pending request loads another part of the log.
    this.cancel('range');
    const limit = Math.min(hit.line, SCROLL_BYTES / 2) || 1;
    // The server starts a range with `before` at the start of a line.
    void this._load({ before: hit.line, limit }, head =>
      this._load(
        { offset: hit.line, limit: Math.max(SCROLL_BYTES / 2, hit.length) },
        tail => {
          this.leaveEnd(hit.line);
          this._sink?.clear();
          const isFirst = hit.line === 0;
          this.update({ start: isFirst ? 0 : head.offset });
          if (!isFirst) {
            this._sink?.write(head.bytes, head.offset, () => undefined);
          }
          this._append(tail.bytes, tail.offset, tail.size);
          this._sink?.reveal(hit);
        }
      )
    );
  }

  /** Download the whole log: its address, or a file. */
  download(): Promise<string | IDownload> {
    const { task, run } = this.state;
    return downloadLog(this._client, this._ws, task ?? '', run ?? undefined);
  }

  protected override update(change: Partial<ILogState>): void {
    super.update(change);
    const { task, run, size, phase } = this.state;
    this.search.setLog(phase === 'loading' ? null : task, run);
    this.search.setSize(size);
    this.curves.show(task, run);
    this.stacks.show(task, run);
  }

  /** Connect now instead of waiting for the next attempt. */
  retry(): void {
    this._stream?.retry();
    if (!this._stream) {
      // Scrolling loads again what could not be loaded.
      this.update({ error: null });
    }
  }

  /** Show a log from its tail. */
  private _begin(task: string, run: number | undefined): void {
    // First of all, so that the old stream cannot add a byte.
    this._stop();
    this._sink?.clear();
    this._received = 0;
    this.update({ ...IDLE, task, run: run ?? null, phase: 'loading' });
    this._follow(task, run, { tail: TAIL_BYTES });
  }

  private _follow(
    task: string,
    run: number | undefined,
    from: { tail?: number; offset?: number }
  ): void {
    if (!this._sink || this.isDisposed) {
      return;
    }
    this._isFirst = true;
    const life = this._life;
    const current = () => this._life === life;
    this._stream = this._client.streamLog(
      this._ws,
      task,
      { run, ...from },
      {
        onHeader: message =>
          current() && this._onHeader(message, from.tail !== undefined),
        onData: ({ bytes, offset, done }) =>
          current() && this._write(bytes, offset, done),
        onReset: message => current() && this._onReset(message),
        mayJump: () => current() && (this._sink?.isFollowing ?? false),
        onJump: message => current() && this._onJump(message),
        onEnd: message => current() && this._onEnd(message),
        onState: connection =>
          current() &&
          this.update(
            connection === 'open' ? { connection, error: null } : { connection }
          ),
        onError: error => {
          // `connection` already reports a server that does not answer.
          if (current() && !asClientError(error).isUnreachable) {
            this.update({ error });
          }
        }
      }
    );
  }

  private _append(bytes: Uint8Array, offset: number, size: number): void {
    const { task, run } = this.state;
    const end = offset + bytes.length;
    this._write(bytes, offset);
    this.update({ position: end, size });
    if (end >= size && task !== null) {
      this.update({ isAtEnd: true });
      this._follow(task, run ?? undefined, { offset: end });
    }
  }

  /** Show bytes after all others, then call `done` and update the position. */
  private _write(bytes: Uint8Array, offset: number, done?: () => void): void {
    const end = offset + bytes.length;
    const life = this._life;
    this._received = end;
    if (bytes.length > 0) {
      this._sink?.write(bytes, offset, () => {
        if (this._life === life) {
          done?.();
          this._setPosition(end);
        }
      });
    }
  }

  private async _load(
    query: { before?: number; offset?: number; limit: number },
    show: (range: ILogRange) => unknown
  ): Promise<boolean> {
    const { task, run } = this.state;
    if (task === null || run === null || this.isRequested('range')) {
      return true;
    }
    let isLoaded = true;
    this.update({ isLoading: true });
    await this.fetch(
      'range',
      () => this._client.readLog(this._ws, task, { run, ...query }),
      range => {
        this.update({ error: null });
        show(range);
      },
      error => {
        this.update({ error });
        isLoaded = false;
      }
    );
    this.update({ isLoading: this.isRequested('range') });
    return isLoaded;
  }

  private _stop(): void {
    this.cancel('range');
    this._stopStream();
  }

  private _stopStream(): void {
    this._life++;
    this.cancel('position');
    this._stream?.dispose();
    this._stream = null;
  }

  private _onHeader(message: LogMessage, isBegin: boolean): void {
    const isFirst = this._isFirst && isBegin;
    this._isFirst = false;
    if (isFirst) {
      this._received = message.offset;
    }
    this.update({
      run: message.run ?? this.state.run,
      phase: 'live',
      error: null,
      size: Math.max(message.size ?? 0, message.offset),
      ...(isFirst ? { start: message.offset, position: message.offset } : {})
    });
  }

  /** Update the position, at most a few times per second. */
  private _setPosition(end: number): void {
    this._shown = end;
    this.schedule('position', GATHER_MS, () => {
      const { state } = this;
      this.update({
        start: this._sink?.start ?? state.start,
        position: Math.max(state.position, this._shown), // more may be on its way
        size: Math.max(state.size, this._received)
      });
    });
  }

  private _onReset(message: LogMessage): void {
    this._sink?.clear();
    this.cancel('position');
    this._received = message.offset;
    this.update({
      start: message.offset,
      position: message.offset,
      size: message.size ?? 0,
      wasReset: true
    });
  }

  /** The sink shows what follows in place of all others, if it is followed. */
  private _onJump({ offset, size }: LogMessage): void {
    this._received = offset;
    this.update({ size: size ?? offset, isJumping: true });
    this.debounce('jump', JUMP_MS, () => this.update({ isJumping: false }));
  }

  private _onEnd(message: LogMessage): void {
    this._stream = null;
    this.update({ phase: 'ended', connection: 'open', error: null });
  }

  private _stream: IStream | null = null;
  private _sink: ILogSink | null = null;
  private _life = 0;
  private _isFirst = true;
  private _isLatest = true;
  /** End of the received and of the shown bytes. */
  private _received = 0;
  private _shown = 0;
}
