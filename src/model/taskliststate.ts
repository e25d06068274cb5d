import type { ClientError } from '../client/errors';
import type {
  Action,
  Counts,
  FieldError,
  TaskPage,
  TaskRow,
  Workspace
} from '../client/types';
import type { ILiveState } from './livemodel';
import type { IListing } from './taskpager';
import { FIRST_LISTING } from './taskpager';
import type { IRows } from './rows';
import { emptyRows } from './rows';

/** Tasks that went to the trash and can come back. */
export interface IUndo {
  readonly names: readonly string[];
}

export interface ITaskListState extends ILiveState {
  /** What the server says about the workspace, null until it was heard. */
  readonly workspace: Workspace | null;
  /** `loading` and `error` only as long as nothing was ever listed. */
  readonly phase: 'loading' | 'ready' | 'error';
  /** Why the last request failed, null after one succeeded. */
  readonly error: ClientError | null;
  readonly listing: IListing;
  /** What is wrong with `listing.query`; the rows are still the old ones. */
  readonly queryError: ClientError | null;
  /** What is said about the search of the listed rows. */
  readonly notices: readonly FieldError[];
  /** A list of the current `listing` is on its way. */
  readonly refreshing: boolean;
  /** By position; undefined where not loaded. */
  readonly rows: IRows;
  /** How many tasks match. */
  readonly total: number;
  readonly counts: Counts | null;
  /** Running and queued tasks, whatever is listed; at most 200. */
  readonly active: readonly TaskRow[];
  readonly columns: TaskPage['columns'];
  /** Seconds that a run takes, judged by earlier ones; null when not known. */
  readonly typical: number | null;
  /** Selected names; they outlive searching, sorting and refreshing. */
  readonly selection: ReadonlySet<string>;
  /** What was asked for and is not confirmed yet, by name. */
  readonly pending: ReadonlyMap<string, Action>;
  readonly undo: IUndo | null;
}

/** What is known before the server was heard. */
export function firstState(
  listing: Partial<IListing>
): Omit<ITaskListState, keyof ILiveState> {
  return {
    workspace: null,
    phase: 'loading',
    error: null,
    listing: { ...FIRST_LISTING, ...listing },
    queryError: null,
    notices: [],
    refreshing: false,
    rows: emptyRows(0),
    total: 0,
    counts: null,
    active: [],
    columns: { swept: [], figures: [] },
    typical: null,
    selection: new Set(),
    pending: new Map(),
    undo: null
  };
}

/**
 * Return whether two states differ only in their rows, apart from the rows of
 * some tasks: then everything but the list renders the same.
 */
export function differInRowsOnly(
  old: ITaskListState,
  fresh: ITaskListState,
  tasks: ReadonlySet<string>
): boolean {
  const isOfRows = (key: string) => ['active', 'rows', 'typical'].includes(key);
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

/** So many tasks make lists and searches take seconds (docs/scaling.md). */
export const MANY_TASKS = 100_000;

/** All tasks, whatever their status. */
export function sumOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** New keys go behind the old ones, so that no column moves. */
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
