import { asClientError } from '../client/errors';
import type {
  ConnectionState,
  IClient,
  ILogChunk,
  ILogStream,
  LogMessage,
  TaskRow
} from '../client/types';
import { Store } from './store';

/** A log is opened with its last bytes. */
export const TAIL = 256 * 1024;

/** Give up looking for the start of a line after so many bytes. */
const LONGEST_LINE = 64 * 1024;

/** Bytes of one request of a download. */
const PIECE = 4 * 1024 * 1024;

const NEWLINE = 10;

/** Where the bytes of a log are shown, usually a terminal. */
export interface ILogSink {
  /** Show bytes and call `done` when they are shown. */
  write(bytes: Uint8Array, done: () => void): void;
  /** Forget everything shown and everything still to be shown. */
  clear(): void;
}

export interface ILogState {
  readonly task: string | null;
  /** Which run, null until the server named it. */
  readonly run: number | null;
  /**
   * `idle` no task is opened, `loading` until its header came, `live` while
   * bytes may follow, `ended` when the run is over and all of it is shown.
   */
  readonly phase: 'idle' | 'loading' | 'live' | 'ended';
  /** Absolute offset of the first byte shown. */
  readonly start: number;
  /** Absolute offset up to which bytes are shown. */
  readonly position: number;
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
  wasReset: false,
  connection: 'connecting',
  error: null
};

/** The log of one run of one task at a time, followed by its offset. */
export class LogModel extends Store<ILogState> {
  constructor(client: IClient, ws: string) {
    super(IDLE);
    this.client = client;
    this.ws = ws;
  }

  readonly client: IClient;
  readonly ws: string;

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._stop();
    this._sink = null;
  }

  /** Where to show the bytes; what is opened is shown there from its tail. */
  attach(sink: ILogSink): void {
    this._sink = sink;
    if (this.state.task !== null) {
      this._begin(this.state.task, this.state.run ?? undefined, { tail: TAIL });
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
    this._begin(task, run, { tail: TAIL });
  }

  /** Go to a task's newest run, if its latest run was asked for. */
  noteRow(row: TaskRow): void {
    const { task, run } = this.state;
    // A queued task's log is the one that its next run will write.
    const latest = row.status === 'queued' ? row.runs + 1 : row.run;
    if (this._isLatest && row.name === task && run !== null && latest > run) {
      this._begin(task, undefined, { tail: TAIL });
    }
  }

  /** Show nothing. */
  close(): void {
    this._stop();
    this._sink?.clear();
    this.update(IDLE);
  }

  /** Show more of what was written before, `bytes` or all of it. */
  loadEarlier(bytes = Infinity): void {
    const { task, run, start } = this.state;
    if (task === null || run === null || start === 0) {
      return;
    }
    const offset = Math.max(0, start - bytes);
    this._begin(task, run, { offset });
  }

  /** Connect now instead of waiting for the next attempt. */
  retry(): void {
    this._stream?.retry();
  }

  /**
   * The whole log in pieces, as long as it was when asked for.
   *
   * @throws ClientError when it cannot be read
   */
  async *download(): AsyncGenerator<Uint8Array> {
    const { task, run } = this.state;
    if (task === null) {
      return;
    }
    let offset = 0;
    let size = 1;
    for (let first = true; offset < size; first = false) {
      const piece = await this.client.readLog(this.ws, task, {
        run: run ?? undefined,
        offset,
        limit: first ? PIECE : Math.min(PIECE, size - offset)
      });
      size = first ? piece.size : Math.min(size, piece.size);
      if (piece.bytes.length === 0) {
        return;
      }
      offset = piece.offset + piece.bytes.length;
      yield piece.bytes;
    }
  }

  private _begin(
    task: string,
    run: number | undefined,
    from: { tail?: number; offset?: number }
  ): void {
    // The old stream goes first: from here on it cannot add a byte.
    this._stop();
    this._sink?.clear();
    this.update({
      ...IDLE,
      task,
      run: run ?? null,
      phase: 'loading'
    });
    if (!this._sink || this._isDisposed) {
      return;
    }
    const life = ++this._life;
    const current = () => this._life === life;
    // The server moves a tail to the start of a line; an offset stays exact.
    this._aligning = (from.offset ?? 0) > 0 ? LONGEST_LINE : 0;
    const stream = this.client.streamLog(
      this.ws,
      task,
      { run, ...from },
      {
        onHeader: message => current() && this._onHeader(message),
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
    this._stream = stream;
  }

  private _stop(): void {
    this._life++;
    this._isFirst = true;
    clearTimeout(this._telling);
    this._telling = undefined;
    this._stream?.dispose();
    this._stream = null;
  }

  private _onHeader(message: LogMessage): void {
    const first = this._isFirst;
    this._isFirst = false;
    this.update({
      run: message.run ?? this.state.run,
      phase: 'live',
      error: null,
      ...(first ? { start: message.offset, position: message.offset } : {})
    });
  }

  private _onData(chunk: ILogChunk, current: () => boolean): void {
    const skip = this._aligning > 0 ? this._untilLine(chunk) : 0;
    const bytes = skip > 0 ? chunk.bytes.subarray(skip) : chunk.bytes;
    const end = chunk.offset + chunk.bytes.length;
    if (skip > 0) {
      this.update({ start: chunk.offset + skip });
    }
    if (bytes.length === 0) {
      chunk.done();
      return;
    }
    this._sink?.write(bytes, () => {
      if (current()) {
        chunk.done();
        this._tell(end);
      }
    });
  }

  /** How many bytes of the chunk belong to a line that began before. */
  private _untilLine(chunk: ILogChunk): number {
    const found = chunk.bytes.indexOf(NEWLINE);
    if (found >= 0) {
      this._aligning = 0;
      return found + 1;
    }
    if (chunk.bytes.length >= this._aligning) {
      this._aligning = 0;
      return 0;
    }
    this._aligning -= chunk.bytes.length;
    return chunk.bytes.length;
  }

  /** Tell the position, at most some times a second. */
  private _tell(end: number): void {
    this._shown = end;
    if (this._telling === undefined) {
      this._telling = setTimeout(() => {
        this._telling = undefined;
        this.update({ position: this._shown });
      }, 200);
    }
  }

  private _onReset(message: LogMessage): void {
    this._aligning = 0;
    this._sink?.clear();
    this.update({
      start: message.offset,
      position: message.offset,
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
  private _aligning = 0;
  private _shown = 0;
  private _telling: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
}
