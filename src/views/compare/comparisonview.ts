/** What all parts of the page show: tasks with colours, columns, metrics. */
import type { Comparison, TaskRow } from '../../client/types';
import type { IColumn, ICompareState } from '../../model/compare';
import type { Goals } from '../../model/metrics';
import { columnsOf, targetCandidates } from '../../model/compare';
import { rampColour, seriesColour } from '../shared/chart';
import { exactValue, shortKeys, shortValue } from '../shared/format';

/** With more tasks, colours show the target metric, not the task. */
export const MAX_TASK_COLOURS = 10;

/** A task as plots show it. */
export interface IPlottedTask {
  row: Pick<TaskRow, 'name'>;
  /** Its index in the columns. */
  at: number;
  colour: string;
  label: string;
}

/** Tasks and the columns that plots of them show. */
export interface IPlotted {
  tasks: readonly IPlottedTask[];
  parameters: readonly IColumn[];
  /** The metric by which the tasks are ranked, if there is any. */
  targetMetric: IColumn | null;
}

export interface IComparedTask extends IPlottedTask {
  row: TaskRow;
  /** The values that differ, else the name. */
  label: string;
  /** The values of `listed`, as texts. */
  values: readonly string[];
}

export interface IComparisonView extends IPlotted {
  comparison: Comparison;
  /** All compared tasks. */
  all: readonly IComparedTask[];
  /** Those that charts show. */
  tasks: readonly IComparedTask[];
  columns: readonly IColumn[];
  /** The parameters whose values a list of the tasks shows, and short names. */
  listed: readonly { key: string; title: string }[];
  figures: readonly IColumn[];
  goals: Goals;
}

/** Values in a label, and in the list of tasks. */
const MAX_LABEL_VALUES = 4;
const MAX_LISTED = 8;

/** Up to this many values of a parameter are evenly spaced on an axis. */
const MAX_EVEN_VALUES = 12;

/** A colour per task, or by the target metric. */
export type Colouring = 'task' | 'figure';

export function viewOfComparison(
  state: Pick<
    ICompareState,
    'comparison' | 'hidden' | 'goals' | 'targetMetric'
  >,
  colouring: Colouring | null,
  isDark: boolean
): IComparisonView | null {
  const { comparison, hidden, goals } = state;
  if (!comparison) {
    return null;
  }
  const columns = columnsOf(comparison);
  const candidates = targetCandidates(columns);
  const targetMetric =
    candidates.find(column => column.key === state.targetMetric) ??
    candidates[0] ??
    null;
  const count = comparison.tasks.filter(({ name }) => !hidden.has(name)).length;
  const parameters = columns.filter(column => column.kind === 'parameter');
  const titles = shortKeys(parameters.map(({ key }) => key));
  const titled = parameters.map((column, at) => ({
    ...column,
    title: titles[at]
  }));
  const listed = titled.slice(0, MAX_LISTED);
  const labelOf = (at: number) =>
    titled
      .filter(({ values }) => values[at] !== null)
      .slice(0, MAX_LABEL_VALUES)
      .map(({ title, values }) => `${title}=${shortValue(values[at])}`)
      .join(', ') || comparison.tasks[at].name;
  const wanted = colouring ?? (count > MAX_TASK_COLOURS ? 'figure' : 'task');
  const colourOf =
    wanted === 'figure' && targetMetric?.numbers
      ? ramp(targetMetric.numbers, isDark)
      : (at: number) => seriesColour(at, isDark);
  const all = comparison.tasks.map((row, at) => ({
    row,
    at,
    colour: colourOf(at),
    label: labelOf(at),
    values: listed.map(({ values }) =>
      values[at] === null ? '–' : shortValue(values[at]).replace(/\s+/g, ' ')
    )
  }));
  return {
    comparison,
    all,
    tasks: all.filter(({ row }) => !hidden.has(row.name)),
    columns,
    parameters,
    listed,
    figures: columns.filter(column => column.kind === 'metric'),
    targetMetric,
    goals
  };
}

/** Colours by rank, so that an outlier does not make the others look alike. */
function ramp(
  numbers: readonly number[],
  isDark: boolean
): (at: number) => string {
  // Leaves out the ends that have little contrast with the background.
  const [from, until] = isDark ? [0.25, 1] : [0, 0.88];
  const sorted = [...new Set(numbers.filter(Number.isFinite))].sort(
    (a, b) => a - b
  );
  const ranks = new Map(sorted.map((number, rank) => [number, rank]));
  return at => {
    const rank = ranks.get(numbers[at]);
    return rank === undefined
      ? '#9e9e9e'
      : rampColour(
          from + ((until - from) * rank) / Math.max(1, sorted.length - 1)
        );
  };
}

export interface IPlaces {
  /** The position of each task; NaN for none. */
  places: number[];
  /** The labels of the positions 0, 1, …, if the column has texts. */
  labels?: string[];
}

/**
 * The positions of the values of a column on an axis.
 *
 * @param isEven - whether few values of a parameter are evenly spaced
 */
export function placesOf(
  column: IColumn,
  tasks: readonly Pick<IPlottedTask, 'at'>[],
  isEven = false
): IPlaces {
  const { numbers } = column;
  const labels = labelsOf(column, tasks);
  const hasSteps =
    isEven &&
    column.kind === 'parameter' &&
    !column.isContinuous &&
    labels.length <= MAX_EVEN_VALUES;
  if (numbers && !hasSteps) {
    return { places: tasks.map(({ at }) => numbers[at]) };
  }
  const found = new Map(labels.map((label, place) => [label, place]));
  return {
    labels,
    places: tasks.map(({ at }) =>
      column.values[at] === null
        ? NaN
        : (found.get(exactValue(column.values[at])) ?? NaN)
    )
  };
}

/** The distinct values of a column as texts, in natural order. */
export function labelsOf(
  column: IColumn,
  tasks: readonly Pick<IPlottedTask, 'at'>[]
): string[] {
  const values = tasks
    .map(({ at }) => column.values[at])
    .filter(value => value !== null && value !== undefined);
  const labels = [...new Set(values.map(exactValue))];
  return column.numbers
    ? labels.sort((a, b) => Number(a) - Number(b))
    : labels.sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
}

/** Whether numbers span two orders of magnitude, so that a log scale is needed. */
export function isWide(numbers: readonly number[]): boolean {
  const found = numbers.filter(Number.isFinite);
  const least = Math.min(...found);
  return found.length > 1 && least > 0 && Math.max(...found) / least >= 100;
}
