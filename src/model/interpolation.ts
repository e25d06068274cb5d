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
  const columns = cells(x);
  return cells(y).map(row =>
    columns.map(column => {
      let [sum, weights] = [0, 0];
      values.forEach((value, index) => {
        const distance =
          squared(x, index, column) + squared(y, index, row) + LEAST_DISTANCE;
        sum += value / distance;
        weights += 1 / distance;
      });
      return weights > 0 ? sum / weights : null;
    })
  );
}

function squared(axis: IGridAxis, index: number, cell: number): number {
  const distance = axis.places[index] - cell;
  return axis.categories === null || distance === 0 ? distance ** 2 : Infinity;
}
