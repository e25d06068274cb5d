/** What all parts of the page show: tasks with their colours, columns. */
import type { Comparison, TaskRow } from '../../client/types';
import type { IColumn, ICompareState } from '../../model/compare';
import { columnsOf, targetCandidates } from '../../model/compare';
import { rampColour, seriesColour } from '../shared/chart';
import { exactValue, shortValue } from '../shared/format';

/** With more tasks colours tell how good they are, not which they are. */
export const MANY = 10;

export interface IShownTask {
  row: TaskRow;
  /** Its place among the compared tasks. */
  at: number;
  colour: string;
  /** What tells it apart from the others: values that differ, else its name. */
  label: string;
}

export interface IShown {
  comparison: Comparison;
  /** All compared tasks. */
  all: readonly IShownTask[];
  /** Those that charts show. */
  tasks: readonly IShownTask[];
  columns: readonly IColumn[];
  parameters: readonly IColumn[];
  figures: readonly IColumn[];
  /** The figure that tasks are judged by, if there is any. */
  judge: IColumn | null;
  turned: ReadonlySet<string>;
}

/** Values that a label names. */
const MOST_KEYS = 4;

/** Numbers of a parameter that are equally far apart on an axis. */
const FEW = 12;

function lastPart(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}

/** How tasks are coloured: each its own, or by a column's value. */
export type Colouring = 'task' | 'figure';

export function shownOf(
  state: Pick<
    ICompareState,
    'comparison' | 'hidden' | 'flippedMetrics' | 'targetMetric'
  >,
  colouring: Colouring | null,
  isDark: boolean
): IShown | null {
  const { comparison, hidden, flippedMetrics } = state;
  if (!comparison) {
    return null;
  }
  const columns = columnsOf(comparison);
  const candidates = targetCandidates(columns);
  const judge =
    candidates.find(column => column.key === state.targetMetric) ??
    candidates[0] ??
    null;
  const count = comparison.tasks.filter(({ name }) => !hidden.has(name)).length;
  const parameters = columns.filter(column => column.kind === 'parameter');
  const labelOf = (at: number) =>
    parameters
      .filter(({ values }) => values[at] !== null)
      .slice(0, MOST_KEYS)
      .map(({ key, values }) => `${lastPart(key)}=${shortValue(values[at])}`)
      .join(', ') || comparison.tasks[at].name;
  const wanted = colouring ?? (count > MANY ? 'figure' : 'task');
  const colourOf =
    wanted === 'figure' && judge?.numbers
      ? ramp(judge.numbers, isDark)
      : (at: number) => seriesColour(at, isDark);
  const all = comparison.tasks.map((row, at) => ({
    row,
    at,
    colour: colourOf(at),
    label: labelOf(at)
  }));
  return {
    comparison,
    all,
    tasks: all.filter(({ row }) => !hidden.has(row.name)),
    columns,
    parameters,
    figures: columns.filter(column => column.kind === 'metric'),
    judge,
    turned: flippedMetrics
  };
}

/** Colours by rank, so that an outlier does not make all others alike. */
function ramp(
  numbers: readonly number[],
  isDark: boolean
): (at: number) => string {
  // The ends that are hardly seen on the ground are left out.
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
  /** Of each of the shown tasks; NaN for none. */
  places: number[];
  /** Names of the places 0, 1, …, where the column has texts. */
  labels?: string[];
}

/**
 * A column as places on an axis.
 *
 * @param isEven - values of a sweep, which are few, are equally far apart
 */
export function placesOf(
  column: IColumn,
  tasks: readonly IShownTask[],
  isEven = false
): IPlaces {
  const { numbers } = column;
  const labels = labelsOf(column, tasks);
  const hasSteps =
    isEven && column.kind === 'parameter' && labels.length <= FEW;
  if (numbers && !hasSteps) {
    return { places: tasks.map(({ at }) => numbers[at]) };
  }
  return {
    labels,
    places: tasks.map(({ at }) => {
      const place = labels.indexOf(exactValue(column.values[at]));
      return place < 0 || column.values[at] === null ? NaN : place;
    })
  };
}

/** The different values of a column as texts, in their natural order. */
export function labelsOf(
  column: IColumn,
  tasks: readonly IShownTask[]
): string[] {
  const values = tasks
    .map(({ at }) => column.values[at])
    .filter(value => value !== null && value !== undefined);
  const labels = [...new Set(values.map(exactValue))];
  return column.numbers
    ? labels.sort((a, b) => Number(a) - Number(b))
    : labels.sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
}

/** Whether numbers go over two powers of ten, so that only logarithms show them. */
export function isWide(numbers: readonly number[]): boolean {
  const found = numbers.filter(Number.isFinite);
  const least = Math.min(...found);
  return found.length > 1 && least > 0 && Math.max(...found) / least >= 100;
}
