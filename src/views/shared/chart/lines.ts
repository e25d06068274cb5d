import { lowerBound } from '../../../model/lowerbound';
import { formatNumber } from '../format';
import { boxOf, paintAxes, scaleOver } from './axes';
import type { IPainter } from './painter';
import type { Chart, IHitResult, IScene } from './scene';
import type { IChartTheme } from './theme';

export interface ILine {
  /** What it belongs to, usually a task. */
  id: string;
  name: string;
  colour: string;
  /** In increasing order. */
  xs: readonly number[];
  /** NaN leaves a gap. */
  ys: readonly number[];
}

export interface ILinesSpec {
  /** Above the chart. */
  name?: string;
  lines: readonly ILine[];
  isLogX?: boolean;
  isLogY?: boolean;
  /** From 0 for none to below 1. */
  smoothing?: number;
  xName?: string;
  /** A number of the x axis as text. */
  xText?: (x: number) => string;
  /** The range of the x axis that is shown; by default all of it. */
  zoom?: readonly [number, number] | null;
}

/** Lines of the tooltip. */
const MAX_HIT_LINES = 8;

/** How far the pointer may be from a line it hits, in pixels. */
const HIT_RADIUS_PX = 40;

/** With more lines the raw values are not drawn behind the smoothed ones. */
const MAX_RAW_LINES = 12;

/**
 * Numbers smoothed by an exponential moving average that counts how far apart
 * they stand, without a bias to 0 at the beginning.
 *
 * Source: the "time weighted exponential moving average" of W&B's line plots:
 * a weight of √s for each thousandth of the range, divided by the sum of the
 * weights.
 *
 * @param smoothing - from 0 for none to below 1
 */
export function smoothed(
  xs: readonly number[],
  ys: readonly number[],
  smoothing: number
): number[] {
  if (smoothing <= 0 || xs.length < 2) {
    return [...ys];
  }
  const weight = Math.min(Math.sqrt(smoothing), 0.999);
  const range = xs[xs.length - 1] - xs[0] || 1;
  let last = 0;
  let sum = 0;
  let before = xs[0];
  return ys.map((y, index) => {
    if (Number.isNaN(y)) {
      return NaN;
    }
    const distance = sum === 0 ? 1 : ((xs[index] - before) / range) * 1000;
    const kept = Math.pow(weight, Math.max(distance, 1e-6));
    before = xs[index];
    last = last * kept + y * (1 - kept);
    sum = sum * kept + (1 - kept);
    return last / sum;
  });
}

/** Curves over a common axis. */
export function linesChart(spec: ILinesSpec): Chart {
  const lines = spec.lines.map(line => ({
    line,
    ys: smoothed(line.xs, line.ys, spec.smoothing ?? 0)
  }));
  return (width, height, theme) =>
    linesScene(spec, lines, width, height, theme);
}

interface ISmoothed {
  line: ILine;
  ys: readonly number[];
}

function linesScene(
  spec: ILinesSpec,
  lines: readonly ISmoothed[],
  width: number,
  height: number,
  theme: IChartTheme
): IScene {
  const box = boxOf(width, height, spec.name !== undefined);
  const isInZoom = (x: number) =>
    !spec.zoom || (x >= spec.zoom[0] && x <= spec.zoom[1]);
  const xScale = scaleOver(
    spec.zoom ?? lines.flatMap(({ line }) => line.xs as number[]),
    spec.isLogX ?? false,
    [box.x, box.x + box.width]
  );
  const yScale = scaleOver(
    (function* () {
      for (const { line, ys } of lines) {
        for (let index = 0; index < ys.length; index++) {
          if (isInZoom(line.xs[index])) {
            yield ys[index];
          }
        }
      }
    })(),
    spec.isLogY ?? false,
    [box.y + box.height, box.y],
    0.05
  );
  const pointsOf = (
    xs: readonly number[],
    ys: readonly number[]
  ): Float64Array => {
    const points = new Float64Array(xs.length * 2);
    for (let index = 0; index < xs.length; index++) {
      const isShown =
        (!spec.isLogX || xs[index] > 0) && (!spec.isLogY || ys[index] > 0);
      points[2 * index] = isShown ? xScale(xs[index]) : NaN;
      points[2 * index + 1] = isShown ? yScale(ys[index]) : NaN;
    }
    return points;
  };

  return {
    paint(painter: IPainter): void {
      paintAxes(painter, theme, box, {
        x: xScale,
        y: yScale,
        xText: spec.xText,
        xName: spec.xName,
        yName: spec.name
      });
      const hasRaw = (spec.smoothing ?? 0) > 0 && lines.length <= MAX_RAW_LINES;
      painter.clip(box.x, box.y, box.width, box.height, () => {
        for (const { line, ys } of lines) {
          if (hasRaw) {
            painter.line(pointsOf(line.xs, line.ys), {
              stroke: line.colour,
              alpha: 0.25
            });
          }
          const points = pointsOf(line.xs, ys);
          painter.line(points, { stroke: line.colour, width: 1.5 });
          const isShown = (at: number) => Number.isFinite(points[2 * at + 1]);
          ys.forEach((_, at) => {
            // No line leads to a point without neighbours.
            if (isShown(at) && !isShown(at - 1) && !isShown(at + 1)) {
              const [x, y] = points.subarray(2 * at);
              painter.circle(x, y, 3, { fill: line.colour });
            }
          });
        }
      });
    },

    pick(x: number, y: number): IHitResult | null {
      if (x < box.x - 4 || x > box.x + box.width + 4) {
        return null;
      }
      const at = xScale.invert(Math.min(box.x + box.width, Math.max(box.x, x)));
      const found = lines
        .flatMap(shown => {
          const index = nearest(shown.line.xs, shown.ys, at);
          if (index < 0) {
            return [];
          }
          const place = [xScale(shown.line.xs[index]), yScale(shown.ys[index])];
          const away = Math.hypot((place[0] - x) / 4, place[1] - y);
          return [{ shown, index, place, away }];
        })
        .filter(({ away }) => Number.isFinite(away))
        .sort((a, b) => a.away - b.away);
      const [first] = found;
      if (!first || first.away > HIT_RADIUS_PX) {
        return null;
      }
      const text = spec.xText ?? formatNumber;
      return {
        id: first.shown.line.id,
        x: first.place[0],
        y: first.place[1],
        title: `${spec.xName ?? 'x'} ${text(first.shown.line.xs[first.index])}`,
        lines: found.slice(0, MAX_HIT_LINES).map(({ shown, index }) => ({
          name: shown.line.name,
          value: formatNumber(shown.ys[index]),
          colour: shown.line.colour
        }))
      };
    },

    highlight(painter: IPainter, id: string, pick: IHitResult | null): void {
      const shown = lines.find(({ line }) => line.id === id);
      painter.clip(box.x, box.y, box.width, box.height, () => {
        if (pick) {
          painter.line([pick.x, box.y, pick.x, box.y + box.height], {
            stroke: theme.axis,
            dash: [3, 3]
          });
        }
        if (shown) {
          const points = pointsOf(shown.line.xs, shown.ys);
          painter.line(points, { stroke: theme.background, width: 5 });
          painter.line(points, { stroke: shown.line.colour, width: 2.5 });
        }
        if (shown && pick) {
          painter.circle(pick.x, pick.y, 3.5, {
            fill: shown.line.colour,
            stroke: theme.background,
            width: 1.5
          });
        }
      });
    },

    invert: x => xScale.invert(x)
  };
}

/** The place of the number that is nearest, -1 without any. */
function nearest(
  xs: readonly number[],
  ys: readonly number[],
  x: number
): number {
  const low = lowerBound(xs.length, at => xs[at] < x);
  let best = -1;
  for (let at = Math.max(0, low - 2); at < Math.min(xs.length, low + 2); at++) {
    const isNearer = best < 0 || Math.abs(xs[at] - x) < Math.abs(xs[best] - x);
    if (!Number.isNaN(ys[at]) && isNearer) {
      best = at;
    }
  }
  return best;
}
