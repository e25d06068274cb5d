/** Widths of the columns, from names, titles and the length of numbers. */
import type { TaskRow } from '../../client/types';
import type { ColumnId } from '../../model/layout';
import { parseColumnId } from '../../model/layout';
import { isCounter } from '../../model/metrics';
import { configValue, metricValue } from '../../model/rows';
import { shortValue } from '../shared/format';

/** Least and largest width of the names, in pixels, and the room of tags and of an alert. */
export const NAME_WIDTH = [144, 424] as const;
const TAGS_WIDTH = 88;
const ALERT_WIDTH = 30;

/** Least widths of columns of texts and numbers. A number that is cut looks like another one. */
const TEXT_WIDTH = 80;
const NUMBER_WIDTH = 88;
const NARROW_WIDTH = 72;

/** Characters of a number that fit into a narrow column. */
const NARROW_DIGITS = 6;

/**
 * Width for the names of some rows and their tags. In steps, so that a longer
 * name that is loaded later seldom moves the other columns.
 */
export function widthForNames(rows: readonly (TaskRow | undefined)[]): number {
  const [least, most] = NAME_WIDTH;
  let longest = 0;
  let tags = 0;
  let alerts = 0;
  for (const row of rows) {
    longest = Math.max(longest, row?.name.length ?? 0);
    tags = row && row.tags.length > 0 ? TAGS_WIDTH : tags;
    alerts = row?.alert ? ALERT_WIDTH : alerts;
  }
  const width = Math.ceil((longest * 7 + 24 + tags + alerts) / 40) * 40;
  return Math.min(most, Math.max(least, width));
}

/**
 * Widths of a column of values.
 *
 * @param isNarrow - whether its numbers are short, as `numericSignature` has it
 */
export function widthsFor(
  title: string,
  isNarrow: boolean | undefined
): { size: number; max: number } {
  const least =
    isNarrow === undefined
      ? TEXT_WIDTH
      : isNarrow
        ? NARROW_WIDTH
        : NUMBER_WIDTH;
  return {
    size: Math.min(124, Math.max(least, 18 + title.length * 8)),
    max: Math.min(180, Math.max(least, 34 + title.length * 8))
  };
}

/** Whether the values of a key in the loaded rows are numbers. */
function isNumeric(
  rows: readonly (TaskRow | undefined)[],
  valueOf: (row: TaskRow) => unknown
): boolean {
  for (const row of rows) {
    const value = row && valueOf(row);
    if (value !== undefined && value !== null) {
      return typeof value === 'number';
    }
  }
  return true;
}

/**
 * The columns of numbers, and whether they can be narrow, as one string, which
 * a memo can compare. Of the metrics only counters can: the next value of
 * another one may need more digits.
 *
 * @param before - the signature of the rows that were loaded before: a column
 *   that was wide stays wide, so that the other columns do not move
 */
export function numericSignature(
  rows: readonly (TaskRow | undefined)[],
  columns: readonly ColumnId[],
  before: string
): string {
  const known = JSON.parse(before) as Record<ColumnId, boolean>;
  const found: Record<ColumnId, boolean> = {};
  for (const id of columns) {
    const parts = parseColumnId(id);
    if (parts.kind !== 'config' && parts.kind !== 'figure') {
      continue;
    }
    const { kind, key } = parts;
    const valueOf = (row: TaskRow) =>
      kind === 'config' ? configValue(row, key) : metricValue(row, key);
    const isShort = (value: unknown) =>
      value === undefined ||
      ((kind === 'config' || Number.isInteger(value)) &&
        shortValue(value).length <= NARROW_DIGITS);
    if (isNumeric(rows, valueOf)) {
      found[id] =
        known[id] !== false &&
        (kind === 'config' || isCounter(key)) &&
        rows.every(row => !row || isShort(valueOf(row)));
    }
  }
  return JSON.stringify(found);
}
