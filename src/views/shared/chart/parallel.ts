import { formatNumber } from '../format';
import type { Scale } from './axes';
import { scaleOver, short, tickText } from './axes';
import type { IPainter } from './painter';
import type { Chart, IHitResult, IScene } from './scene';
import type { IChartTheme } from './theme';

export interface IParallelAxis {
  key: string;
  isFigure: boolean;
  /** Of each line: a number or the index of a label; NaN for none. */
  places: readonly number[];
  /** Names of the places 0, 1, …, where it has texts. */
  labels?: readonly string[];
  isLog?: boolean;
}

export interface IParallelSpec {
  axes: readonly IParallelAxis[];
  lines: readonly { id: string; name: string; colour: string }[];
}

const TOP = 44;
const BOTTOM = 30;
const SIDE = 60;

/** How far the pointer may be from a line it hits, in pixels. */
const HIT_RADIUS_PX = 12;

/** Marks of an axis. */
const MARKS = 5;

/** A line for each task through its parameters and metrics. */
export function parallelChart(spec: IParallelSpec): Chart {
  return (width, height, theme) => parallelScene(spec, width, height, theme);
}

function parallelScene(
  spec: IParallelSpec,
  width: number,
  height: number,
  theme: IChartTheme
): IScene {
  const bottom = Math.max(TOP + 1, height - BOTTOM);
  const gaps = Math.max(1, spec.axes.length - 1);
  const xs = spec.axes.map(
    (_, index) => SIDE + (index * Math.max(1, width - 2 * SIDE)) / gaps
  );
  const scales = spec.axes.map(axis =>
    scaleOver(
      axis.labels ? [-0.3, axis.labels.length - 0.7] : axis.places,
      axis.isLog ?? false,
      [bottom, TOP],
      axis.labels ? 0 : 0.02
    )
  );
  /** Of each line. */
  const paths = spec.lines.map((_, index) =>
    spec.axes.flatMap((axis, at) => {
      const place = axis.places[index];
      const isShown = !Number.isNaN(place) && (!axis.isLog || place > 0);
      return [xs[at], isShown ? scales[at](place) : NaN];
    })
  );

  return {
    paint(painter: IPainter): void {
      spec.lines.forEach((line, index) => {
        painter.line(paths[index], {
          stroke: line.colour,
          width: 1.5,
          alpha: 0.7
        });
      });
      spec.axes.forEach((axis, index) => {
        const x = xs[index];
        const scale = scales[index];
        painter.line([x, TOP, x, bottom], { stroke: theme.axis });
        const marks = axis.labels
          ? axis.labels.map((_, at) => at)
          : marksOf(scale, axis);
        const step = Math.ceil(marks.length / ((bottom - TOP) / 14));
        for (const mark of marks.filter(
          (_, at) => at % Math.max(1, step) === 0
        )) {
          const y = scale(mark);
          painter.line([x - 3, y, x + 3, y], { stroke: theme.axis });
          const text = axis.labels ? short(axis.labels[mark]) : tickText(mark);
          const place = {
            size: theme.size,
            align: 'start' as const,
            baseline: 'middle' as const
          };
          // A lighter edge, so that lines do not strike it through.
          painter.rect(x + 5, y - 7, 6 * text.length + 4, 14, {
            fill: theme.background,
            alpha: 0.7
          });
          painter.text(x + 7, y, text, { ...place, colour: theme.faint });
        }
        painter.text(x, TOP - 12 - (index % 2) * 14, short(axis.key, 22), {
          colour: theme.text,
          size: theme.size,
          align: 'middle',
          weight: axis.isFigure ? 'bold' : 'normal'
        });
      });
    },

    pick(x: number, y: number): IHitResult | null {
      let best = -1;
      let least = HIT_RADIUS_PX;
      const between = xs.flatMap((_, at) =>
        x >= xs[at] - 2 && x <= xs[at + 1] + 2 ? [at] : []
      );
      paths.forEach((points, index) => {
        for (const at of between) {
          const [y0, y1] = [points[2 * at + 1], points[2 * at + 3]];
          const part = (x - xs[at]) / (xs[at + 1] - xs[at]);
          const away = Math.abs(y0 + (y1 - y0) * part - y);
          if (away < least) {
            [best, least] = [index, away];
          }
        }
      });
      if (best < 0) {
        return null;
      }
      const line = spec.lines[best];
      return {
        id: line.id,
        x,
        y,
        title: line.name,
        lines: spec.axes.map(axis => ({
          name: axis.key,
          value: Number.isNaN(axis.places[best])
            ? '–'
            : (axis.labels?.[axis.places[best]] ??
              formatNumber(axis.places[best]))
        }))
      };
    },

    highlight(painter: IPainter, id: string): void {
      const index = spec.lines.findIndex(line => line.id === id);
      if (index >= 0) {
        painter.line(paths[index], { stroke: theme.background, width: 6 });
        painter.line(paths[index], {
          stroke: spec.lines[index].colour,
          width: 3
        });
      }
    }
  };
}

function marksOf(scale: Scale, axis: IParallelAxis): number[] {
  const isWhole = axis.places.every(
    place => Number.isNaN(place) || Number.isInteger(place)
  );
  const ticks = scale.ticks(MARKS);
  const marks = isWhole ? ticks.filter(Number.isInteger) : ticks;
  // Of a logarithmic axis the powers of ten are enough, where there are some.
  const powers = axis.isLog
    ? marks.filter(mark =>
        Number.isInteger(Math.round(Math.log10(mark) * 1e9) / 1e9)
      )
    : [];
  return powers.length > 1 ? powers : marks;
}
