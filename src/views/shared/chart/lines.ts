import { lowerBound } from '../../../model/lowerbound';
import { formatNumber } from '../format';
import type { Scale } from './axes';
import { boxOf, paintAxes, scaleOver } from './axes';
import type { IBox, IPainter } from './painter';
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
  /** A number of the lower axis as text. */
  xText?: (x: number) => string;
  /** The part of the lower axis that is shown, all without it. */
  part?: readonly [number, number] | null;
}

/** Lines in the tooltip. */
const TOLD = 8;

/** How far the pointer may be from a line, in pixels. */
const HIT_RADIUS_PX = 40;

/** With more lines the values behind smoothed ones are left out. */
const MAX_RAW_LINES = 12;

/**
 * Numbers smoothed by an exponential moving average that counts how far apart
 * they are, without a bias to 0 at the beginning.
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
  const shown = spec.lines.map(line => ({
    line,
    ys: smoothed(line.xs, line.ys, spec.smoothing ?? 0)
  }));
  return (width, height, theme) =>
    new LinesScene(spec, shown, width, height, theme);
}

interface IShown {
  line: ILine;
  ys: readonly number[];
}

class LinesScene implements IScene {
  constructor(
    private readonly _spec: ILinesSpec,
    private readonly _shown: readonly IShown[],
    width: number,
    height: number,
    private readonly _theme: IChartTheme
  ) {
    const spec = _spec;
    const shown = _shown;
    const box = boxOf(width, height, spec.name !== undefined);
    this._box = box;
    const inPart = (x: number) =>
      !spec.part || (x >= spec.part[0] && x <= spec.part[1]);
    this._x = scaleOver(
      spec.part ?? shown.flatMap(({ line }) => line.xs as number[]),
      spec.isLogX ?? false,
      [box.x, box.x + box.width]
    );
    this._y = scaleOver(
      (function* () {
        for (const { line, ys } of shown) {
          for (let index = 0; index < ys.length; index++) {
            if (inPart(line.xs[index])) {
              yield ys[index];
            }
          }
        }
      })(),
      spec.isLogY ?? false,
      [box.y + box.height, box.y],
      0.05
    );
  }

  paint(painter: IPainter): void {
    const { _box: box, _spec: spec, _theme: theme } = this;
    paintAxes(painter, theme, box, {
      x: this._x,
      y: this._y,
      xText: spec.xText,
      xName: spec.xName,
      yName: spec.name
    });
    const hasRaw =
      (spec.smoothing ?? 0) > 0 && this._shown.length <= MAX_RAW_LINES;
    painter.clip(box, () => {
      for (const { line, ys } of this._shown) {
        if (hasRaw) {
          painter.line(this._points(line.xs, line.ys), {
            stroke: line.colour,
            alpha: 0.25
          });
        }
        painter.line(this._points(line.xs, ys), {
          stroke: line.colour,
          width: 1.5
        });
        if (ys.length === 1) {
          painter.circle(this._x(line.xs[0]), this._y(ys[0]), 3, {
            fill: line.colour
          });
        }
      }
    });
  }

  pick(x: number, y: number): IHitResult | null {
    const box = this._box;
    if (x < box.x - 4 || x > box.x + box.width + 4) {
      return null;
    }
    const at = this._x.invert(Math.min(box.x + box.width, Math.max(box.x, x)));
    const found = this._shown
      .flatMap(shown => {
        const index = nearest(shown.line.xs, shown.ys, at);
        if (index < 0) {
          return [];
        }
        const place = [this._x(shown.line.xs[index]), this._y(shown.ys[index])];
        const away = Math.hypot((place[0] - x) / 4, place[1] - y);
        return [{ shown, index, place, away }];
      })
      .filter(({ away }) => Number.isFinite(away))
      .sort((a, b) => a.away - b.away);
    const [first] = found;
    if (!first || first.away > HIT_RADIUS_PX) {
      return null;
    }
    const text = this._spec.xText ?? formatNumber;
    return {
      id: first.shown.line.id,
      x: first.place[0],
      y: first.place[1],
      title: `${this._spec.xName ?? 'x'} ${text(first.shown.line.xs[first.index])}`,
      lines: found.slice(0, TOLD).map(({ shown, index }) => ({
        name: shown.line.name,
        value: formatNumber(shown.ys[index]),
        colour: shown.line.colour
      }))
    };
  }

  highlight(painter: IPainter, id: string, pick: IHitResult | null): void {
    const { _box: box } = this;
    const shown = this._shown.find(({ line }) => line.id === id);
    painter.clip(box, () => {
      if (pick) {
        painter.line([pick.x, box.y, pick.x, box.y + box.height], {
          stroke: this._theme.axis,
          dash: [3, 3]
        });
      }
      if (shown) {
        this._paintFocused(painter, shown);
      }
      if (shown && pick) {
        painter.circle(pick.x, pick.y, 3.5, {
          fill: shown.line.colour,
          stroke: this._theme.background,
          width: 1.5
        });
      }
    });
  }

  invert(x: number): number {
    return this._x.invert(x);
  }

  private _paintFocused(painter: IPainter, { line, ys }: IShown): void {
    const points = this._points(line.xs, ys);
    painter.line(points, { stroke: this._theme.background, width: 5 });
    painter.line(points, { stroke: line.colour, width: 2.5 });
  }

  private _points(xs: readonly number[], ys: readonly number[]): Float64Array {
    const points = new Float64Array(xs.length * 2);
    for (let index = 0; index < xs.length; index++) {
      const isShown =
        (!this._spec.isLogX || xs[index] > 0) &&
        (!this._spec.isLogY || ys[index] > 0);
      points[2 * index] = isShown ? this._x(xs[index]) : NaN;
      points[2 * index + 1] = isShown ? this._y(ys[index]) : NaN;
    }
    return points;
  }

  private readonly _box: IBox;
  private readonly _x: Scale;
  private readonly _y: Scale;
}

/** The place of the number that is nearest, -1 without any. */
function nearest(
  xs: readonly number[],
  ys: readonly number[],
  x: number
): number {
  const next = lowerBound(xs.length, index => xs[index] < x);
  let best = -1;
  for (
    let at = Math.max(0, next - 2);
    at < Math.min(xs.length, next + 2);
    at++
  ) {
    const isNearer = best < 0 || Math.abs(xs[at] - x) < Math.abs(xs[best] - x);
    if (!Number.isNaN(ys[at]) && isNearer) {
      best = at;
    }
  }
  return best;
}
