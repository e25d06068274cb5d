/** The number of cells along an axis of numbers. */
const CELLS = 40;

/** Keeps the weight of a point in the middle of a cell finite. */
const LEAST_DISTANCE = 1e-9;

export interface IGridAxis {
  /** Of each point: from 0 to 1, or the index of a category. */
  places: readonly number[];
  /** How many categories the axis has; null if it has numbers. */
  categories: number | null;
}

/**
 * Interpolate values between points by inverse distance weighting (D. Shepard,
 * "A two-dimensional interpolation function for irregularly-spaced data", 1968)
 * with the squared distance. Categories are not interpolated: in a cell only the
 * points of its category count.
 *
 * @returns the values of the cells by row, then by column, the lowest places
 *   first; null where no point counts
 */
export function interpolate(
  x: IGridAxis,
  y: IGridAxis,
  values: readonly number[]
): (number | null)[][] {
  const cells = (axis: IGridAxis) =>
    Array.from({ length: axis.categories ?? CELLS }, (_, at) =>
      axis.categories === null ? (at + 0.5) / CELLS : at
    );
  const columns = cells(x).map(cell => squaredDistances(x, cell));
  return cells(y).map(cell => {
    const down = squaredDistances(y, cell);
    return columns.map(across => {
      let [sum, weights] = [0, 0];
      values.forEach((value, index) => {
        const distance = across[index] + down[index] + LEAST_DISTANCE;
        sum += value / distance;
        weights += 1 / distance;
      });
      return weights > 0 ? sum / weights : null;
    });
  });
}

/** The squared distance of each point to a cell along an axis. */
function squaredDistances(axis: IGridAxis, cell: number): number[] {
  return axis.places.map(place =>
    axis.categories === null || place === cell ? (place - cell) ** 2 : Infinity
  );
}
