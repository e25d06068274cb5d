import type { ClientError } from '../client/errors';
import type {
  Action,
  ActionRequest,
  Counts,
  FieldError,
  ShownStatus,
  TaskPage,
  TaskRow,
  Workspace
} from '../client/types';
import type { ILiveState } from './livemodel';
import { aggregatedMetric } from './metrics';
import type { IRows } from './rows';
import { emptyRows } from './rows';
import { keepEqual } from './store';

export type MetricGoals = NonNullable<TaskPage['goals']>;
export type BestValues = NonNullable<TaskPage['best']>;

/** Options of an action, without its tasks. */
export type ActionOptions = Omit<Partial<ActionRequest>, 'action' | 'names'>;

/** Actions that a row shows before they are confirmed. */
export const SHOWN_AS_PENDING: readonly Action[] = ['run', 'cancel', 'delete'];

/** Delay before aggregates are listed again, and before only best values are. */
export const AGGREGATES_MS = 2000;
export const BEST_MS = 10_000;

/** How many values of the configuration the server lists with a task. */
const MAX_FIELDS = 200;

/** Which tasks are listed and in which order. */
export interface IListing {
  readonly query: string;
  /** Empty for all. */
  readonly statuses: readonly ShownStatus[];
  readonly sort: string;
  readonly order: 'asc' | 'desc';
  /** Configuration keys and aggregates whose values are listed with each task. */
  readonly fields: readonly string[];
  /** Metrics and aggregates whose best value is listed. */
  readonly best: readonly string[];
}

export const DEFAULT_LISTING: IListing = {
  query: '',
  statuses: [],
  sort: 'created',
  order: 'desc',
  fields: [],
  best: []
};

/** Return a listing as parameters of a request. */
export function asQuery(listing: IListing) {
  return {
    query: listing.query,
    status: listing.statuses.length ? listing.statuses.join(',') : undefined,
    sort: listing.sort,
    order: listing.order,
    fields: listing.fields.length
      ? listing.fields.slice(0, MAX_FIELDS)
      : undefined,
    best: listing.best.length ? listing.best.slice(0, MAX_FIELDS) : undefined
  };
}

/** Return a listing and its aggregates as parameters of an export. */
export function asExportQuery(listing: IListing) {
  const { query, status, sort, order, fields } = asQuery(listing);
  const metrics = fields?.filter(key => aggregatedMetric(key) !== null);
  return { query, status, sort, order, metrics };
}

/**
 * Delay before values that depend on the points of curves are listed again;
 * null if there are none.
 */
export function aggregatesDelay({ fields, best }: IListing): number | null {
  const keys = [...fields, ...best];
  if (keys.some(key => aggregatedMetric(key) !== null)) {
    return AGGREGATES_MS;
  }
  return best.length > 0 ? BEST_MS : null;
}

/** Tasks whose deletion can be undone, by their names in the trash. */
export interface IUndo {
  readonly names: readonly string[];
}

export interface ITaskListState extends ILiveState {
  /** Null before it is loaded. */
  readonly workspace: Workspace | null;
  /** `loading` and `error` only before the first list. */
  readonly phase: 'loading' | 'ready' | 'error';
  /** Why the last request failed; null after one succeeded. */
  readonly error: ClientError | null;
  readonly listing: IListing;
  /** What is wrong with `listing.query`; the rows are still those before. */
  readonly queryError: ClientError | null;
  /** Notices about the query of the listed rows. */
  readonly notices: readonly FieldError[];
  /** Whether the current `listing` is being loaded. */
  readonly refreshing: boolean;
  /** By position; undefined if not loaded. */
  readonly rows: IRows;
  /** Number of tasks that match. */
  readonly total: number;
  readonly counts: Counts | null;
  readonly columns: TaskPage['columns'];
  /** The best value of all matching tasks, by metric or aggregate. */
  readonly best: BestValues;
  /** Sums over the matching tasks. */
  readonly usage: TaskPage['usage'] | null;
  /** The known goals of metrics. */
  readonly goals: MetricGoals;
  /** Typical duration of a run in seconds, from earlier ones; null if unknown. */
  readonly typical: number | null;
  /** Selected names; filtering, sorting and refreshing do not change them. */
  readonly selection: ReadonlySet<string>;
  /** Requested actions that are not confirmed yet, by name. */
  readonly pending: ReadonlyMap<string, Action>;
  readonly undo: IUndo | null;
}

/** The state before anything is loaded. */
export function initialState(
  listing: Partial<IListing>
): Omit<ITaskListState, keyof ILiveState> {
  return {
    workspace: null,
    phase: 'loading',
    error: null,
    listing: { ...DEFAULT_LISTING, ...listing },
    queryError: null,
    notices: [],
    refreshing: false,
    rows: emptyRows(0),
    total: 0,
    counts: null,
    columns: { swept: [], figures: [] },
    best: {},
    usage: null,
    goals: {},
    typical: null,
    selection: new Set(),
    pending: new Map(),
    undo: null
  };
}

/** What a page changes, apart from the rows; `isLate` if newer rows are known. */
export function stateOfPage(
  old: ITaskListState,
  answer: TaskPage,
  isLate: boolean
) {
  return {
    phase: 'ready' as const,
    error: null,
    queryError: null,
    notices: keepEqual(old.notices, answer.notices ?? []),
    total: answer.total,
    counts: isLate ? old.counts : keepEqual(old.counts, answer.counts),
    columns: mergeColumns(old.columns, answer.columns),
    best: keepEqual(old.best, answer.best ?? {}),
    usage: keepEqual(old.usage, answer.usage ?? null),
    goals: keepEqual(old.goals, answer.goals ?? {}),
    typical: answer.typical_duration
  };
}

/** Return the best values after changes of tasks, as far as these are better. */
export function withBetter(
  best: BestValues,
  changed: readonly TaskRow[]
): BestValues {
  let next = best;
  for (const [key, { direction }] of Object.entries(best)) {
    const sign = direction === 'minimize' ? 1 : -1;
    for (const { figures } of changed) {
      const figure = figures[key];
      const known = Number(next[key].value);
      if (typeof figure === 'number' && sign * figure < sign * known) {
        next = { ...next, [key]: { ...next[key], value: figure } };
      }
    }
  }
  return next;
}

/**
 * Return whether two states differ only in their rows, apart from the rows of
 * some tasks: then only the list has to be rendered.
 */
export function differInRowsOnly(
  old: ITaskListState,
  fresh: ITaskListState,
  tasks: ReadonlySet<string>
): boolean {
  // The page around the list shows none of these.
  const isOfRows = (key: string) =>
    ['rows', 'typical', 'best', 'refreshing'].includes(key);
  const pick = ({ rows }: ITaskListState) =>
    rows.filter(row => row && tasks.has(row.name));
  const keys = Object.keys(old) as (keyof ITaskListState)[];
  if (!keys.every(key => isOfRows(key) || Object.is(old[key], fresh[key]))) {
    return false;
  }
  if (old.rows === fresh.rows || tasks.size === 0) {
    return true;
  }
  const before = pick(old);
  const after = pick(fresh);
  return (
    before.length === after.length &&
    before.every((row, index) => row === after[index])
  );
}

/** With this many tasks lists and queries take seconds (docs/scaling.md). */
export const MANY_TASKS = 100_000;

/** Return the number of tasks of all statuses. */
export function sumOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** The columns of which tasks have values. */
export function columnsOf(rows: readonly TaskRow[]): TaskPage['columns'] {
  return {
    swept: rows.flatMap(row => Object.keys(row.swept)),
    figures: rows.flatMap(row => Object.keys(row.figures))
  };
}

/** Add new keys after the old ones, so that no column moves. */
export function mergeColumns(
  old: TaskPage['columns'],
  more: TaskPage['columns']
): TaskPage['columns'] {
  const swept = merge(old.swept, more.swept);
  const figures = merge(old.figures, more.figures);
  return swept === old.swept && figures === old.figures
    ? old
    : { swept, figures };
}

function merge(old: string[], more: readonly string[]): string[] {
  const fresh = [...new Set(more)].filter(key => !old.includes(key));
  return fresh.length > 0 ? [...old, ...fresh] : old;
}

/** The pending actions with other ones of some tasks; the same if equal. */
export function withPending(
  pending: ITaskListState['pending'],
  names: readonly string[],
  action: Action | null
): ITaskListState['pending'] {
  const changed = new Set(names);
  const others = [...pending].filter(([name]) => !changed.has(name));
  return action
    ? new Map([...others, ...names.map(name => [name, action] as const)])
    : others.length < pending.size
      ? new Map(others)
      : pending;
}
