/** The state of a log that is shown, and what shows its bytes. */
import type { ConnectionState } from '../client/types';

/** A match in a log. */
export interface IHit {
  /** Absolute offset and length, in bytes. */
  readonly offset: number;
  readonly length: number;
  /** Offset of the start of its line. */
  readonly line: number;
  /** The line, or part of it. */
  readonly text: string;
}

/** Shows the bytes of a log, usually in a terminal. */
export interface ILogSink {
  /** Show bytes after all others; call `done` when they are shown. */
  write(bytes: Uint8Array, offset: number, done: () => void): void;
  /**
   * Show bytes before all others; if there is no room, the last ones are removed.
   *
   * @returns the end of the remaining bytes
   */
  prepend(bytes: Uint8Array, offset: number): number;
  /** Scroll to a match; returns false if it is not loaded. */
  reveal(hit: IHit): boolean;
  /** Remove all bytes, also those still to be shown. */
  clear(): void;
  /** Whether the latest bytes are to be seen, rather than those in sight. */
  readonly isFollowing: boolean;
  /** Offset of the first byte that can be scrolled to, if known. */
  readonly start: number | null;
  /** Offset after the last visible byte. */
  readonly seen: number;
}

export interface ILogState {
  readonly task: string | null;
  /** Null before the server has named it. */
  readonly run: number | null;
  /**
   * `idle` without a task, `loading` before its header, `live` while bytes may
   * follow, `ended` when the run has finished and all bytes are known.
   */
  readonly phase: 'idle' | 'loading' | 'live' | 'ended';
  /** Absolute offset of the first byte shown. */
  readonly start: number;
  /** Absolute offset up to which bytes are shown. */
  readonly position: number;
  /** Known length of the log. */
  readonly size: number;
  /** Whether the end of the log is shown and followed. */
  readonly isAtEnd: boolean;
  /** Whether bytes before or after those shown are being loaded. */
  readonly isLoading: boolean;
  /** Whether lines were just left out because they came too fast to be shown. */
  readonly isJumping: boolean;
  /** Whether the file was truncated or replaced while it was shown. */
  readonly wasReset: boolean;
  readonly connection: ConnectionState;
  readonly error: Error | null;
}

/** The state without a log. */
export const IDLE: ILogState = {
  task: null,
  run: null,
  phase: 'idle',
  start: 0,
  position: 0,
  size: 0,
  isAtEnd: true,
  isLoading: false,
  isJumping: false,
  wasReset: false,
  connection: 'connecting',
  error: null
};
