import type { IDecoration, IMarker, Terminal } from '@xterm/xterm';

import type { IHit } from '../../model/logstate';
import { lowerBound } from '../../model/lowerbound';
import type { LineMap } from './linemap';

/** Hits that are marked at once, around the current one. */
const MAX_MARKS = 400;

/** Characters of a line in which a hit is looked for. */
const MAX_LINE_LENGTH = 20_000;

// eslint-disable-next-line no-control-regex
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)/g;

export interface IPlace {
  row: number;
  column: number;
  width: number;
}

/** The part of a terminal that holds text. */
export type ITextRows = Pick<Terminal, 'buffer' | 'cols'>;

/**
 * The cells in which a hit stands: a part of one row, or of several where the
 * line is wrapped. The whole row where the text was rewritten since.
 */
export function placesOf(
  hit: IHit,
  lines: LineMap,
  terminal: ITextRows
): IPlace[] {
  const found = lines.rowOf(hit.offset);
  if (found === null) {
    return [];
  }
  const { active } = terminal.buffer;
  let first = found;
  while (first > 0 && active.getLine(first)?.isWrapped) {
    first--;
  }
  const cells: { row: number; column: number }[] = [];
  let text = '';
  for (let row = first; text.length < MAX_LINE_LENGTH; row++) {
    const line = active.getLine(row);
    if (!line || (row > first && !line.isWrapped)) {
      break;
    }
    for (let column = 0; column < terminal.cols; column++) {
      const cell = line.getCell(column);
      if (cell && cell.getWidth() > 0) {
        const characters = cell.getChars() || ' ';
        text += characters;
        for (let index = 0; index < characters.length; index++) {
          cells.push({ row, column });
        }
      }
    }
  }
  const words = plain(lines.text(hit.offset, hit.length));
  const before = plain(lines.text(hit.line, hit.offset - hit.line));
  let at = -1;
  if (words.trim() !== '') {
    for (let left = countOf(before, words); left >= 0; left--) {
      const next = text.indexOf(words, at + 1);
      if (next < 0) {
        break;
      }
      at = next;
    }
  }
  if (at < 0) {
    return [{ row: found, column: 0, width: terminal.cols }];
  }
  const places: IPlace[] = [];
  for (const { row, column } of cells.slice(at, at + words.length)) {
    const last = places[places.length - 1];
    if (last?.row === row) {
      last.width = column + 1 - last.column;
    } else {
      places.push({ row, column, width: 1 });
    }
  }
  return places;
}

function plain(text: string): string {
  return text.replace(ESCAPES, '').replace(/\r/g, '');
}

function countOf(text: string, words: string): number {
  return words === '' ? 0 : text.split(words).length - 1;
}

/** Marks hits among the rows of a terminal. */
export class HitMarks {
  constructor(
    private readonly _terminal: Terminal,
    private readonly _lines: LineMap
  ) {}

  /** Mark these hits, one of them as the one that is shown. */
  show(hits: readonly IHit[], current: number): void {
    this.clear();
    const { start, end } = this._lines;
    if (start === null || end === null || hits.length === 0) {
      return;
    }
    const firstFrom = (offset: number) =>
      lowerBound(hits.length, index => hits[index].offset < offset);
    const first = firstFrom(start);
    const last = firstFrom(end);
    const middle = current >= first && current < last ? current : last;
    const from = Math.max(first, middle - MAX_MARKS / 2);
    for (let index = from; index < Math.min(last, from + MAX_MARKS); index++) {
      this._mark(hits[index], index === current);
    }
  }

  clear(): void {
    for (const decoration of this._decorations.splice(0)) {
      decoration.dispose();
    }
    for (const marker of this._markers.splice(0)) {
      marker.dispose();
    }
  }

  private _mark(hit: IHit, isCurrent: boolean): void {
    const terminal = this._terminal;
    const { baseY, cursorY } = terminal.buffer.active;
    for (const place of placesOf(hit, this._lines, terminal)) {
      const marker = terminal.registerMarker(place.row - baseY - cursorY);
      const decoration = terminal.registerDecoration({
        marker,
        x: place.column,
        width: place.width,
        layer: 'top'
      });
      this._markers.push(marker);
      if (decoration) {
        decoration.onRender(element => {
          element.classList.add('pyr-hit');
          element.classList.toggle('pyr-is-current', isCurrent);
        });
        this._decorations.push(decoration);
      }
    }
  }

  private _decorations: IDecoration[] = [];
  private _markers: IMarker[] = [];
}
