import { formatNumber } from '../format';
import type { Scale } from './axes';
import { boxOf, paintAxes, paintLabels, scaleOver } from './axes';
import type { IBox, IPainter } from './painter';
import type { Chart, IHitResult, IScene } from './scene';
import type { IChartTheme } from './theme';

export interface IDot {
  id: string;
  name: string;
  x: number;
  y: number;
  colour: string;
  /** Whether its run did not complete. */
  isPartial?: boolean;
  /** More lines for its tooltip. */
  told?: readonly { name: string; value: string }[];
}

export interface IScatterSpec {
  dots: readonly IDot[];
  xName: string;
  yName: string;
  isLogX?: boolean;
  isLogY?: boolean;
  /** Names of the places 0, 1, … of the lower axis, where it has texts. */
  xLabels?: readonly string[];
  /** A line behind the dots that keeps each height until the next point. */
  steps?: {
    points: readonly { x: number; y: number }[];
    colour: string;
  };
}

const RADIUS = 4.5;

/** How far the pointer may be from a dot, in pixels. */
const HIT_RADIUS_PX = 16;

/** A dot for each thing, by two numbers. */
export function scatterChart(spec: IScatterSpec): Chart {
  return (width, height, theme) => new ScatterScene(spec, width, height, theme);
}

class ScatterScene implements IScene {
  constructor(
    private readonly _spec: IScatterSpec,
    width: number,
    height: number,
    private readonly _theme: IChartTheme
  ) {
    const spec = _spec;
    const box = boxOf(width, height);
    this._box = box;
    const { dots, xLabels } = spec;
    this._x = scaleOver(
      xLabels ? [-0.5, xLabels.length - 0.5] : dots.map(dot => dot.x),
      !xLabels && (spec.isLogX ?? false),
      [box.x, box.x + box.width],
      xLabels ? 0 : 0.04
    );
    this._y = scaleOver(
      dots.map(dot => dot.y),
      spec.isLogY ?? false,
      [box.y + box.height, box.y],
      0.06
    );
  }

  paint(painter: IPainter): void {
    const { _box: box, _spec: spec, _theme: theme } = this;
    paintAxes(painter, theme, box, {
      x: spec.xLabels ? null : this._x,
      y: this._y,
      xName: spec.xName,
      yName: spec.yName
    });
    paintLabels(
      painter,
      theme,
      spec.xLabels ?? [],
      box.y + box.height + 6,
      this._x
    );
    if (spec.steps) {
      painter.line(this._stairs(spec.steps.points), {
        stroke: spec.steps.colour,
        width: 2
      });
    }
    for (const dot of spec.dots) {
      const [x, y] = this._place(dot);
      if (Number.isFinite(x) && Number.isFinite(y)) {
        painter.circle(
          x,
          y,
          RADIUS,
          dot.isPartial
            ? { fill: theme.background, stroke: dot.colour, width: 1.5 }
            : { fill: dot.colour, stroke: theme.background, alpha: 0.9 }
        );
      }
    }
  }

  pick(x: number, y: number): IHitResult | null {
    let best: IDot | null = null;
    let least = HIT_RADIUS_PX;
    for (const dot of this._spec.dots) {
      const [dotX, dotY] = this._place(dot);
      const away = Math.hypot(dotX - x, dotY - y);
      if (away < least) {
        [best, least] = [dot, away];
      }
    }
    if (!best) {
      return null;
    }
    const [dotX, dotY] = this._place(best);
    const { xLabels, xName, yName } = this._spec;
    return {
      id: best.id,
      x: dotX,
      y: dotY,
      title: best.name,
      lines: [
        { name: xName, value: xLabels?.[best.x] ?? formatNumber(best.x) },
        { name: yName, value: formatNumber(best.y) },
        ...(best.told ?? [])
      ]
    };
  }

  highlight(painter: IPainter, id: string): void {
    const dot = this._spec.dots.find(each => each.id === id);
    const [x, y] = dot ? this._place(dot) : [NaN, NaN];
    if (dot && Number.isFinite(x) && Number.isFinite(y)) {
      painter.circle(x, y, RADIUS + 2.5, {
        fill: dot.colour,
        stroke: this._theme.text,
        width: 2
      });
    }
  }

  private _stairs(points: readonly { x: number; y: number }[]): number[] {
    const places = points.map(point => this._place(point));
    return places.flatMap(([x, y], index) =>
      index === 0 ? [x, y] : [x, places[index - 1][1], x, y]
    );
  }

  private _place(dot: { x: number; y: number }): [number, number] {
    const isShown =
      (!this._spec.isLogX || this._spec.xLabels || dot.x > 0) &&
      (!this._spec.isLogY || dot.y > 0);
    return isShown ? [this._x(dot.x), this._y(dot.y)] : [NaN, NaN];
  }

  private readonly _box: IBox;
  private readonly _x: Scale;
  private readonly _y: Scale;
}
