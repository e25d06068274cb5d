/** Rows by position, only some of which are loaded. */
import type { TaskRow } from '../client/types';
import { aggregatedMetric } from './metrics';
import { keepEqual } from './store';

export type IRows = ReadonlyArray<TaskRow | undefined>;

export function emptyRows(total: number): IRows {
  return new Array<TaskRow | undefined>(total).fill(undefined);
}

/**
 * Insert a page of rows.
 *
 * A row that is loaded at another position is removed there: it has moved.
 * Rows that did not change stay the same objects.
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
      next[offset + index] = keepEqual(old.get(row.name), row);
    }
  });
  return next;
}

/**
 * Return the rows of a page that is older than the loaded rows: those are kept,
 * with the fields that only a list has.
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
  /** The rows that were replaced, and their replacements. */
  before: readonly TaskRow[];
  after: readonly TaskRow[];
  /** Changed rows that are not loaded. */
  missed: readonly TaskRow[];
}

/** Replace those of the changed rows that are loaded. */
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
      // Events do not have these fields; they change only with the list.
      const next = {
        ...change,
        values: change.values ?? row.values,
        hit: change.hit ?? row.hit
      };
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

/** Return whether changes of rows may change metrics. */
export function metricsDiffer({ before, after, missed }: IPatched): boolean {
  return (
    missed.length > 0 ||
    before.some(
      (row, index) =>
        keepEqual(row.figures, after[index].figures) !== row.figures
    )
  );
}

/** Remove rows; the rows below move up. */
export function removeRows(rows: IRows, names: readonly string[]): IRows {
  if (names.length === 0) {
    return rows;
  }
  const gone = new Set(names);
  const next = rows.filter(row => !row || !gone.has(row.name));
  return next.length === rows.length ? rows : next;
}

/** Return whether changes of rows may change their order. */
export function sortMayMove(
  sort: string,
  before: readonly TaskRow[],
  after: readonly TaskRow[],
  missed: readonly TaskRow[]
): boolean {
  const differs = (value: (row: TaskRow) => unknown) =>
    before.some((row, index) => value(row) !== value(after[index]));
  return (
    differs(row => row.pinned) ||
    (sort !== 'created' &&
      sort !== 'name' &&
      (missed.length > 0 || differs(row => sortValue(row, sort))))
  );
}

/** A value of a task's configuration, undefined when it has none. */
export function configValue(row: TaskRow, key: string): unknown {
  return key in row.swept ? row.swept[key] : row.values?.[key];
}

/** The value of a metric or an aggregate, undefined when there is none. */
export function metricValue(row: TaskRow, key: string): unknown {
  return key in row.figures
    ? row.figures[key]
    : aggregatedMetric(key) === null
      ? undefined
      : row.values?.[key];
}

const SORT_FIELDS: ReadonlyMap<string, keyof TaskRow> = new Map([
  ['status', 'status'],
  ['started', 'started_at'],
  ['finished', 'finished_at'],
  ['runs', 'runs'],
  ['progress', 'progress'],
  ['duration', 'duration'],
  ['gpu_hours', 'gpu_hours'],
  ['energy_kwh', 'energy_kwh'],
  ['order', 'order']
]);

function sortValue(row: TaskRow, sort: string): unknown {
  const field = SORT_FIELDS.get(sort);
  if (field) {
    return row[field];
  }
  const [, group, key] = /^(config|figure)\.(.*)$/s.exec(sort) ?? [];
  if (group === 'config') {
    return { ...row.values, ...row.swept }[key];
  }
  return group
    ? metricValue(row, key)
    : (row.swept[sort] ?? metricValue(row, sort));
}
