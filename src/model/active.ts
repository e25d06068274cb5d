/** The tasks that run or wait, whatever a page lists. */
import type { Counts, TaskListQuery, TaskPage, TaskRow } from '../client/types';

/** Rows that are kept at most. */
const MAX_ROWS = 200;

/** With fewer than this they are listed again, if there are more. */
const MIN_ROWS = 100;

/** What a listing of these tasks asks for. */
export const ACTIVE_TASKS: TaskListQuery = {
  status: 'running,queued',
  sort: '-status,created',
  order: 'asc',
  limit: MAX_ROWS
};

/**
 * Running tasks, then queued ones as they were created. Of a long queue only
 * the first ones: they end one after the other and are listed again seldom.
 */
export class ActiveRows {
  /** Replaced when they change. */
  get rows(): readonly TaskRow[] {
    return this._rows;
  }

  /** Take a listing. */
  list({ items, total }: TaskPage): void {
    this._hasMore = total > items.length;
    this._rows = inOrder(items);
  }

  /** Take changes. */
  patch(changed: readonly TaskRow[], removed: readonly string[]): void {
    const fresh = new Set(changed.map(row => row.name));
    const gone = new Set(removed);
    const isTouched =
      changed.some(isActive) ||
      this._rows.some(row => fresh.has(row.name) || gone.has(row.name));
    if (!isTouched) {
      return;
    }
    const last = this._rows[this._rows.length - 1];
    const kept = this._rows.filter(
      row => !fresh.has(row.name) && !gone.has(row.name)
    );
    const active = changed.filter(
      row =>
        isActive(row) &&
        // What comes behind the last row may have unknown tasks before it.
        !(this._hasMore && last && compare(last, row) < 0)
    );
    const rows = inOrder([...kept, ...active]);
    this._hasMore ||= rows.length > MAX_ROWS;
    this._rows = rows.slice(0, MAX_ROWS);
  }

  /** Return whether too few, or too many, rows are known. */
  needsList({ running, queued }: Counts): boolean {
    const count = running + queued;
    return count > MAX_ROWS
      ? this._rows.length < MIN_ROWS
      : this._rows.length !== count;
  }

  private _rows: readonly TaskRow[] = [];
  /** There are more, all of them behind these. */
  private _hasMore = false;
}

function inOrder(rows: readonly TaskRow[]): TaskRow[] {
  return [...rows].sort(compare);
}

function compare(a: TaskRow, b: TaskRow): number {
  return (
    Number(b.status === 'running') - Number(a.status === 'running') ||
    (a.created_at ?? 0) - (b.created_at ?? 0) ||
    a.name.localeCompare(b.name, undefined, { numeric: true })
  );
}

function isActive(row: TaskRow): boolean {
  return row.status === 'running' || row.status === 'queued';
}
