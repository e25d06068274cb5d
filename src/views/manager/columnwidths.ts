/** Widths of the columns, from names and titles. */
import type { TaskRow } from '../../client/types';

/** Least and largest width of the names, in pixels, and the room of tags and of an alert. */
export const NAME_WIDTH = [144, 424] as const;
const TAGS_WIDTH = 88;
const ALERT_WIDTH = 30;

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

/** Widths of a column of values, independent of the values, so that they are stable. */
export function widthsFor(
  title: string,
  least: number
): { size: number; max: number } {
  return {
    size: Math.min(124, Math.max(least, 18 + title.length * 8)),
    max: Math.min(180, Math.max(least, 34 + title.length * 8))
  };
}
