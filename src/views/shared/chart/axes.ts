import type { ScaleContinuousNumeric } from 'd3-scale';
import { scaleLinear, scaleLog } from 'd3-scale';

import type { ITrans } from '../context';
import { duration, formatNumber } from '../format';
import type { IPainter } from './painter';
import type { IChartTheme } from './theme';

/** The area of the data, in pixels. */
export interface IBox {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Scale = ScaleContinuousNumeric<number, number>;

/** Least distance of two labels of an axis, in pixels. */
const APART_X = 76;
const APART_Y = 36;
const APART_COLUMNS = 70;
const APART_ROWS = 14;

/**
 * A scale over some numbers.
 *
 * @param numbers - those that have to fit; of a logarithmic scale only those above 0 count
 * @param isLog - powers of ten are equally far apart
 * @param range - pixels of the smallest and the largest number
 * @param pad - part of the range that stays free at both ends
 */
export function scaleOver(
  numbers: Iterable<number>,
  isLog: boolean,
  range: readonly [number, number],
  pad = 0
): Scale {
  let [low, high] = [Infinity, -Infinity];
  for (const value of numbers) {
    if (Number.isFinite(value) && (!isLog || value > 0)) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high) {
    [low, high] = isLog ? [1, 10] : [0, 1];
  }
  if (isLog) {
    const room = Math.log(high / low) * pad;
    const [least, most] =
      low === high
        ? [low / 2, high * 2]
        : [low / Math.exp(room), high * Math.exp(room)];
    return scaleLog([least, most], [...range]).clamp(false);
  }
  const room = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * pad;
  return scaleLinear([low - room, high + room], [...range]);
}

/** At most this many labels, however large the screen is. */
const MAX_TICKS = 16;

/** Ticks of an axis of a length in pixels. */
export function ticksOf(scale: Scale, length: number, apart: number): number[] {
  const count = Math.min(MAX_TICKS, Math.max(2, Math.floor(length / apart)));
  const ticks = scale.ticks(count);
  // Only a logarithmic scale, which has a base, gives more than asked for.
  if (ticks.length <= count + 1 || !('base' in scale)) {
    return ticks;
  }
  // Round ones are enough.
  for (const leading of [[1, 2, 5], [1, 3], [1]]) {
    const round = ticks.filter(tick =>
      leading.includes(Number(tick.toExponential(0)[0]))
    );
    if (round.length >= 2 && round.length <= count + 1) {
      return round;
    }
  }
  const step = Math.ceil(ticks.length / (count + 1));
  return ticks.filter((_, index) => index % step === 0);
}

/** A tick as text: short for large and small numbers. */
export function tickText(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e4 && size < 1e15) {
    const [unit, name] =
      size >= 1e12
        ? [1e12, 'T']
        : size >= 1e9
          ? [1e9, 'G']
          : size >= 1e6
            ? [1e6, 'M']
            : [1e3, 'k'];
    return `${Number((value / unit).toPrecision(4))}${name}`;
  }
  return Number.isInteger(value)
    ? String(value)
    : String(Number(formatNumber(value)));
}

/** Like `tickText`, but only for whole numbers, for axes that count. */
export function wholeText(value: number): string {
  return Number.isInteger(value) ? tickText(value) : '';
}

/** Pixels and texts of an axis: of its labels, else of its ticks. */
function marksOf(
  scale: Scale,
  length: number,
  apart: number,
  labels: readonly string[] = [],
  text = tickText
): [place: number, text: string][] {
  if (labels.length === 0) {
    const ticks = ticksOf(scale, length, apart).filter(text);
    return ticks.map(tick => [scale(tick), text(tick)]);
  }
  const step = Math.ceil((labels.length * apart) / length);
  return labels
    .map((label, at): [number, string] => [scale(at), short(label)])
    .filter((_, at) => at % step === 0);
}

/** Grid lines, ticks and titles. */
export function paintAxes(
  painter: IPainter,
  theme: IChartTheme,
  box: IBox,
  axes: {
    x: Scale | null;
    y: Scale | null;
    /** A number as text; an empty one is no tick. */
    xText?: (value: number) => string;
    yText?: (value: number) => string;
    /** Names of the places 0, 1, … of an axis that has texts, not numbers. */
    xLabels?: readonly string[];
    yLabels?: readonly string[];
    xName?: string;
    yName?: string;
    hasGrid?: boolean;
  }
): void {
  const { size } = theme;
  const bottom = box.y + box.height;
  const faint = { colour: theme.faint, size };
  if (axes.y) {
    const apart = axes.yLabels?.length ? APART_ROWS : APART_Y;
    const marks = marksOf(axes.y, box.height, apart, axes.yLabels, axes.yText);
    for (const [y, text] of marks) {
      if (axes.hasGrid ?? true) {
        painter.line([box.x, y, box.x + box.width, y], { stroke: theme.grid });
      }
      painter.text(box.x - 6, y, text, {
        ...faint,
        align: 'end',
        baseline: 'middle'
      });
    }
  }
  if (axes.x) {
    const hasLabels = Boolean(axes.xLabels?.length);
    const apart = hasLabels ? APART_COLUMNS : APART_X;
    const marks = marksOf(axes.x, box.width, apart, axes.xLabels, axes.xText);
    for (const [x, text] of marks) {
      if (!hasLabels) {
        painter.line([x, bottom, x, bottom + 4], { stroke: theme.axis });
      }
      painter.text(x, bottom + 6, text, {
        ...faint,
        align: 'middle',
        baseline: 'top'
      });
    }
  }
  painter.line([box.x, bottom, box.x + box.width, bottom], {
    stroke: theme.axis
  });
  if (axes.xName) {
    painter.text(box.x + box.width, bottom + 8 + size * 1.2, axes.xName, {
      colour: theme.text,
      size,
      align: 'end',
      baseline: 'top'
    });
  }
  if (axes.yName) {
    painter.text(box.x, box.y - 8, axes.yName, {
      colour: theme.text,
      size,
      weight: 'bold',
      baseline: 'bottom'
    });
  }
}

/** The area of the data in a chart of this size. */
export function boxOf(
  width: number,
  height: number,
  hasName = true,
  left = 56,
  right = 14
): IBox {
  const [top, bottom] = [hasName ? 24 : 10, 40];
  return {
    x: left,
    y: top,
    width: Math.max(1, width - left - right),
    height: Math.max(1, height - top - bottom)
  };
}

/** A label cut to at most `most` characters. */
export function short(label: string, most = 14): string {
  return label.length > most ? `${label.slice(0, most - 1)}…` : label;
}

/** The title of an axis. */
export function axisName(trans: ITrans, axis: string): string {
  switch (axis) {
    case 'point':
      return trans.__('Data point');
    case 'time':
      return trans.__('Time');
    default:
      return axis;
  }
}

/** How to format the numbers of an axis. */
export function axisText(trans: ITrans, axis: string): (x: number) => string {
  return axis === 'time'
    ? seconds =>
        seconds < 0 ? '' : duration(trans, Math.round(seconds * 10) / 10)
    : tickText;
}
