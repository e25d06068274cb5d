import { interpolate } from '../../../model/interpolation';
import { formatNumber } from '../format';
import type { IBox } from './axes';
import { boxOf, paintAxes, scaleOver, wholeText } from './axes';
import type { IPainter, IPen } from './painter';
import type { IRamp } from './ramp';
import { paintRamp, RAMP_ROOM } from './ramp';
import type { Chart, IHitResult, IScene } from './scene';
import type { IChartTheme } from './theme';
import { rampColour } from './theme';

export interface IDot {
  id: string;
  name: string;
  x: number;
  y: number;
  /** Where a bar ends that begins at `x`; without it, it is a dot. */
  until?: number;
  colour: string;
  /** Hollow: its value is not final. A cross: its value does not count. */
  mark?: 'hollow' | 'cross';
  /** Its place among the colours of the ramp, from 0 to 1. */
  level?: number;
  /** Returns more lines of its tooltip. */
  details?: () => readonly { name: string; value: string }[];
}

/** A line behind the dots that keeps each height until the next point. */
export interface ISteps {
  points: readonly { x: number; y: number }[];
  colour: string;
}

export interface IScatterSpec {
  dots: readonly IDot[];
  xName: string;
  yName: string;
  isLogX?: boolean;
  isLogY?: boolean;
  /** Whether an axis counts: it has ticks at whole numbers only. */
  isWholeX?: boolean;
  isWholeY?: boolean;
  /** A number of the lower axis as text. */
  xText?: (x: number) => string;
  /** Names of the places 0, 1, … of an axis that has texts. */
  xLabels?: readonly string[];
  yLabels?: readonly string[];
  steps?: readonly ISteps[];
  /** What the colours of the dots stand for. */
  ramp?: IRamp;
  /** Whether the levels between the dots are interpolated behind them. */
  isFilled?: boolean;
}

const RADIUS = 4.5;

/** The height of bars, in pixels, and the part of the room that they take. */
const BAR_HEIGHT = 14;
const BAR_PART = 0.7;

/** How far the pointer may be from a dot it hits, in pixels. */
const HIT_RADIUS_PX = 16;

/** Left of the lower axis, where the other one has texts. */
const LABELS_ROOM = 96;

/** A dot, or a bar, for each thing, by two numbers. */
export function scatterChart(spec: IScatterSpec): Chart {
  return (width, height, theme) => scatterScene(spec, width, height, theme);
}

function scatterScene(
  spec: IScatterSpec,
  width: number,
  height: number,
  theme: IChartTheme
): IScene {
  const { dots } = spec;
  const box = boxOf(
    width,
    height,
    true,
    spec.yLabels ? LABELS_ROOM : undefined,
    spec.ramp ? RAMP_ROOM : undefined
  );
  const isLogX = !spec.xLabels && (spec.isLogX ?? false);
  const isLogY = !spec.yLabels && (spec.isLogY ?? false);
  const corners = (spec.steps ?? []).flatMap(({ points }) => points);
  const xScale = scaleOver(
    spec.xLabels
      ? [-0.5, spec.xLabels.length - 0.5]
      : [
          ...dots.flatMap(dot => [dot.x, dot.until ?? dot.x]),
          ...corners.map(({ x }) => x)
        ],
    isLogX,
    [box.x, box.x + box.width],
    spec.xLabels ? 0 : 0.04
  );
  const yScale = scaleOver(
    spec.yLabels
      ? [-0.5, spec.yLabels.length - 0.5]
      : [...dots, ...corners].map(({ y }) => y),
    isLogY,
    [box.y + box.height, box.y],
    spec.yLabels ? 0 : 0.06
  );
  const placeOf = ({ x, y }: { x: number; y: number }): [number, number] =>
    (!isLogX || x > 0) && (!isLogY || y > 0)
      ? [xScale(x), yScale(y)]
      : [NaN, NaN];
  // Once: each arrow key looks for the dots at thousands of points.
  const placed = dots.map(dot => {
    const [x, y] = placeOf(dot);
    return { dot, x, y, until: xScale(dot.until ?? dot.x) };
  });
  const barHeight = Math.max(
    1,
    Math.min(BAR_HEIGHT, (BAR_PART * box.height) / Math.max(1, dots.length))
  );

  return {
    paint(painter: IPainter): void {
      if (spec.isFilled) {
        paintField(painter, spec, box, placeOf);
      }
      paintAxes(painter, theme, box, {
        ...spec,
        x: xScale,
        y: yScale,
        xText: spec.isWholeX ? wholeText : spec.xText,
        yText: spec.isWholeY ? wholeText : undefined,
        // Lines would hide the colours.
        hasGrid: !spec.isFilled
      });
      for (const { points, colour } of spec.steps ?? []) {
        painter.line(stairs(points.map(placeOf)), { stroke: colour, width: 2 });
      }
      for (const { dot, x, y, until } of placed) {
        if (!Number.isFinite(x) || !Number.isFinite(y)) {
          continue;
        }
        if (dot.until !== undefined) {
          const length = Math.max(2, until - x);
          painter.rect(x, y - barHeight / 2, length, barHeight, {
            fill: dot.colour
          });
        } else if (dot.mark === 'cross') {
          paintCross(painter, x, y, { stroke: theme.background, width: 4 });
          paintCross(painter, x, y, { stroke: dot.colour, width: 2 });
        } else {
          painter.circle(
            x,
            y,
            RADIUS,
            dot.mark === 'hollow'
              ? { fill: theme.background, stroke: dot.colour, width: 1.5 }
              : {
                  fill: dot.colour,
                  // Both ends of the ramp are as dark or light as a background.
                  stroke:
                    spec.ramp && !spec.isFilled
                      ? theme.faint
                      : theme.background,
                  alpha: 0.9
                }
          );
        }
      }
      if (spec.ramp) {
        paintRamp(
          painter,
          theme,
          spec.ramp,
          box.x + box.width,
          box.y,
          box.height
        );
      }
    },

    pick(x: number, y: number): IHitResult | null {
      let best: IDot | null = null;
      let least = HIT_RADIUS_PX;
      let place: [number, number] = [NaN, NaN];
      for (const { dot, x: from, y: dotY, until } of placed) {
        const dotX = Math.min(Math.max(x, from), until);
        const away = Math.hypot(dotX - x, dotY - y);
        if (away < least) {
          [best, least, place] = [dot, away, [dotX, dotY]];
        }
      }
      return best && hitOf(spec, best, place);
    },

    highlight(painter: IPainter, id: string): void {
      const found = placed.find(({ dot }) => dot.id === id);
      if (!found || !Number.isFinite(found.x) || !Number.isFinite(found.y)) {
        return;
      }
      const { dot, x, y, until } = found;
      const pen = { fill: dot.colour, stroke: theme.text, width: 2 };
      if (dot.until === undefined) {
        painter.circle(x, y, RADIUS + 2.5, pen);
      } else {
        const size = Math.max(6, barHeight + 2);
        const length = Math.max(4, until - x);
        painter.rect(x - 1, y - size / 2, length + 2, size, pen);
      }
    }
  };
}

function stairs(places: readonly [number, number][]): number[] {
  return places.flatMap(([x, y], index) =>
    index === 0 ? [x, y] : [x, places[index - 1][1], x, y]
  );
}

function paintCross(painter: IPainter, x: number, y: number, pen: IPen): void {
  const size = RADIUS - 0.5;
  painter.line([x - size, y - size, x + size, y + size], pen);
  painter.line([x - size, y + size, x + size, y - size], pen);
}

/** The levels between the dots as colours, interpolated over the whole box. */
function paintField(
  painter: IPainter,
  spec: IScatterSpec,
  box: IBox,
  placeOf: (dot: IDot) => [number, number]
): void {
  const dots = spec.dots.filter(
    dot => dot.level !== undefined && placeOf(dot).every(Number.isFinite)
  );
  const cells = interpolate(
    spec.xLabels
      ? { places: dots.map(({ x }) => x), categories: spec.xLabels.length }
      : {
          places: dots.map(dot => (placeOf(dot)[0] - box.x) / box.width),
          categories: null
        },
    spec.yLabels
      ? { places: dots.map(({ y }) => y), categories: spec.yLabels.length }
      : {
          places: dots.map(
            dot => (box.y + box.height - placeOf(dot)[1]) / box.height
          ),
          categories: null
        },
    dots.map(dot => dot.level ?? 0)
  );
  // At whole pixels, so that no line shows between two cells.
  const yOf = (row: number) =>
    Math.round(box.y + box.height * (1 - row / cells.length));
  cells.forEach((row, at) => {
    const xOf = (column: number) =>
      Math.round(box.x + (box.width * column) / row.length);
    row.forEach((level, column) => {
      if (level !== null) {
        const [x, y] = [xOf(column), yOf(at + 1)];
        painter.rect(x, y, xOf(column + 1) - x, yOf(at) - y, {
          fill: rampColour(level)
        });
      }
    });
  });
}

function hitOf(
  spec: IScatterSpec,
  dot: IDot,
  [x, y]: [number, number]
): IHitResult {
  const { xName, yName, xText = formatNumber } = spec;
  return {
    id: dot.id,
    x,
    y,
    title: dot.name,
    lines: [
      { name: xName, value: spec.xLabels?.[dot.x] ?? xText(dot.x) },
      { name: yName, value: spec.yLabels?.[dot.y] ?? formatNumber(dot.y) },
      ...(dot.details?.() ?? [])
    ]
  };
}
