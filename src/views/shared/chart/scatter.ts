import { formatNumber } from '../format';
import { boxOf, paintAxes, scaleOver, short } from './axes';
import type { IPainter } from './painter';
import type { Chart, IHitResult, IScene } from './scene';
import type { IChartTheme } from './theme';

export interface IDot {
  id: string;
  name: string;
  x: number;
  y: number;
  colour: string;
  /** Whether its value is not final: it is drawn hollow. */
  isPartial?: boolean;
  /** More lines of its tooltip. */
  details?: readonly { name: string; value: string }[];
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

/** How far the pointer may be from a dot it hits, in pixels. */
const HIT_RADIUS_PX = 16;

/** Least distance of two labels of the x axis, in pixels. */
const APART = 70;

/** A dot for each thing, by two numbers. */
export function scatterChart(spec: IScatterSpec): Chart {
  return (width, height, theme) => scatterScene(spec, width, height, theme);
}

function scatterScene(
  spec: IScatterSpec,
  width: number,
  height: number,
  theme: IChartTheme
): IScene {
  const box = boxOf(width, height);
  const names = spec.xLabels;
  const xScale = scaleOver(
    names ? [-0.5, names.length - 0.5] : spec.dots.map(dot => dot.x),
    !names && (spec.isLogX ?? false),
    [box.x, box.x + box.width],
    names ? 0 : 0.04
  );
  const yScale = scaleOver(
    spec.dots.map(dot => dot.y),
    spec.isLogY ?? false,
    [box.y + box.height, box.y],
    0.06
  );
  const placeOf = (dot: { x: number; y: number }): [number, number] => {
    const isShown =
      (!spec.isLogX || names || dot.x > 0) && (!spec.isLogY || dot.y > 0);
    return isShown ? [xScale(dot.x), yScale(dot.y)] : [NaN, NaN];
  };
  const stairs = (points: readonly { x: number; y: number }[]): number[] => {
    const places = points.map(placeOf);
    return places.flatMap(([x, y], index) =>
      index === 0 ? [x, y] : [x, places[index - 1][1], x, y]
    );
  };

  return {
    paint(painter: IPainter): void {
      paintAxes(painter, theme, box, {
        x: spec.xLabels ? null : xScale,
        y: yScale,
        xName: spec.xName,
        yName: spec.yName
      });
      const labels = spec.xLabels ?? [];
      const step = Math.max(1, Math.ceil((labels.length * APART) / box.width));
      labels.forEach((label, index) => {
        if (index % step === 0) {
          painter.text(xScale(index), box.y + box.height + 6, short(label), {
            colour: theme.faint,
            size: theme.size,
            align: 'middle',
            baseline: 'top'
          });
        }
      });
      if (spec.steps) {
        painter.line(stairs(spec.steps.points), {
          stroke: spec.steps.colour,
          width: 2
        });
      }
      for (const dot of spec.dots) {
        const [x, y] = placeOf(dot);
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
    },

    pick(x: number, y: number): IHitResult | null {
      let best: IDot | null = null;
      let least = HIT_RADIUS_PX;
      for (const dot of spec.dots) {
        const [dotX, dotY] = placeOf(dot);
        const away = Math.hypot(dotX - x, dotY - y);
        if (away < least) {
          [best, least] = [dot, away];
        }
      }
      if (!best) {
        return null;
      }
      const [dotX, dotY] = placeOf(best);
      const { xLabels, xName, yName } = spec;
      return {
        id: best.id,
        x: dotX,
        y: dotY,
        title: best.name,
        lines: [
          { name: xName, value: xLabels?.[best.x] ?? formatNumber(best.x) },
          { name: yName, value: formatNumber(best.y) },
          ...(best.details ?? [])
        ]
      };
    },

    highlight(painter: IPainter, id: string): void {
      const dot = spec.dots.find(each => each.id === id);
      const [x, y] = dot ? placeOf(dot) : [NaN, NaN];
      if (dot && Number.isFinite(x) && Number.isFinite(y)) {
        painter.circle(x, y, RADIUS + 2.5, {
          fill: dot.colour,
          stroke: theme.text,
          width: 2
        });
      }
    }
  };
}
