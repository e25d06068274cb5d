/** Maps the bytes of a log to the rows of a terminal. */

/** A row that is followed through scrolling and reflow; -1 once it is gone. */
export interface IMark {
  readonly line: number;
  dispose(): void;
}

/** The part of a terminal in which rows are counted. */
export interface IRows {
  /** Mark the row of the cursor. */
  mark(): IMark;
  /** Whether a row continues the line of the row above. */
  isWrapped(row: number): boolean;
  /** How many rows there are. */
  readonly length: number;
}

/** Bytes between two marks: more of them would make rows less exact. */
const PIECE_BYTES = 32 * 1024;

/** Bytes that are kept at most, those of some ten thousand coloured lines. */
const MAX_BYTES = 16 * 1024 * 1024;

const NEWLINE = 10;
const RETURN = 13;

interface IPiece {
  /** Its range in the log; some of its bytes may be dropped. */
  offset: number;
  end: number;
  chunks: IChunk[];
  /** Bytes in its chunks. */
  size: number;
  /** The row in which it begins. */
  mark: IMark;
}

export interface IChunk {
  offset: number;
  bytes: Uint8Array;
}

/**
 * Keeps the bytes that a terminal shows, and finds their rows.
 *
 * A line break begins a row and so does a full row; what moves the cursor up
 * (several progress bars) makes rows less exact, until the next mark. Of what
 * is written over and over in the same rows only the last bytes are kept.
 */
export class LineMap {
  constructor(private readonly _rows: IRows) {}

  /** Bytes are about to be written behind all others. */
  add(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    const last = this._pieces[this._pieces.length - 1];
    const size = bytes.length;
    this._size += size;
    if (last && last.size + size <= PIECE_BYTES) {
      last.chunks.push({ offset, bytes });
      last.size += size;
      last.end = end;
    } else {
      this._forgetRewritten();
      const chunks = [{ offset, bytes }];
      const mark = this._rows.mark();
      this._pieces.push({ offset, end, chunks, size, mark });
      this._forget();
    }
  }

  clear(): void {
    this._pieces.forEach(piece => piece.mark.dispose());
    this._pieces = [];
    this._size = 0;
  }

  /** The first byte that can still be scrolled to; null without any. */
  get start(): number | null {
    this._forget();
    const [first] = this._pieces;
    if (!first) {
      return null;
    }
    return first.mark.line >= 0 ? first.offset : this._offsetIn(0, 0);
  }

  /** Behind the last byte; null without any. */
  get end(): number | null {
    const last = this._pieces[this._pieces.length - 1];
    return last ? last.end : null;
  }

  /** All that can be scrolled to, in order. */
  chunks(): IChunk[] {
    return this._pieces.flatMap(piece => piece.chunks);
  }

  /** Some of the bytes as text; empty when they are not shown. */
  text(offset: number, length: number): string {
    const decoder = new TextDecoder();
    let text = '';
    for (const piece of this._pieces) {
      if (piece.end <= offset || piece.offset >= offset + length) {
        continue;
      }
      for (const { offset: at, bytes } of piece.chunks) {
        const from = Math.max(0, offset - at);
        const until = Math.min(bytes.length, offset + length - at);
        if (from < until) {
          const part = bytes.subarray(from, until);
          text += decoder.decode(part, { stream: true });
        }
      }
    }
    return text + decoder.decode();
  }

  /** The row of a byte; null if it is not shown. */
  rowOf(offset: number): number | null {
    this._forget();
    const index = this._pieces.findIndex(
      piece => offset >= piece.offset && offset < piece.end
    );
    if (index < 0) {
      return null;
    }
    const piece = this._pieces[index];
    if (piece.mark.line < 0) {
      return this._rowBefore(index, offset);
    }
    const breaks = this._count(piece, piece.offset, offset);
    return this._down(piece.mark.line, breaks);
  }

  /** The first byte of a row's line; null without any. */
  offsetOf(row: number): number | null {
    this._forget();
    let index = this._pieces.length - 1;
    // One that begins in this row may go on with a line of the one before.
    while (index > 0 && this._pieces[index].mark.line >= row) {
      index--;
    }
    return index < 0 ? null : this._offsetIn(index, row);
  }

  private _offsetIn(index: number, row: number): number {
    const piece = this._pieces[index];
    let breaks = 0;
    if (piece.mark.line >= 0) {
      for (let at = piece.mark.line + 1; at <= row; at++) {
        breaks += this._rows.isWrapped(at) ? 0 : 1;
      }
    } else {
      // Its first rows are gone: count backwards from the end.
      let left = 0;
      for (let at = row + 1; at <= this._lastRow(index); at++) {
        left += this._rows.isWrapped(at) ? 0 : 1;
      }
      const all = this._count(piece, piece.offset, Infinity);
      breaks = Math.max(0, all - left);
    }
    return this._afterBreak(piece, breaks);
  }

  private _rowBefore(index: number, offset: number): number | null {
    let left = this._count(this._pieces[index], offset, Infinity);
    let row = this._lastRow(index);
    while (left > 0 && row > 0) {
      if (!this._rows.isWrapped(row)) {
        left--;
      }
      row--;
    }
    while (row > 0 && this._rows.isWrapped(row)) {
      row--;
    }
    return left > 0 ? null : row;
  }

  /** The row in which the cursor stood at the end of a piece. */
  private _lastRow(index: number): number {
    const next = this._pieces[index + 1];
    return next ? next.mark.line : this._rows.length - 1;
  }

  private _down(row: number, breaks: number): number {
    let at = row;
    for (let left = breaks; left > 0 && at < this._rows.length - 1; left--) {
      at++;
      while (at < this._rows.length - 1 && this._rows.isWrapped(at)) {
        at++;
      }
    }
    return at;
  }

  /** Line breaks of a piece from one absolute offset to another. */
  private _count(piece: IPiece, begin: number, end: number): number {
    let count = 0;
    for (const { offset, bytes } of piece.chunks) {
      let at = bytes.indexOf(NEWLINE, Math.max(0, begin - offset));
      while (at >= 0 && offset + at < end) {
        count++;
        at = bytes.indexOf(NEWLINE, at + 1);
      }
    }
    return count;
  }

  /** The offset after a number of line breaks of a piece. */
  private _afterBreak(piece: IPiece, breaks: number): number {
    let left = breaks;
    for (const { offset, bytes } of piece.chunks) {
      let at = left > 0 ? bytes.indexOf(NEWLINE) : -1;
      while (at >= 0) {
        left--;
        if (left === 0) {
          return offset + at + 1;
        }
        at = bytes.indexOf(NEWLINE, at + 1);
      }
    }
    return breaks === 0 ? piece.offset : piece.end;
  }

  /** Drop pieces that scrolled out at the top, or exceed the limit. */
  private _forget(): void {
    while (
      this._pieces.length > 1 &&
      (this._pieces[1].mark.line < 0 || this._size > MAX_BYTES)
    ) {
      this._drop(0, 1);
    }
  }

  /**
   * Let go of what the last piece writes over: the pieces from the one that
   * began in the same row.
   */
  private _forgetRewritten(): void {
    const index = this._pieces.length - 1;
    const last = this._pieces[index];
    const first = this._pieces.findIndex(
      piece => piece.mark.line >= 0 && piece.mark.line === last.mark.line
    );
    if (first < 0 || first === index) {
      return;
    }
    const { offset } = this._pieces[first];
    this._drop(first, index - first);
    // It begins in the middle of a line that was written before.
    const [chunk] = last.chunks;
    const begin = chunk.bytes.findIndex(
      byte => byte === RETURN || byte === NEWLINE
    );
    if (begin > 0) {
      last.chunks[0] = {
        offset: chunk.offset + begin,
        bytes: chunk.bytes.subarray(begin)
      };
      last.size -= begin;
      this._size -= begin;
    }
    last.offset = offset;
  }

  private _drop(first: number, count: number): void {
    for (const piece of this._pieces.splice(first, count)) {
      piece.mark.dispose();
      this._size -= piece.size;
    }
  }

  private _pieces: IPiece[] = [];
  /** Bytes in all pieces. */
  private _size = 0;
}
