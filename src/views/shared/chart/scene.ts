import type { IPainter } from './painter';
import { SvgPainter } from './painter';
import type { IChartTheme } from './theme';
import { PAPER } from './theme';

/** What is at a point of a chart. */
export interface IHitResult {
  /** What it belongs to, usually a task. */
  id: string;
  /** Its position, in pixels. */
  x: number;
  y: number;
  title: string;
  lines: readonly { name: string; value: string; colour?: string }[];
}

/** A chart of a certain size, ready to be painted. */
export interface IScene {
  paint(painter: IPainter): void;
  /** What is at a point, null for nothing. */
  pick?(x: number, y: number): IHitResult | null;
  /** Paint what belongs to an id, and to a hit if there is one, on top. */
  highlight?(painter: IPainter, id: string, pick: IHitResult | null): void;
  /** The number of the x axis at a place, for charts that can be zoomed. */
  invert?(x: number): number;
}

/** Lays a chart out. */
export type Chart = (
  width: number,
  height: number,
  theme: IChartTheme
) => IScene;

/** A chart as the text of an SVG image on white paper. */
export function toSvg(chart: Chart, width: number, height: number): string {
  const painter = new SvgPainter(width, height, PAPER.font);
  painter.rect(0, 0, width, height, { fill: PAPER.background });
  chart(width, height, PAPER).paint(painter);
  return painter.image;
}
