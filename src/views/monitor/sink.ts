import type { IHit, ILogSink } from '../../model/logstate';
import type { IChunk, IRows } from './linemap';
import { LineMap } from './linemap';

/** The part of a terminal that shows bytes. */
export interface IWritable extends IRows {
  write(data: Uint8Array, callback: () => void): void;
  reset(): void;
}

/** What the screen around does while bytes move. */
export interface ISinkHooks {
  /** Everything is about to be rewritten; the view must not move. */
  onRewrite?(): void;
  /** It is done; the line with this byte stood at the top. */
  onRewritten?(top: number | null): void;
  /** A place is to be shown. */
  onReveal?(hit: IHit): void;
  /** Whether the last row is in sight. */
  isFollowing?(): boolean;
  /** Whether that number of new rows would push out rows in view. */
  isFull?(rows: number): boolean;
  /** Bytes from an offset on are not shown, since others are looked at. */
  onLeave?(end: number): void;
  /** The first byte of the row at the top of what is seen. */
  top?(): number | null;
  /** Offset behind the last byte that is in sight. */
  seen?(): number;
}

/** The sequence RIS, by which a terminal resets itself. */
const FULL_RESET = new Uint8Array([0x1b, 0x63]);

/** Bytes per write; the terminal parses them in a few milliseconds. */
const MAX_WRITE_BYTES = 32 * 1024;

/** Milliseconds for parsing new bytes at once; the frames after it draw them. */
const PARSE_MS = 8;

/** Frames until more is parsed; these are more if bytes arrive faster than they can be shown. */
const PARSE_FRAMES = 2;
const LATE_PARSE_FRAMES = 4;

/** Milliseconds for which bytes are expected to be too many after some were left out. */
const LATE_MS = 3000;

/** Bytes that are kept when earlier ones come before them. */
const MAX_KEPT_BYTES = 1024 * 1024;

/** Rows that are kept in the same case, even if there are too many. */
const MIN_KEPT_ROWS = 300;

/** Columns of a usual terminal, by which rows are estimated. */
const COLUMNS = 120;

interface IBytes {
  kind: 'bytes';
  offset: number;
  bytes: Uint8Array;
  /** Only of new bytes, not of those that are written again. */
  done?: () => void;
}

type Step = IBytes | { kind: 'reset' } | { kind: 'call'; call: () => void };

/**
 * Writes bytes to a terminal in pieces. Bytes that do not continue those before
 * replace them.
 *
 * A terminal parses what it gets later and cannot discard it;
 * so nothing is given before the last piece was parsed, and `clear` resets the
 * terminal when no byte of the past can come after.
 */
export class TerminalSink implements ILogSink {
  /**
   * @param terminal - where the bytes go
   * @param hooks - callbacks of the screen
   * @param most - rows that the terminal holds
   */
  constructor(
    private readonly _terminal: IWritable,
    private readonly _hooks: ISinkHooks = {},
    public most = 20000
  ) {
    this.lines = new LineMap(_terminal);
  }

  /** Maps bytes to rows. */
  readonly lines: LineMap;

  get isFollowing(): boolean {
    return !this._paused && this._isEndInSight;
  }

  get seen(): number {
    return this._hooks.seen?.() ?? 0;
  }

  write(bytes: Uint8Array, offset: number, done: () => void): void {
    const [last] = this._steps.filter(isBytes).slice(-1);
    if (
      last &&
      last.offset + last.bytes.length !== offset &&
      this.isFollowing
    ) {
      // They would be replaced as soon as they are shown.
      this._dropNew();
    }
    this._steps.push({ kind: 'bytes', offset, bytes, done });
    this._pump();
  }

  prepend(bytes: Uint8Array, offset: number): number {
    const top = this._hooks.top?.() ?? null;
    // What is being parsed now is among the lines already.
    const known = this.lines.chunks();
    const kept = chunksFrom(known, offset + bytes.length);
    let room = MAX_KEPT_BYTES;
    let rows = Math.max(MIN_KEPT_ROWS, this.most - rowsOf(bytes));
    let count = 0;
    while (count < kept.length) {
      room -= kept[count].bytes.length;
      rows -= rowsOf(kept[count].bytes);
      if (count > 0 && (room < 0 || rows < 0)) {
        break;
      }
      count++;
    }
    const isCut =
      count < kept.length || (kept.length === 0 && known.length > 0);
    const chunks = [{ offset, bytes }, ...kept.slice(0, count)];
    const last = chunks[chunks.length - 1];
    const later = isCut ? [] : this._steps;
    this._life += isCut ? 1 : 0;
    this._hooks.onRewrite?.();
    this._steps = [
      { kind: 'reset' },
      ...chunks.map(chunk => ({ kind: 'bytes' as const, ...chunk })),
      { kind: 'call', call: () => this._hooks.onRewritten?.(top) },
      ...later
    ];
    this._pump();
    return last.offset + last.bytes.length;
  }

  reveal(hit: IHit): boolean {
    const { start, end } = this.lines;
    const isShown =
      start !== null && end !== null && hit.offset >= start && hit.offset < end;
    const isComing = this._steps.some(
      step =>
        step.kind === 'bytes' &&
        hit.offset >= step.offset &&
        hit.offset < step.offset + step.bytes.length
    );
    if (!isShown && !isComing) {
      return false;
    }
    this._steps.push({
      kind: 'call',
      call: () => this._hooks.onReveal?.(hit)
    });
    this._pump();
    return true;
  }

  get start(): number | null {
    return this.lines.start;
  }

  clear(): void {
    this._life++;
    this._steps = [{ kind: 'reset' }];
    this._pump();
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
    this._steps = [];
    this._disposed = true;
  }

  private _pump(): void {
    while (!this._busy && !this._disposed) {
      const next = this._steps[0];
      if (!next || (next.kind === 'bytes' && next.done && !this._isDue(next))) {
        return;
      }
      if (next.kind === 'bytes') {
        this._give(next);
      } else {
        this._steps.shift();
        if (next.kind === 'reset') {
          this._terminal.reset();
          this.lines.clear();
        } else {
          next.call();
        }
      }
    }
  }

  /** Whether new bytes may be given now. */
  private _isDue(step: IBytes): boolean {
    if (this._paused) {
      return false;
    }
    if (!this._isEndInSight) {
      const rows = rowsOf(step.bytes.subarray(0, MAX_WRITE_BYTES));
      if (this._isGap(step) || this._hooks.isFull?.(rows)) {
        this._leave();
        return false;
      }
    }
    if (this._frameBegun === null) {
      this._frameBegun = performance.now();
      const isLate = this._frameBegun < this._lateUntil;
      afterFrames(isLate ? LATE_PARSE_FRAMES : PARSE_FRAMES, () => {
        this._frameBegun = null;
        this._pump();
      });
    }
    return performance.now() - this._frameBegun < PARSE_MS;
  }

  private get _isEndInSight(): boolean {
    return this._hooks.isFollowing?.() ?? true;
  }

  private _isGap({ offset }: IBytes): boolean {
    return this.lines.end !== null && this.lines.end !== offset;
  }

  /** Let go of new bytes, which would push out those that are looked at. */
  private _leave(): void {
    this._dropNew();
    this._hooks.onLeave?.(this.lines.end ?? 0);
  }

  private _dropNew(): void {
    this._life++;
    this._steps = this._steps.filter(step => !isBytes(step) || !step.done);
  }

  private _give(step: IBytes): void {
    const { offset } = step;
    const piece = step.bytes.subarray(0, MAX_WRITE_BYTES);
    if (this._isGap(step)) {
      this._lateUntil = performance.now() + LATE_MS;
      // Parsed together with what follows, so that no empty screen is shown.
      this._terminal.write(FULL_RESET, () => {
        this.lines.clear();
        this.lines.add(offset, piece);
      });
    } else {
      this.lines.add(offset, piece);
    }
    step.bytes = step.bytes.subarray(piece.length);
    step.offset += piece.length;
    if (step.bytes.length === 0) {
      this._steps.shift();
    }
    const life = this._life;
    this._busy = true;
    this._terminal.write(piece, () => {
      this._busy = false;
      if (this._disposed) {
        return;
      }
      // Not if the terminal was cleared in the meantime.
      if (step.bytes.length === 0 && this._life === life) {
        step.done?.();
      }
      this._pump();
    });
  }

  /** Changes when what was given before is not wanted any more. */
  private _life = 0;
  private _steps: Step[] = [];
  private _busy = false;
  /** When the first bytes of these frames were given; null before them. */
  private _frameBegun: number | null = null;
  private _lateUntil = 0;
  private _paused = false;
  private _disposed = false;
}

function afterFrames(count: number, call: () => void): void {
  requestAnimationFrame(() =>
    count > 1 ? afterFrames(count - 1, call) : call()
  );
}

function isBytes(step: Step): step is IBytes {
  return step.kind === 'bytes';
}

/** The bytes from an offset on; none if the one at the offset is not known. */
function chunksFrom(chunks: IChunk[], start: number): IChunk[] {
  const first = chunks.findIndex(
    ({ offset, bytes }) => start >= offset && start < offset + bytes.length
  );
  if (first < 0) {
    return [];
  }
  const { offset, bytes } = chunks[first];
  return [
    { offset: start, bytes: bytes.subarray(start - offset) },
    ...chunks.slice(first + 1)
  ];
}

/** How many rows bytes take, or a little more. */
function rowsOf(bytes: Uint8Array): number {
  let rows = Math.ceil(bytes.length / COLUMNS);
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) {
    rows++;
  }
  return rows;
}
