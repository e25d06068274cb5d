/**
 * Return the empirical distribution function of numbers: the fraction of them
 * that are at most x. Each step has two points, its lower and its upper end.
 *
 * @param range - where the function begins (with 0) and ends (with 1)
 */
export function empiricalDistribution(
  numbers: readonly number[],
  range: readonly [number, number]
): { xs: number[]; ys: number[] } {
  const sorted = [...numbers].sort((a, b) => a - b);
  const xs = [range[0]];
  const ys = [0];
  sorted.forEach((x, index) => {
    if (x !== sorted[index + 1]) {
      xs.push(x, x);
      ys.push(ys[ys.length - 1], (index + 1) / sorted.length);
    }
  });
  return { xs: [...xs, range[1]], ys: [...ys, ys[ys.length - 1]] };
}
