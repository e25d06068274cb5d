import { interpolate } from '../interpolation';

const numbers = (...places: number[]) => ({ places, categories: null });

describe('interpolate', () => {
  it('has the value of a point at its place, and lies between the others', () => {
    const cells = interpolate(numbers(0, 1), numbers(0, 1), [10, 20]);
    expect(cells).toHaveLength(40);
    expect(cells[0]).toHaveLength(40);
    expect(cells[0][0]).toBeCloseTo(10, 1);
    expect(cells[39][39]).toBeCloseTo(20, 1);
    expect(cells[39][0]).toBeCloseTo(15);
    const values = cells.flat().map(Number);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(10);
    expect(Math.max(...values)).toBeLessThanOrEqual(20);
  });

  it('counts two points at the same place equally', () => {
    const cells = interpolate(numbers(0.5, 0.5), numbers(0.5, 0.5), [0, 1]);
    expect(cells[20][20]).toBeCloseTo(0.5);
  });

  it('does not interpolate between categories', () => {
    const cells = interpolate(
      { places: [0, 2, 2], categories: 4 },
      numbers(0.5, 0, 1),
      [1, 5, 7]
    );
    expect(cells.map(row => row[0])).toEqual(Array(40).fill(1));
    expect(cells[0][1]).toBeNull();
    expect(cells[0][2]).toBeCloseTo(5, 1);
    expect(cells[39][2]).toBeCloseTo(7, 1);
    expect(cells[0][3]).toBeNull();
  });
});
