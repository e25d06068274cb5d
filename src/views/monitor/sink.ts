import type { ILogSink } from '../../model/log';

/** The part of a terminal that shows bytes. */
export interface IWritable {
  write(data: Uint8Array, callback: () => void): void;
  reset(): void;
}

/** Bytes given to the terminal at a time. */
const PIECE = 64 * 1024;

/**
 * Hands bytes to a terminal one piece at a time.
 *
 * A terminal parses later what it was given and cannot be told to forget it;
 * so nothing is given before the last piece was parsed, and `clear` resets the
 * terminal when no byte of the past can come after.
 */
export class TerminalSink implements ILogSink {
  constructor(terminal: IWritable) {
    this._terminal = terminal;
  }

  write(bytes: Uint8Array, done: () => void): void {
    this._queue.push({ bytes, done });
    this._pump();
  }

  clear(): void {
    this._queue = [];
    if (this._busy) {
      this._resetDue = true;
    } else {
      this._terminal.reset();
    }
  }

  /** Bytes wait, and the server with them, until it is false again. */
  get paused(): boolean {
    return this._paused;
  }
  set paused(value: boolean) {
    this._paused = value;
    this._pump();
  }

  dispose(): void {
    this._queue = [];
    this._disposed = true;
  }

  private _pump(): void {
    const next = this._queue[0];
    if (this._busy || this._paused || this._disposed || !next) {
      return;
    }
    const piece = next.bytes.subarray(0, PIECE);
    next.bytes = next.bytes.subarray(piece.length);
    this._busy = true;
    this._terminal.write(piece, () => {
      this._busy = false;
      if (this._disposed) {
        return;
      }
      if (this._resetDue) {
        this._resetDue = false;
        this._terminal.reset();
      } else if (next.bytes.length === 0) {
        this._queue.shift();
        next.done();
      }
      this._pump();
    });
  }

  private _terminal: IWritable;
  private _queue: { bytes: Uint8Array; done: () => void }[] = [];
  private _busy = false;
  private _paused = false;
  private _resetDue = false;
  private _disposed = false;
}
