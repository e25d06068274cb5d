/** Rows by position, of which only some are loaded. */
import type { TaskRow } from '../client/types';

export type IRows = ReadonlyArray<TaskRow | undefined>;

export function emptyRows(total: number): IRows {
  return new Array<TaskRow | undefined>(total).fill(undefined);
}

/**
 * Put a page of rows where it belongs.
 *
 * A row that is loaded elsewhere is forgotten there: it has moved. Rows that
 * did not change stay the same objects.
 */
export function placePage(
  rows: IRows,
  offset: number,
  items: readonly TaskRow[],
  total: number
): IRows {
  const old = new Map<string, TaskRow>();
  const names = new Set(items.map(row => row.name));
  const next: (TaskRow | undefined)[] = new Array(total).fill(undefined);
  rows.forEach((row, index) => {
    if (row && names.has(row.name)) {
      old.set(row.name, row);
    } else if (row && index < total) {
      next[index] = row;
    }
  });
  items.forEach((row, index) => {
    if (offset + index < total) {
      next[offset + index] = same(old.get(row.name), row);
    }
  });
  return next;
}

/**
 * The rows of a page that is older than what was heard meanwhile: those that
 * are loaded stay as they are, with what only a listing tells.
 */
export function keepNewer(
  loaded: IRows,
  items: readonly TaskRow[]
): readonly TaskRow[] {
  const known = new Map(loaded.flatMap(row => (row ? [[row.name, row]] : [])));
  return items.map(item => {
    const row = known.get(item.name);
    return row ? { ...row, values: item.values, hit: item.hit } : item;
  });
}

export interface IPatched {
  rows: IRows;
  /** The rows that were replaced, and what replaced them. */
  before: readonly TaskRow[];
  after: readonly TaskRow[];
  /** Changed rows that are not loaded. */
  missed: readonly TaskRow[];
}

/** Replace the loaded ones among the rows that changed. */
export function patchRows(rows: IRows, changed: readonly TaskRow[]): IPatched {
  if (changed.length === 0) {
    return { rows, before: [], after: [], missed: [] };
  }
  const fresh = new Map(changed.map(row => [row.name, row]));
  const before: TaskRow[] = [];
  const after: TaskRow[] = [];
  const next = rows.map(row => {
    const change = row && fresh.get(row.name);
    if (row && change) {
      fresh.delete(row.name);
      before.push(row);
      // An event does not tell them, and they change with the listing only.
      const next =
        (row.values && !change.values) || (row.hit && !change.hit)
          ? { ...change, values: row.values, hit: row.hit }
          : change;
      after.push(next);
      return next;
    }
    return row;
  });
  return {
    rows: before.length > 0 ? next : rows,
    before,
    after,
    missed: [...fresh.values()]
  };
}

/** Take rows out; the ones below move up. */
export function removeRows(rows: IRows, names: readonly string[]): IRows {
  if (names.length === 0) {
    return rows;
  }
  const gone = new Set(names);
  const next = rows.filter(row => !row || !gone.has(row.name));
  return next.length === rows.length ? rows : next;
}

/** Whether changed rows may now belong elsewhere in the order. */
export function sortMayMove(
  sort: string,
  before: readonly TaskRow[],
  after: readonly TaskRow[],
  missed: readonly TaskRow[]
): boolean {
  if (before.some((row, index) => row.pinned !== after[index].pinned)) {
    return true;
  }
  if (sort === 'created' || sort === 'name') {
    return false;
  }
  if (missed.length > 0) {
    return true;
  }
  return before.some(
    (row, index) => sortValue(row, sort) !== sortValue(after[index], sort)
  );
}

function sortValue(row: TaskRow, sort: string): unknown {
  switch (sort) {
    case 'status':
      return row.status;
    case 'started':
      return row.started_at;
    case 'finished':
      return row.finished_at;
    case 'runs':
      return row.runs;
    case 'duration':
      return row.duration;
    case 'order':
      return row.order;
    default: {
      const [, group, key] = /^(config|figure)\.(.*)$/s.exec(sort) ?? [];
      return group
        ? (group === 'config' ? { ...row.values, ...row.swept } : row.figures)[
            key
          ]
        : (row.swept[sort] ?? row.figures[sort]);
    }
  }
}

function same(old: TaskRow | undefined, row: TaskRow): TaskRow {
  return old && JSON.stringify(old) === JSON.stringify(row) ? old : row;
}
