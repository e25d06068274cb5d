import type { IPainter } from './painter';
import { SvgPainter } from './painter';
import type { IChartTheme } from './theme';
import { PAPER } from './theme';

/** What is under the pointer. */
export interface IHitResult {
  /** What it belongs to, usually a task. */
  id: string;
  /** Its place, in pixels. */
  x: number;
  y: number;
  title: string;
  lines: readonly { name: string; value: string; colour?: string }[];
}

/** A chart of a certain size, ready to be painted. */
export interface IScene {
  paint(painter: IPainter): void;
  /** What is at a place, null for nothing. */
  pick?(x: number, y: number): IHitResult | null;
  /** Paint over everything what belongs to an id, and to a place if there is one. */
  highlight?(painter: IPainter, id: string, pick: IHitResult | null): void;
  /** The number on the lower axis at a place; where parts can be chosen. */
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
