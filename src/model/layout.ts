/** Which columns a table of tasks has, how wide they are, and what stands in them. */
import type { Columns, Counts, TaskPage, TaskRow } from '../client/types';

/**
 * A column: a word such as `name`, or a key of the tasks: `config:lr`,
 * `figure:acc`, `curve:loss`.
 */
export type ColumnId = string;

/** Columns that every task has something to say in. */
export const FACTS = [
  'name',
  'started',
  'finished',
  'created',
  'duration',
  'left',
  'runs',
  'outcome'
] as const;

export type Fact = (typeof FACTS)[number] | 'hit';

/** Automatic columns that stay hidden until a task has a value there. */
export const RUN_FACTS: readonly Fact[] = ['started', 'duration', 'outcome'];

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
  const hasOutcome =
    failed > 0 || rows.some(row => row && (row.message || row.exit_code));
  return RUN_FACTS.filter(fact => !(fact === 'outcome' ? hasOutcome : hasRun));
}

/** How tasks are gathered into groups. */
export type Grouping =
  { readonly fold: readonly string[] } | { readonly by: readonly string[] };

export interface ILayout {
  /** In their order; null for those that say most, found by themselves. */
  readonly columns: readonly ColumnId[] | null;
  /** Those shown even while no task has a value; all of `columns` without it. */
  readonly always?: readonly ColumnId[];
  /** In pixels; of the others the usual one. */
  readonly widths: Readonly<Record<ColumnId, number>>;
  /** Those that stay in sight when the others are scrolled, in their order. */
  readonly pinned: readonly ColumnId[];
  readonly look: 'table' | 'cards';
  readonly grouping: Grouping | null;
}

export const FIRST_LAYOUT: ILayout = {
  columns: null,
  widths: {},
  pinned: [],
  look: 'table',
  grouping: null
};

export const LEAST_WIDTH = 48;
export const MOST_WIDTH = 800;

/** Keys of the configuration that are shown by themselves. */
const MOST_PARAMETERS = 12;
const MOST_FIGURES = 12;

/** What a column stands for. */
export function parseColumnId(
  id: ColumnId
): { kind: 'config' | 'figure' | 'curve'; key: string } | { kind: 'fact' } {
  const [, kind, key] = /^(config|figure|curve):([^]+)$/.exec(id) ?? [];
  return kind
    ? { kind: kind as 'config' | 'figure' | 'curve', key }
    : { kind: 'fact' };
}

/**
 * The columns that say most: what differs, what came of it, and when.
 *
 * @param seen - swept keys and figures of the listed tasks
 * @param known - all keys, null until they are known
 * @param curve - the figure whose curve is shown, if any
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
      .slice(0, Math.max(MOST_PARAMETERS, seen.swept.length))
      .map(key => `config:${key}`),
    ...seen.figures.slice(0, MOST_FIGURES).map(key => `figure:${key}`),
    ...(curve === null ? [] : [`curve:${curve}`]),
    ...RUN_FACTS
  ];
}

/** The columns that are shown even while they are empty. */
export function alwaysShown({ always, columns }: ILayout): readonly ColumnId[] {
  return always ?? columns ?? [];
}

/**
 * Columns in the order in which they are shown: the name, the pinned ones, the
 * rest. After a search in logs, the line found follows the pinned ones.
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

/** Show or hide a column; a new one comes behind those of its kind. */
export function withColumn(
  shown: readonly ColumnId[],
  id: ColumnId,
  show: boolean
): ColumnId[] {
  const { kind } = parseColumnId(id);
  // One figure's curves are enough to be fetched for each row.
  const others = shown.filter(
    each =>
      each !== id && !(kind === 'curve' && parseColumnId(each).kind === kind)
  );
  if (!show) {
    return others;
  }
  let place = -1;
  others.forEach((each, index) => {
    if (parseColumnId(each).kind === kind) {
      place = index;
    }
  });
  if (kind !== 'fact' && place < 0) {
    place = 0; // behind the name
  }
  return place < 0
    ? [...others, id]
    : [...others.slice(0, place + 1), id, ...others.slice(place + 1)];
}

/** Move a column to where another one stands; the name stays first. */
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
  return Math.round(Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, width)));
}

/** A layout out of a store that anybody may have written. */
export function asLayout(value: unknown): ILayout {
  const found = (value ?? {}) as Record<string, unknown>;
  const grouping = (found.grouping ?? null) as {
    fold?: unknown;
    by?: unknown;
  } | null;
  const fold = texts(grouping?.fold);
  const by = texts(grouping?.by);
  const widths: Record<string, number> = {};
  for (const [id, width] of Object.entries(
    (found.widths ?? {}) as Record<string, unknown>
  )) {
    if (typeof width === 'number' && Number.isFinite(width)) {
      widths[id] = asWidth(width);
    }
  }
  return {
    columns: Array.isArray(found.columns) ? texts(found.columns) : null,
    always: Array.isArray(found.always) ? texts(found.always) : undefined,
    widths,
    pinned: texts(found.pinned),
    look: found.look === 'cards' ? 'cards' : 'table',
    grouping: fold.length > 0 ? { fold } : by.length > 0 ? { by } : null
  };
}

function texts(value: unknown): string[] {
  return Array.isArray(value)
    ? value.filter((item): item is string => typeof item === 'string')
    : [];
}
