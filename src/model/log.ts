import { asClientError } from '../client/errors';
import type {
  ConnectionState,
  IClient,
  IDownload,
  ILogChunk,
  ILogRange,
  ILogStream,
  LogMessage,
  TaskRow
} from '../client/types';
import { readWhole } from './logfile';
import { LogSearchModel } from './logsearch';
import { LogTimesModel } from './logtimes';
import { Model } from './model';
import { RunCurvesModel } from './runcurves';

/** A log is opened with its last bytes. */
export const TAIL = 256 * 1024;

/** How much is loaded at a time when somebody scrolls, in bytes. */
export const STEP = 256 * 1024;

/** How long changes of the position gather before they are shown. */
const GATHER_MS = 200;

/** A place in a log that was searched for. */
export interface IHit {
  /** Absolute offset and length, in bytes. */
  readonly offset: number;
  readonly length: number;
  /** Where its line begins. */
  readonly line: number;
  /** The line, or a part of it. */
  readonly text: string;
}

/** Where the bytes of a log are shown, usually a terminal. */
export interface ILogSink {
  /** Show bytes behind all others and call `done` when they are shown. */
  write(bytes: Uint8Array, offset: number, done: () => void): void;
  /**
   * Show bytes before all others; where there is no room, the last ones go.
   *
   * @returns where the bytes end that stay
   */
  prepend(bytes: Uint8Array, offset: number): number;
  /** Bring a place into sight; false when it is not among what is shown. */
  reveal(hit: IHit): boolean;
  /** Forget everything shown and everything still to be shown. */
  clear(): void;
  /** Offset of the first byte that can be scrolled to, if that is known. */
  readonly start: number | null;
  /** Offset behind the last byte that is in sight. */
  readonly seen: number;
}

export interface ILogState {
  readonly task: string | null;
  /** Which run, null until the server named it. */
  readonly run: number | null;
  /**
   * `idle` no task is opened, `loading` until its header came, `live` while
   * bytes may follow, `ended` when the run is over and all of it is known.
   */
  readonly phase: 'idle' | 'loading' | 'live' | 'ended';
  /** Absolute offset of the first byte shown. */
  readonly start: number;
  /** Absolute offset up to which bytes are shown. */
  readonly position: number;
  /** How long the log is, as far as it is known. */
  readonly size: number;
  /** What is shown reaches the end of the log, and grows with it. */
  readonly isAtEnd: boolean;
  /** Something before or behind what is shown is being loaded. */
  readonly isLoading: boolean;
  /** The file was cut or replaced while it was shown. */
  readonly wasReset: boolean;
  readonly connection: ConnectionState;
  readonly error: Error | null;
}

const IDLE: ILogState = {
  task: null,
  run: null,
  phase: 'idle',
  start: 0,
  position: 0,
  size: 0,
  isAtEnd: true,
  isLoading: false,
  wasReset: false,
  connection: 'connecting',
  error: null
};

/**
 * The log of one run of one task at a time: a window of its bytes, which is
 * moved by scrolling, and followed by its offset where it reaches the end.
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
  }

  /** What is searched for in the log. */
  readonly search: LogSearchModel;
  /** When its lines were written. */
  readonly times: LogTimesModel;
  /** The curves of the run that writes it. */
  readonly curves: RunCurvesModel;

  override dispose(): void {
    super.dispose();
    this._stop();
    this._sink = null;
  }

  /** Where to show the bytes; what is opened is shown there from its tail. */
  attach(sink: ILogSink): void {
    this._sink = sink;
    if (this.state.task !== null) {
      this._begin(this.state.task, this.state.run ?? undefined);
    }
  }

  /** Stop showing; does nothing when another sink was attached since. */
  detach(sink: ILogSink): void {
    if (this._sink === sink) {
      this._stop();
      this._sink = null;
    }
  }

  /**
   * Show a run's log, from its tail. Nothing happens if it is shown already.
   *
   * @param run - from 1; the latest when it is not said
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

  /** Go to a task's newest run, if its latest run was asked for. */
  setRow(row: TaskRow): void {
    const { task, run } = this.state;
    // A queued task's log is the one that its next run will write.
    const latest = row.status === 'queued' ? row.runs + 1 : row.run;
    this.curves.setRow(row);
    if (this._isLatest && row.name === task && run !== null && latest > run) {
      this._begin(task, undefined);
    }
  }

  /** Show nothing. */
  close(): void {
    this._stop();
    this._sink?.clear();
    this.update(IDLE);
  }

  /** Show the end and follow it, wherever the window stands. */
  goToEnd(): void {
    const { task, run, isAtEnd } = this.state;
    if (task !== null && !isAtEnd) {
      this._begin(task, run ?? undefined);
    }
  }

  /** Show more of what was written before; resolves to false if that failed. */
  async loadEarlier(): Promise<boolean> {
    const { start } = this.state;
    return (
      start === 0 ||
      this._load({ before: start, limit: STEP }, range => {
        const end = this._sink?.prepend(range.bytes, range.offset);
        this.update({ start: range.offset });
        if (end !== undefined && end < this._received) {
          // The end had to go, and what follows it does not belong here.
          this._detach(end);
        }
      })
    );
  }

  /**
   * Show more of what was written after, where the end is not shown; resolves
   * to false if that failed.
   */
  async loadLater(): Promise<boolean> {
    const { isAtEnd, position } = this.state;
    return (
      isAtEnd ||
      this._load({ offset: position, limit: STEP }, range =>
        this._append(range.bytes, range.offset, range.size)
      )
    );
  }

  /** Bring a place into sight, which is loaded if it is not shown. */
  reveal(hit: IHit): void {
    if (this._sink?.reveal(hit)) {
      return;
    }
    // Whatever else is on its way is not what is wanted now.
    this.cancel('range');
    const before = Math.max(0, hit.line - STEP / 2);
    // From the start of a line on, which `before` finds.
    void this._load({ before: hit.line, limit: hit.line - before || 1 }, head =>
      this._load(
        { offset: hit.line, limit: Math.max(STEP / 2, hit.length) },
        tail => {
          this._detach(hit.line);
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

  /** The whole log: where the browser can fetch it, or else a file. */
  async download(): Promise<string | IDownload> {
    const { task, run } = this.state;
    const name = task ?? '';
    const url = this._client.logUrl(this._ws, name, run ?? undefined);
    if (url !== null) {
      return url;
    }
    const pieces: BlobPart[] = [];
    for await (const piece of readWhole(this._client, this._ws, name, run)) {
      pieces.push(piece);
    }
    const blob = new Blob(pieces, { type: 'text/plain;charset=utf-8' });
    return { blob, name: `${name}-run${run ?? 1}.log` };
  }

  protected override update(change: Partial<ILogState>): void {
    super.update(change);
    const { task, run, size, phase } = this.state;
    this.search.setLog(phase === 'loading' ? null : task, run);
    this.search.setSize(size);
    this.curves.show(task, run);
  }

  /** Connect now instead of waiting for the next attempt. */
  retry(): void {
    this._stream?.retry();
    if (!this._stream) {
      // What could not be loaded is asked for again by scrolling.
      this.update({ error: null });
    }
  }

  /** Show a log anew, from its tail. */
  private _begin(task: string, run: number | undefined): void {
    // The old stream goes first: from here on it cannot add a byte.
    this._stop();
    this._sink?.clear();
    this._received = 0;
    this.update({
      ...IDLE,
      task,
      run: run ?? null,
      phase: 'loading'
    });
    this._follow(task, run, { tail: TAIL });
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
        onData: chunk => current() && this._onData(chunk, current),
        onReset: message => current() && this._onReset(message),
        onEnd: message => current() && this._onEnd(message),
        onState: connection =>
          current() &&
          this.update(
            connection === 'open' ? { connection, error: null } : { connection }
          ),
        onError: error => {
          // That nobody answers is what a lost connection says already.
          if (current() && !asClientError(error).isUnreachable) {
            this.update({ error });
          }
        }
      }
    );
  }

  /** Show the end no more: what is shown ends at an offset. */
  private _detach(end: number): void {
    this._stop();
    this._received = end;
    this.update({ isAtEnd: false, position: end, connection: 'open' });
  }

  private _append(bytes: Uint8Array, offset: number, size: number): void {
    const { task, run } = this.state;
    const end = offset + bytes.length;
    const life = this._life;
    this._received = end;
    if (bytes.length > 0) {
      this._sink?.write(bytes, offset, () => {
        if (this._life === life) {
          this._tell(end);
        }
      });
    }
    this.update({ position: end, size });
    if (end >= size && task !== null) {
      this.update({ isAtEnd: true });
      this._follow(task, run ?? undefined, { offset: end });
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
    this._life++;
    this.cancel('range');
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

  private _onData(chunk: ILogChunk, current: () => boolean): void {
    const end = chunk.offset + chunk.bytes.length;
    this._received = end;
    this._sink?.write(chunk.bytes, chunk.offset, () => {
      if (current()) {
        chunk.done();
        this._tell(end);
      }
    });
  }

  /** Tell the position, at most some times a second. */
  private _tell(end: number): void {
    this._shown = end;
    this.schedule('position', GATHER_MS, () => {
      const { state } = this;
      this.update({
        start: this._sink?.start ?? state.start,
        position: this._shown,
        size: Math.max(state.size, this._received)
      });
    });
  }

  private _onReset(message: LogMessage): void {
    this._sink?.clear();
    this._received = message.offset;
    this.update({
      start: message.offset,
      position: message.offset,
      size: message.size ?? 0,
      wasReset: true
    });
  }

  private _onEnd(message: LogMessage): void {
    this._stream = null;
    this.update({ phase: 'ended', connection: 'open', error: null });
  }

  private _stream: ILogStream | null = null;
  private _sink: ILogSink | null = null;
  private _life = 0;
  private _isFirst = true;
  private _isLatest = true;
  /** Up to where bytes were received, and up to where they are shown. */
  private _received = 0;
  private _shown = 0;
}
