/** The charts of a comparison, for the page and for files. */
import type { Curve } from '../../client/types';
import { axesOf, pointsOver } from '../../model/axis';
import type { IColumn } from '../../model/compare';
import { isCounter } from '../../model/metrics';
import { isSystemMetric } from '../../model/systemmetrics';
import type { IImportance } from '../../model/importance';
import { importanceOf } from '../../model/importance';
import type { Chart, IBar, IHeatCell } from '../shared/chart';
import {
  axisName,
  axisText,
  barsChart,
  barsHeight,
  heatmapChart,
  linesChart,
  parallelChart,
  rampColour,
  scatterChart
} from '../shared/chart';
import type { ITrans } from '../shared/context';
import { exactValue, formatNumber } from '../shared/format';
import { metricTitle } from '../shared/systemmetrics';
import type { IOptions } from './options';
import type {
  IComparedTask,
  IComparisonView,
  IPlotted
} from './comparisonview';
import { isWide, labelsOf, placesOf } from './comparisonview';

/** Curves that are shown by default. */
const FIRST_CURVES = 4;

/** Axes of the parallel coordinates plot. */
const MAX_AXES = 10;

/** Distinct numbers on an axis of a heatmap; more are put into ranges. */
const MAX_CELLS = 24;
const MAX_RANGES = 12;

export type CurvesOfKey = ReadonlyMap<string, Curve> | undefined;

/** The metrics with curves, and those of them that are shown. */
export function curveKeys(
  known: readonly string[] | null,
  wanted: IOptions['curves']
): { all: readonly string[]; chosen: string[] } {
  const all = known ?? [];
  const metrics = all.filter(key => !isSystemMetric(key));
  const results = metrics.filter(key => !isCounter(key));
  const first = [results, metrics, all].find(keys => keys.length > 0) ?? [];
  return {
    all,
    chosen: wanted
      ? all.filter(key => wanted.includes(key))
      : first.slice(0, FIRST_CURVES)
  };
}

/** The metrics whose curves are shown, the axes that these have in common, and the shown one. */
export function shownCurves(
  keys: readonly string[] | null,
  curves: ReadonlyMap<string, CurvesOfKey>,
  options: IOptions
): { all: readonly string[]; chosen: string[]; axes: string[]; axis: string } {
  const { all, chosen } = curveKeys(keys, options.curves);
  const axes = axesOf(
    chosen.flatMap(key => [...(curves.get(key)?.values() ?? [])])
  );
  const axis = axes.includes(options.axis)
    ? options.axis
    : (axes[0] ?? 'point');
  return { all, chosen, axes, axis };
}

/** The axis of the curves of a metric: system metrics have no steps. */
export function axisOf(key: string, axis: string): string {
  return isSystemMetric(key) ? 'time' : axis;
}

/** The curves of one metric; null if no task has one. */
export function curvesChart(
  trans: ITrans,
  key: string,
  curves: CurvesOfKey,
  tasks: readonly IComparedTask[],
  chosenAxis: string,
  options: IOptions,
  zoom: [number, number] | null = null
): Chart | null {
  const axis = axisOf(key, chosenAxis);
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
        name: metricTitle(trans, key),
        lines,
        smoothing: options.smoothing,
        isLogX: options.isLogX,
        isLogY: options.isLogY,
        xName: axisName(trans, axis),
        xText: axisText(trans, axis),
        zoom: axis === chosenAxis ? zoom : null
      });
}

/** The importance of each parameter for the target metric, highest first. */
export function importances(shown: IPlotted): IImportance[] {
  const { targetMetric, tasks } = shown;
  const pick = <T>(values: readonly T[]): T[] =>
    tasks.map(({ at }) => values[at]);
  if (!targetMetric?.numbers) {
    return [];
  }
  const figures = pick(targetMetric.numbers);
  return shown.parameters
    .flatMap(
      ({ key, values, numbers }) =>
        importanceOf(key, pick(values), numbers && pick(numbers), figures) ?? []
    )
    .sort((a, b) => b.fraction - a.fraction);
}

/** The importances for a metric as bars. */
export function importanceBars(
  trans: ITrans,
  metric: string,
  found: readonly Pick<IImportance, 'key' | 'fraction' | 'rises'>[]
): Omit<IPlot, 'wanting'> {
  const share = (fraction: number) => `${Math.round(100 * fraction)}%`;
  const bars: IBar[] = found.map(({ key, fraction, rises }) => ({
    id: key,
    name: key,
    fraction,
    colour: rampColour(0.4),
    value: [
      share(fraction),
      rises === null || Math.abs(rises) < 0.3
        ? ''
        : rises > 0
          ? trans.__('↑ positive')
          : trans.__('↓ negative')
    ].join('  ')
  }));
  return {
    name: trans.__('Importance for %1', metric),
    label: found
      .map(({ key, fraction }) => `${key} ${share(fraction)}`)
      .join(', '),
    hasNoTasks: true,
    chart: bars.length > 0 ? barsChart(bars) : null,
    height: barsHeight(bars.length)
  };
}

/** A line for each task through its parameters to the target metric. */
export function parallelOf(shown: IPlotted): Chart | null {
  const order = importances(shown).map(each => each.key);
  const parameters = [...shown.parameters]
    .sort((a, b) => rank(order, a) - rank(order, b))
    .slice(0, MAX_AXES - 1)
    // The most important one is next to the metric.
    .reverse();
  const columns = shown.targetMetric
    ? [...parameters, shown.targetMetric]
    : parameters;
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

/** The axes of the scatter plot: the chosen ones, else the most useful. */
export function scatterAxes(
  shown: IComparisonView,
  options: IOptions
): { x: IColumn; y: IColumn; isLogX: boolean; isLogY: boolean } | null {
  const find = (key: string) =>
    shown.columns.find(column => column.key === key) ?? null;
  const [important] = importances(shown);
  const x =
    find(options.scatterX) ??
    find(important?.key ?? '') ??
    shown.parameters[0] ??
    shown.figures.find(column => column !== shown.targetMetric);
  const chosen = find(options.scatterY);
  const y = chosen?.numbers ? chosen : shown.targetMetric;
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

function scatterOf(
  shown: IComparisonView,
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

/** The chosen parameters, else the two most important ones. */
export function chosenParameters(
  shown: IPlotted,
  chosenX: string,
  chosenY: string
): { x: IColumn; y: IColumn } | null {
  const find = (key: string) =>
    shown.parameters.find(column => column.key === key);
  const order = [
    ...importances(shown).flatMap(({ key }) => find(key) ?? []),
    ...shown.parameters
  ];
  const wantedY = find(chosenY);
  const x = find(chosenX) ?? order.find(column => column !== wantedY) ?? null;
  const y =
    wantedY && wantedY !== x ? wantedY : order.find(column => column !== x);
  return x && y ? { x, y } : null;
}

/** The axes of the heatmap; null without two parameters and a metric. */
export function heatmapAxes(
  shown: IComparisonView,
  { heatX, heatY }: IOptions
): { x: IColumn; y: IColumn } | null {
  return shown.targetMetric && chosenParameters(shown, heatX, heatY);
}

export function heatmapOf(
  shown: IComparisonView,
  axes: { x: IColumn; y: IColumn }
): Chart | null {
  const { targetMetric, tasks } = shown;
  if (!targetMetric?.numbers) {
    return null;
  }
  const [columns, rows] = [groupsOf(axes.x, tasks), groupsOf(axes.y, tasks)];
  const cells: (IHeatCell | null)[][] = rows.labels.map(() =>
    columns.labels.map(() => null)
  );
  tasks.forEach(({ at }, index) => {
    const value = targetMetric.numbers?.[at] ?? NaN;
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
        name: targetMetric.key,
        xLabels: columns.labels,
        // The largest value is at the top.
        yLabels: [...rows.labels].reverse(),
        cells: [...cells].reverse()
      });
}

/** The values of a column as groups, or as ranges if there are many numbers. */
function groupsOf(
  column: IColumn,
  tasks: readonly IComparedTask[]
): { labels: string[]; places: number[] } {
  const labels = labelsOf(column, tasks);
  const { numbers } = column;
  if (!numbers || labels.length <= MAX_CELLS) {
    return {
      labels,
      places: tasks.map(({ at }) =>
        labels.indexOf(exactValue(column.values[at]))
      )
    };
  }
  const sorted = labels.map(Number);
  const size = Math.ceil(sorted.length / MAX_RANGES);
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

export type PlotTab = 'parallel' | 'scatter' | 'heatmap' | 'importance';

export interface IPlot {
  /** Its title in files. */
  name: string;
  /** What it shows, for screen readers. */
  label: string;
  chart: Chart | null;
  /** What is missing, if there is no chart. */
  wanting: string;
  /** Why there is no chart, in a few words. */
  title?: string;
  isLoading?: boolean;
  /** More about what it shows. */
  hint?: string;
  /** In pixels; by default the height of the container. */
  height?: number;
  /** Whether its ids are not those of tasks. */
  hasNoTasks?: boolean;
}

/** The plot of a tab, for the page and for files. */
export function plotOf(
  trans: ITrans,
  tab: PlotTab,
  shown: IComparisonView,
  options: IOptions
): IPlot {
  const count = shown.tasks.length;
  switch (tab) {
    case 'parallel':
      return {
        name: trans.__('Parallel coordinates'),
        label: trans.__('Parallel coordinates of %1 tasks', count),
        hint: trans.__('The most important parameters are next to the metric.'),
        chart: parallelOf(shown),
        wanting: trans.__(
          'Select tasks that differ in a parameter and have a metric.'
        )
      };
    case 'scatter': {
      const axes = scatterAxes(shown, options);
      const [x, y] = [axes?.x.key ?? '', axes?.y.key ?? ''];
      return {
        name: `${y} – ${x}`,
        label: trans.__('%1 over %2 of %3 tasks', y, x, count),
        chart: axes && scatterOf(shown, axes),
        wanting: trans.__(
          'Select tasks that differ in a parameter and have a metric.'
        )
      };
    }
    case 'heatmap': {
      const axes = heatmapAxes(shown, options);
      const [x, y] = [axes?.x.key ?? '', axes?.y.key ?? ''];
      return {
        name: `${x} × ${y}`,
        label: trans.__(
          'Mean of %1 over %2 and %3',
          shown.targetMetric?.key ?? '',
          x,
          y
        ),
        hint: trans.__('Mean of all tasks with both values.'),
        hasNoTasks: true,
        chart: axes && heatmapOf(shown, axes),
        wanting: trans.__(
          'Select tasks that differ in two parameters and have a metric.'
        )
      };
    }
    case 'importance':
      return {
        ...importanceBars(
          trans,
          shown.targetMetric?.key ?? '',
          importances(shown)
        ),
        hint: trans.__(
          'Share of the metric’s variance that each parameter explains on its own (ε², Kelley 1935). Interactions between parameters are not included.'
        ),
        wanting: trans.__(
          'This chart needs at least three tasks with this metric, and a parameter that has the same value in several of them.'
        )
      };
  }
}
