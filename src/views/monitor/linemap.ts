/** Where the bytes of a log stand among the rows of a terminal. */

/** A row that is followed through scrolling and reflow; -1 once it is gone. */
export interface IMark {
  readonly line: number;
  dispose(): void;
}

/** The part of a terminal in which rows are counted. */
export interface IRows {
  /** Mark the row in which the cursor stands. */
  mark(): IMark;
  /** Whether a row goes on with the line of the row above. */
  isWrapped(row: number): boolean;
  /** How many rows there are. */
  readonly length: number;
}

/** Bytes between two marks: more of them would make rows less exact. */
const PIECE = 32 * 1024;

const NEWLINE = 10;

interface IPiece {
  offset: number;
  length: number;
  chunks: Uint8Array[];
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
 * (several progress bars) makes rows less exact, until the next mark.
 */
export class LineMap {
  constructor(rows: IRows) {
    this._rows = rows;
  }

  /** Bytes are about to be written behind all others. */
  add(offset: number, bytes: Uint8Array): void {
    const last = this._pieces[this._pieces.length - 1];
    if (last && last.length + bytes.length <= PIECE) {
      last.chunks.push(bytes);
      last.length += bytes.length;
    } else {
      this._pieces.push({
        offset,
        length: bytes.length,
        chunks: [bytes],
        mark: this._rows.mark()
      });
      this._forget();
    }
  }

  clear(): void {
    this._pieces.forEach(piece => piece.mark.dispose());
    this._pieces = [];
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
    return last ? last.offset + last.length : null;
  }

  /** All that can be scrolled to, in order. */
  chunks(): IChunk[] {
    return this._pieces.flatMap(piece => {
      let { offset } = piece;
      return piece.chunks.map(bytes => {
        const chunk = { offset, bytes };
        offset += bytes.length;
        return chunk;
      });
    });
  }

  /** Some of the bytes as text; empty when they are not shown. */
  text(offset: number, length: number): string {
    const decoder = new TextDecoder();
    let text = '';
    for (const piece of this._pieces) {
      let at = piece.offset;
      if (at + piece.length <= offset || at >= offset + length) {
        continue;
      }
      for (const bytes of piece.chunks) {
        const from = Math.max(0, offset - at);
        const until = Math.min(bytes.length, offset + length - at);
        if (from < until) {
          const part = bytes.subarray(from, until);
          text += decoder.decode(part, { stream: true });
        }
        at += bytes.length;
      }
    }
    return text + decoder.decode();
  }

  /** The row in which a byte stands; null when it is not shown. */
  rowOf(offset: number): number | null {
    this._forget();
    const index = this._pieces.findIndex(
      piece => offset >= piece.offset && offset < piece.offset + piece.length
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
    let { offset } = piece;
    for (const bytes of piece.chunks) {
      let at = bytes.indexOf(NEWLINE, Math.max(0, begin - offset));
      while (at >= 0 && offset + at < end) {
        count++;
        at = bytes.indexOf(NEWLINE, at + 1);
      }
      offset += bytes.length;
    }
    return count;
  }

  /** The offset behind so many line breaks of a piece. */
  private _afterBreak(piece: IPiece, breaks: number): number {
    let left = breaks;
    let { offset } = piece;
    for (const bytes of piece.chunks) {
      let at = left > 0 ? bytes.indexOf(NEWLINE) : -1;
      while (at >= 0) {
        left--;
        if (left === 0) {
          return offset + at + 1;
        }
        at = bytes.indexOf(NEWLINE, at + 1);
      }
      offset += bytes.length;
    }
    return breaks === 0 ? piece.offset : offset;
  }

  /** Let go of what has scrolled out at the top. */
  private _forget(): void {
    while (this._pieces.length > 1 && this._pieces[1].mark.line < 0) {
      this._pieces.shift()?.mark.dispose();
    }
  }

  private readonly _rows: IRows;
  private _pieces: IPiece[] = [];
}
