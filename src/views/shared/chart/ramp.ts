import { short } from './axes';
import type { IPainter } from './painter';
import type { IChartTheme } from './theme';
import { rampColour } from './theme';

/** What the colours of a chart stand for. */
export interface IRamp {
  name: string;
  /** The values of the darkest and of the lightest colour. */
  low: string;
  high: string;
}

/** The room that a ramp needs at the right of a chart, in pixels. */
export const RAMP_ROOM = 84;

const GAP = 16;
const BAR = 12;
const STEPS = 40;

/** A vertical bar of all colours at the right of `x`, and what they stand for. */
export function paintRamp(
  painter: IPainter,
  theme: IChartTheme,
  ramp: IRamp,
  x: number,
  y: number,
  height: number
): void {
  const left = x + GAP;
  for (let step = 0; step < STEPS; step++) {
    painter.rect(left, y + (height * step) / STEPS, BAR, height / STEPS + 0.5, {
      fill: rampColour(1 - step / (STEPS - 1))
    });
  }
  const type = { colour: theme.faint, size: theme.size };
  painter.text(left + BAR + 4, y, ramp.high, { ...type, baseline: 'top' });
  painter.text(left + BAR + 4, y + height, ramp.low, type);
  painter.text(left, y - 8, short(ramp.name, 11), {
    ...type,
    colour: theme.text
  });
}
