/** The running and queued tasks, whatever a page lists. */
import type {
  Counts,
  TaskListQuery,
  TaskPage,
  TaskRow,
  TaskStatus
} from '../client/types';

/** How many rows are kept. */
const MAX_ROWS = 200;

/** With fewer rows than this they are listed again, if there are more. */
const MIN_ROWS = 100;

/** The query that lists these tasks. */
export const ACTIVE_TASKS: TaskListQuery = {
  status: 'running,queued',
  sort: '-status,created',
  order: 'asc',
  limit: MAX_ROWS
};

/**
 * Running tasks, then queued ones by creation time; of a long queue only the
 * first ones, so that it is rarely listed again.
 */
export class ActiveRows {
  /** Replaced when they change. */
  get rows(): readonly TaskRow[] {
    return this._rows;
  }

  /** Replace the rows by a new list. */
  list({ items, total }: TaskPage): void {
    this._hasMore = total > items.length;
    this._rows = inOrder(items);
  }

  /** Apply changed and removed tasks. */
  patch(changed: readonly TaskRow[], removed: readonly string[]): void {
    const fresh = new Set(changed.map(row => row.name));
    const gone = new Set(removed);
    const isTouched =
      changed.some(row => isActive(row.status)) ||
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
        isActive(row.status) &&
        // Unknown tasks may precede those after the last row.
        !(this._hasMore && last && compare(last, row) < 0)
    );
    const rows = inOrder([...kept, ...active]);
    this._hasMore ||= rows.length > MAX_ROWS;
    this._rows = rows.slice(0, MAX_ROWS);
  }

  /** Return whether the rows do not fit the counts, so that a list is needed. */
  needsList({ running, queued }: Counts): boolean {
    const count = running + queued;
    return count > MAX_ROWS
      ? this._rows.length < MIN_ROWS
      : this._rows.length !== count;
  }

  private _rows: readonly TaskRow[] = [];
  /** Whether there are more tasks, all of them after these. */
  private _hasMore = false;
}

function inOrder(rows: readonly TaskRow[]): TaskRow[] {
  return [...rows].sort(compare);
}

function compare(a: TaskRow, b: TaskRow): number {
  return (
    Number(b.status === 'running') - Number(a.status === 'running') ||
    (a.created_at ?? 0) - (b.created_at ?? 0) ||
    byName(a, b)
  );
}

/** Compare by name; numbers in names by their value. */
export function byName(a: { name: string }, b: { name: string }): number {
  return a.name.localeCompare(b.name, undefined, { numeric: true });
}

/** Return whether a task is running or queued. */
export function isActive(status: TaskStatus): boolean {
  return status === 'running' || status === 'queued';
}
