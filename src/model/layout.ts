/** The columns of a table of tasks: which, in which order, how wide. */
import { asRecord, asTexts } from '../client/shapes';
import type { Columns, Counts, TaskPage, TaskRow } from '../client/types';

/**
 * A column: a field such as `name`, or a key: `config:lr`, `figure:acc` (a
 * metric), `curve:loss`. Saved layouts contain these ids.
 */
export type ColumnId = string;

/** Columns for fields of the tasks. */
export const FACTS = [
  'name',
  'started',
  'finished',
  'created',
  'duration',
  'progress',
  'left',
  'runs',
  'gpu_hours',
  'energy_kwh',
  'message'
] as const;

export type Fact = (typeof FACTS)[number] | 'hit';

/** Automatic columns that stay hidden until a task has a value there. */
export const RUN_FACTS: readonly Fact[] = [
  'started',
  'duration',
  'progress',
  'message'
];

/**
 * Return the `RUN_FACTS` that no task of the workspace has, judged by the
 * loaded rows and by how many tasks there are in each status.
 */
export function emptyFacts(
  rows: readonly (TaskRow | undefined)[],
  counts: Counts | null
): readonly Fact[] {
  const {
    running = 0,
    completed = 0,
    failed = 0,
    cancelled = 0
  } = counts ?? {};
  const hasRun =
    running + completed + failed + cancelled > 0 ||
    rows.some(row => row && row.started_at !== null);
  const hasMessage =
    failed > 0 || rows.some(row => row && (row.message || row.exit_code));
  // Whether a task tracks its steps is known only while it runs.
  const hasSteps = rows.some(row => row?.steps);
  return RUN_FACTS.filter(fact =>
    fact === 'message' ? !hasMessage : fact === 'progress' ? !hasSteps : !hasRun
  );
}

/** Keys by which tasks are grouped (`by`), or all other ones (`fold`). */
export type Grouping =
  { readonly fold: readonly string[] } | { readonly by: readonly string[] };

export interface ILayout {
  /** In their order; null for an automatic choice. */
  readonly columns: readonly ColumnId[] | null;
  /** Columns shown even while no task has a value; by default all of `columns`. */
  readonly always?: readonly ColumnId[];
  /** In pixels; other columns have the default width. */
  readonly widths: Readonly<Record<ColumnId, number>>;
  /** Frozen columns, in their order. */
  readonly pinned: readonly ColumnId[];
  readonly look: 'table' | 'cards';
  readonly grouping: Grouping | null;
}

export const DEFAULT_LAYOUT: ILayout = {
  columns: null,
  widths: {},
  pinned: [],
  look: 'table',
  grouping: null
};

export const MIN_WIDTH = 48;
export const MAX_WIDTH = 800;

/** How many parameters and metrics are chosen automatically. */
const MAX_PARAMETERS = 12;
const MAX_METRICS = 12;

/** Return the kind and key of a column. */
export function parseColumnId(
  id: ColumnId
): { kind: 'config' | 'figure' | 'curve'; key: string } | { kind: 'fact' } {
  const [, kind, key] = /^(config|figure|curve):([^]+)$/.exec(id) ?? [];
  return kind
    ? { kind: kind as 'config' | 'figure' | 'curve', key }
    : { kind: 'fact' };
}

/**
 * Choose columns: parameters that differ, metrics, start and duration.
 *
 * @param seen - swept keys and metrics of the listed tasks
 * @param known - all keys, null before they are loaded
 * @param curve - the metric whose curve is shown, if any
 */
export function automaticColumns(
  seen: TaskPage['columns'],
  known: Columns | null,
  curve: string | null
): ColumnId[] {
  const differing = (known?.parameters ?? [])
    .filter(item => item.distinct > 1 && !seen.swept.includes(item.key))
    .map(item => item.key);
  return [
    'name',
    ...[...seen.swept, ...differing]
      .slice(0, Math.max(MAX_PARAMETERS, seen.swept.length))
      .map(key => `config:${key}`),
    ...seen.figures.slice(0, MAX_METRICS).map(key => `figure:${key}`),
    ...(curve === null ? [] : [`curve:${curve}`]),
    ...RUN_FACTS
  ];
}

/** The columns that are shown even while they are empty. */
export function alwaysShown({ always, columns }: ILayout): readonly ColumnId[] {
  return always ?? columns ?? [];
}

/**
 * Return the columns in the order in which they are shown: the name, the frozen
 * ones, the matches in logs (if `hits`), the others.
 *
 * @param empty - columns that are left out unless the user asked for them
 */
export function shownColumns(
  layout: ILayout,
  automatic: readonly ColumnId[],
  hits = false,
  empty: readonly ColumnId[] = []
): ColumnId[] {
  const wanted = layout.columns ?? automatic;
  const pinned = layout.pinned.filter(id => wanted.includes(id));
  const all = ['name', ...pinned, ...wanted].filter(id => id !== 'hit');
  if (hits) {
    all.splice(1 + pinned.length, 0, 'hit');
  }
  const kept = [...pinned, ...alwaysShown(layout)];
  return [...new Set(all)].filter(
    id => !empty.includes(id) || kept.includes(id)
  );
}

/** Show or hide a column; a new one is added after the others of its kind. */
export function withColumn(
  shown: readonly ColumnId[],
  id: ColumnId,
  show: boolean
): ColumnId[] {
  const { kind } = parseColumnId(id);
  // Curves are loaded for each row, so only one metric's are shown.
  const others = shown.filter(
    each =>
      each !== id && !(kind === 'curve' && parseColumnId(each).kind === kind)
  );
  if (!show) {
    return others;
  }
  const kinds = others.map(each => parseColumnId(each).kind);
  const last = kinds.lastIndexOf(kind);
  // The first parameter or metric is added after the name, a field at the end.
  const place = last >= 0 ? last + 1 : kind === 'fact' ? others.length : 1;
  return [...others.slice(0, place), id, ...others.slice(place)];
}

/** Move a column to another position; the name stays first. */
export function movedColumn(
  shown: readonly ColumnId[],
  id: ColumnId,
  to: number
): ColumnId[] {
  const others = shown.filter(each => each !== id);
  if (id === 'name' || others.length === shown.length) {
    return [...shown];
  }
  const place = Math.max(1, Math.min(others.length, to));
  return [...others.slice(0, place), id, ...others.slice(place)];
}

export function asWidth(width: number): number {
  return Math.round(Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, width)));
}

/** Return the present id of a column; older layouts have another name for one. */
function newColumnId(id: ColumnId): ColumnId {
  return id === 'outcome' ? 'message' : id;
}

/** Read a saved layout. */
export function asLayout(value: unknown): ILayout {
  const found = asRecord(value);
  const grouping = asRecord(found.grouping);
  const fold = asTexts(grouping.fold);
  const by = asTexts(grouping.by);
  const columns = (ids: unknown) => asTexts(ids).map(newColumnId);
  const widths: Record<string, number> = {};
  for (const [id, width] of Object.entries(asRecord(found.widths))) {
    if (typeof width === 'number' && Number.isFinite(width)) {
      widths[newColumnId(id)] = asWidth(width);
    }
  }
  return {
    columns: Array.isArray(found.columns) ? columns(found.columns) : null,
    always: Array.isArray(found.always) ? columns(found.always) : undefined,
    widths,
    pinned: columns(found.pinned),
    look: found.look === 'cards' ? 'cards' : 'table',
    grouping: fold.length > 0 ? { fold } : by.length > 0 ? { by } : null
  };
}
