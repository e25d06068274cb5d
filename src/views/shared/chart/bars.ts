import { short } from './axes';
import type { IPainter } from './painter';
import type { Chart } from './scene';

export interface IBar {
  id: string;
  name: string;
  /** From 0 to 1. */
  fraction: number;
  /** The text after it. */
  value: string;
  colour: string;
}

const ROW = 24;
const LEFT = 150;
const RIGHT = 150;

/** The height of `count` bars, in pixels. */
export function barsHeight(count: number): number {
  return 12 + Math.max(1, count) * ROW;
}

/** Fractions of a whole as horizontal bars. */
export function barsChart(bars: readonly IBar[]): Chart {
  return (width, height, theme) => ({
    paint(painter: IPainter): void {
      const room = Math.max(1, width - LEFT - RIGHT);
      bars.forEach((bar, index) => {
        const y = 6 + index * ROW;
        painter.text(LEFT - 8, y + ROW / 2, short(bar.name, 24), {
          colour: theme.text,
          size: theme.size + 1,
          align: 'end',
          baseline: 'middle'
        });
        painter.rect(LEFT, y + 4, room, ROW - 8, {
          fill: theme.grid,
          alpha: 0.5
        });
        painter.rect(LEFT, y + 4, Math.max(1, room * bar.fraction), ROW - 8, {
          fill: bar.colour
        });
        painter.text(LEFT + room + 8, y + ROW / 2, bar.value, {
          colour: theme.faint,
          size: theme.size + 1,
          baseline: 'middle'
        });
      });
    }
  });
}
