import type { ITrans } from '../context';
import { duration } from '../format';
import { tickText } from './axes';

/** What an axis is called. */
export function axisName(trans: ITrans, axis: string): string {
  switch (axis) {
    case 'point':
      return trans.__('Point');
    case 'time':
      return trans.__('Time');
    default:
      return axis;
  }
}

/** Return how to format the numbers of an axis. */
export function axisText(trans: ITrans, axis: string): (x: number) => string {
  return axis === 'time'
    ? seconds => duration(trans, Math.round(seconds * 10) / 10)
    : tickText;
}
