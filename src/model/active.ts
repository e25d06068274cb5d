/** The tasks that run or wait, whatever a page lists. */
import type { Counts, TaskRow } from '../client/types';

/** How many are kept at most. */
export const PAGE_OF_ACTIVE = 200;

/** How many there should be. */
export function countActive(counts: Counts): number {
  return Math.min(PAGE_OF_ACTIVE, counts.running + counts.queued);
}

/** The active tasks after a change: running ones first, then as created. */
export function patchActive(
  old: readonly TaskRow[],
  changed: readonly TaskRow[],
  removed: readonly string[]
): readonly TaskRow[] {
  const fresh = new Map(changed.map(row => [row.name, row]));
  const gone = new Set(removed);
  const touches =
    old.some(row => fresh.has(row.name) || gone.has(row.name)) ||
    changed.some(isActive);
  if (!touches) {
    return old;
  }
  return [...old.filter(row => !fresh.has(row.name)), ...changed]
    .filter(row => isActive(row) && !gone.has(row.name))
    .sort(
      (a, b) =>
        Number(b.status === 'running') - Number(a.status === 'running') ||
        (a.created_at ?? 0) - (b.created_at ?? 0) ||
        a.name.localeCompare(b.name, undefined, { numeric: true })
    )
    .slice(0, PAGE_OF_ACTIVE);
}

function isActive(row: TaskRow): boolean {
  return row.status === 'running' || row.status === 'queued';
}
