import type { IMark } from '../linemap';
import type { IWritable } from '../sink';

const WIDTH = 10;

interface IRow {
  text: string;
  isWrapped: boolean;
}

class Mark implements IMark {
  constructor(public line: number) {}
  dispose(): void {
    this.line = -1;
  }
}

/** Parses what it was given when it is told to; ten columns, some rows. */
export class FakeTerminal implements IWritable {
  constructor(private readonly most = Infinity) {}

  rows: IRow[] = [{ text: '', isWrapped: false }];
  given: { data: Uint8Array; callback: () => void }[] = [];
  resets = 0;

  write(data: Uint8Array, callback: () => void): void {
    this.given.push({ data, callback });
  }

  reset(): void {
    this.resets++;
    this.rows = [{ text: '', isWrapped: false }];
    this._marks.forEach(mark => mark.dispose());
  }

  mark(): IMark {
    const mark = new Mark(this.rows.length - 1);
    this._marks.push(mark);
    return mark;
  }

  isWrapped(row: number): boolean {
    return this.rows[row]?.isWrapped ?? false;
  }

  get length(): number {
    return this.rows.length;
  }

  /** All rows, wrapped ones joined. */
  get text(): string {
    return this.rows
      .map(
        (row, index) => (row.isWrapped || index === 0 ? '' : '\n') + row.text
      )
      .join('');
  }

  /** Parse one piece; false when there is none. */
  parse(): boolean {
    const next = this.given.shift();
    if (!next) {
      return false;
    }
    const text = new TextDecoder().decode(next.data);
    if (text === '\x1bc') {
      this.reset();
    }
    for (const character of text.replace('\x1bc', '')) {
      if (character === '\n') {
        this._add(false);
        continue;
      }
      if (this.rows[this.rows.length - 1].text.length === WIDTH) {
        this._add(true);
      }
      this.rows[this.rows.length - 1].text += character;
    }
    next.callback();
    return true;
  }

  parseAll(): void {
    while (this.parse()) {
      // The next one.
    }
  }

  private _add(isWrapped: boolean): void {
    this.rows.push({ text: '', isWrapped });
    if (this.rows.length > this.most) {
      this.rows.shift();
      this._marks.forEach(mark => (mark.line = Math.max(-1, mark.line - 1)));
    }
  }

  private readonly _marks: Mark[] = [];
}

export const encode = (text: string): Uint8Array =>
  new TextEncoder().encode(text);
