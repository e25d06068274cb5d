import type { Curve } from '../client/types';

/**
 * Return the possible horizontal axes of curves: a step of the script (`step`,
 * `epoch`), the index of the point, the time.
 */
export function axesOf(curves: readonly Curve[]): string[] {
  const steps = new Set(curves.flatMap(curve => Object.keys(curve.steps)));
  const hasTimes = curves.some(curve => curve.times !== null);
  return [
    ...[...steps].filter(key => curves.some(curve => curve.key !== key)),
    'point',
    ...(hasTimes ? ['time'] : [])
  ];
}

/**
 * Return the points of a curve over an axis, in increasing order, without those
 * that have no value on it.
 *
 * @param axis - `point`, `time` (seconds since the first point), or a step
 */
export function pointsOver(
  curve: Curve,
  axis: string
): { xs: number[]; ys: number[] } | null {
  const places =
    axis === 'point'
      ? curve.places
      : axis === 'time'
        ? (curve.times?.map(time => time - (curve.times?.[0] ?? 0)) ?? null)
        : (curve.steps[axis] ?? null);
  if (!places) {
    return null;
  }
  const points: [number, number][] = [];
  places.forEach((x, index) => {
    if (x !== null) {
      points.push([x, curve.values[index] ?? NaN]);
    }
  });
  // A resumed script may repeat earlier steps.
  if (points.some(([x], index) => index > 0 && x < points[index - 1][0])) {
    points.sort((a, b) => a[0] - b[0]);
  }
  return { xs: points.map(([x]) => x), ys: points.map(([, y]) => y) };
}
