/** The charts of a comparison, for the page and for files. */
import type { Curve } from '../../client/types';
import { axesOf, pointsOver } from '../../model/axis';
import type { IColumn } from '../../model/compare';
import { isCounter } from '../../model/metrics';
import type { IImportance } from '../../model/importance';
import { importanceOf } from '../../model/importance';
import type { Chart, IBar, IHeatCell } from '../shared/chart';
import {
  axisName,
  axisText,
  barsChart,
  heatmapChart,
  linesChart,
  parallelChart,
  scatterChart
} from '../shared/chart';
import type { ITrans } from '../shared/context';
import { exactValue, formatNumber } from '../shared/format';
import type { IOptions } from './options';
import type { IShown, IShownTask } from './shown';
import { isWide, labelsOf, placesOf } from './shown';

/** Curves that are shown before anybody chooses. */
const FIRST_CURVES = 4;

/** Axes of parallel coordinates that fit beside each other. */
const MOST_AXES = 10;

/** Different numbers on an axis of a heatmap; more are put into groups. */
const MOST_CELLS = 24;
const GROUPS = 12;

export type CurvesOfKey = ReadonlyMap<string, Curve> | undefined;

/** The keys that may have curves, and those of them that are shown. */
export function curveKeys(
  shown: IShown,
  wanted: IOptions['curves']
): { all: string[]; chosen: string[] } {
  const all = shown.figures
    .filter(column => column.numbers)
    .map(column => column.key);
  const results = all.filter(key => !isCounter(key));
  const first = (results.length > 0 ? results : all).slice(0, FIRST_CURVES);
  return {
    all,
    chosen: wanted ? all.filter(key => wanted.includes(key)) : first
  };
}

/** The axes that curves of some tasks have in common. */
export function axesFor(curves: readonly CurvesOfKey[]): string[] {
  return axesOf(curves.flatMap(each => [...(each?.values() ?? [])]));
}

/** Curves of one figure over each other; null where no task has one. */
export function curvesChart(
  trans: ITrans,
  key: string,
  curves: CurvesOfKey,
  tasks: readonly IShownTask[],
  axis: string,
  options: IOptions,
  part: [number, number] | null = null
): Chart | null {
  const lines = tasks.flatMap(({ row, label, colour }) => {
    const curve = curves?.get(row.name);
    const points = curve ? pointsOver(curve, axis) : null;
    return points && points.xs.length > 0
      ? [{ id: row.name, name: label, colour, ...points }]
      : [];
  });
  return lines.length === 0
    ? null
    : linesChart({
        name: key,
        lines,
        smoothing: options.smoothing,
        isLogX: options.isLogX,
        isLogY: options.isLogY,
        xName: axisName(trans, axis),
        xText: axisText(trans, axis),
        part
      });
}

/** How important each parameter is for the judged figure, most first. */
export function importances(shown: IShown): IImportance[] {
  const { judge, tasks } = shown;
  const pick = <T>(values: readonly T[]): T[] =>
    tasks.map(({ at }) => values[at]);
  if (!judge?.numbers) {
    return [];
  }
  const figures = pick(judge.numbers);
  return shown.parameters
    .flatMap(
      ({ key, values, numbers }) =>
        importanceOf(key, pick(values), numbers && pick(numbers), figures) ?? []
    )
    .sort((a, b) => b.part - a.part);
}

/** These as bars. */
export function importanceChart(
  trans: ITrans,
  found: readonly IImportance[],
  colour: string
): Chart {
  const bars: IBar[] = found.map(each => ({
    id: each.key,
    name: each.key,
    part: each.part,
    colour,
    value: [
      `${Math.round(100 * each.part)}%`,
      each.rises === null || Math.abs(each.rises) < 0.3
        ? ''
        : each.rises > 0
          ? trans.__('↑ with it')
          : trans.__('↓ with it')
    ].join('  ')
  }));
  return barsChart(bars);
}

/** A line for each task through its parameters to the judged figure. */
export function parallelOf(shown: IShown): Chart | null {
  const order = importances(shown).map(each => each.key);
  const parameters = [...shown.parameters]
    .sort((a, b) => rank(order, a) - rank(order, b))
    .slice(0, MOST_AXES - 1)
    // The most important one stands beside the figure.
    .reverse();
  const columns = shown.judge ? [...parameters, shown.judge] : parameters;
  if (columns.length < 2 || shown.tasks.length === 0) {
    return null;
  }
  return parallelChart({
    axes: columns.map(column => {
      const found = placesOf(column, shown.tasks, true);
      return {
        key: column.key,
        isFigure: column.kind === 'metric',
        ...found,
        isLog: !found.labels && isWide(found.places)
      };
    }),
    lines: shown.tasks.map(({ row, colour, label }) => ({
      id: row.name,
      name: label,
      colour
    }))
  });
}

function rank(order: readonly string[], column: IColumn): number {
  const place = order.indexOf(column.key);
  return place < 0 ? order.length : place;
}

/** What a scatter plot is made of: what was chosen, else what fits. */
export function scatterAxes(
  shown: IShown,
  options: IOptions
): { x: IColumn; y: IColumn; isLogX: boolean; isLogY: boolean } | null {
  const find = (key: string) =>
    shown.columns.find(column => column.key === key) ?? null;
  const [important] = importances(shown);
  const x =
    find(options.scatterX) ??
    find(important?.key ?? '') ??
    shown.parameters[0] ??
    shown.figures.find(column => column !== shown.judge);
  const chosen = find(options.scatterY);
  const y = chosen?.numbers ? chosen : shown.judge;
  if (!x || !y) {
    return null;
  }
  const wide = ({ numbers }: IColumn) =>
    isWide(shown.tasks.map(({ at }) => numbers?.[at] ?? NaN));
  return {
    x,
    y,
    isLogX: options.isScatterLogX ?? wide(x),
    isLogY: options.isScatterLogY ?? wide(y)
  };
}

export function scatterOf(
  shown: IShown,
  axes: { x: IColumn; y: IColumn; isLogX: boolean; isLogY: boolean }
): Chart {
  const { x, y, isLogX, isLogY } = axes;
  const { places, labels } = placesOf(x, shown.tasks);
  return scatterChart({
    xName: x.key,
    yName: y.key,
    xLabels: labels,
    isLogX,
    isLogY,
    dots: shown.tasks.flatMap(({ row, at, colour, label }, index) => {
      const value = y.numbers?.[at] ?? NaN;
      return Number.isNaN(places[index]) || Number.isNaN(value)
        ? []
        : [{ id: row.name, name: label, x: places[index], y: value, colour }];
    })
  });
}

/** The parameters of a heatmap: what was chosen, else the two that tell most. */
export function heatmapAxes(
  shown: IShown,
  options: IOptions
): { x: IColumn; y: IColumn } | null {
  const find = (key: string) =>
    shown.parameters.find(column => column.key === key);
  const order = [
    ...importances(shown).flatMap(each => find(each.key) ?? []),
    ...shown.parameters
  ];
  const x = find(options.heatX) ?? order[0];
  const y = find(options.heatY) ?? order.find(column => column !== x);
  return x && y && shown.judge ? { x, y } : null;
}

export function heatmapOf(
  shown: IShown,
  axes: { x: IColumn; y: IColumn }
): Chart | null {
  const { judge, tasks } = shown;
  if (!judge?.numbers) {
    return null;
  }
  const [columns, rows] = [groupsOf(axes.x, tasks), groupsOf(axes.y, tasks)];
  const cells: (IHeatCell | null)[][] = rows.labels.map(() =>
    columns.labels.map(() => null)
  );
  tasks.forEach(({ at }, index) => {
    const value = judge.numbers?.[at] ?? NaN;
    const [column, row] = [columns.places[index], rows.places[index]];
    if (column < 0 || row < 0 || !Number.isFinite(value)) {
      return;
    }
    const known = cells[row][column];
    cells[row][column] = known
      ? {
          value: (known.value * known.tasks + value) / (known.tasks + 1),
          tasks: known.tasks + 1
        }
      : { value, tasks: 1 };
  });
  const isEmpty = cells.every(each => each.every(cell => cell === null));
  return isEmpty
    ? null
    : heatmapChart({
        xName: axes.x.key,
        yName: axes.y.key,
        name: judge.key,
        xLabels: columns.labels,
        // The largest value is at the top, as on other axes.
        yLabels: [...rows.labels].reverse(),
        cells: [...cells].reverse()
      });
}

/** A column as groups: its values, or ranges where it has many numbers. */
function groupsOf(
  column: IColumn,
  tasks: readonly IShownTask[]
): { labels: string[]; places: number[] } {
  const labels = labelsOf(column, tasks);
  const { numbers } = column;
  if (!numbers || labels.length <= MOST_CELLS) {
    return {
      labels,
      places: tasks.map(({ at }) =>
        labels.indexOf(exactValue(column.values[at]))
      )
    };
  }
  const sorted = labels.map(Number);
  const size = Math.ceil(sorted.length / GROUPS);
  const starts = sorted.filter((_, index) => index % size === 0);
  return {
    labels: starts.map((start, index) => {
      const last = sorted[Math.min(sorted.length, (index + 1) * size) - 1];
      return start === last
        ? formatNumber(start)
        : `${formatNumber(start)}…${formatNumber(last)}`;
    }),
    places: tasks.map(({ at }) =>
      Number.isFinite(numbers[at])
        ? starts.filter(start => start <= numbers[at]).length - 1
        : -1
    )
  };
}
