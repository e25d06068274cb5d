import { empiricalDistribution } from '../distribution';

describe('empiricalDistribution', () => {
  it('rises at each number by the fraction that has it', () => {
    const { xs, ys } = empiricalDistribution([3, 1, 2, 2], [0, 4]);
    expect(xs).toEqual([0, 1, 1, 2, 2, 3, 3, 4]);
    expect(ys).toEqual([0, 0, 0.25, 0.25, 0.75, 0.75, 1, 1]);
  });

  it('is one step for one number, and 0 without any', () => {
    expect(empiricalDistribution([5], [4, 6])).toEqual({
      xs: [4, 5, 5, 6],
      ys: [0, 0, 1, 1]
    });
    expect(empiricalDistribution([], [0, 1]).ys).toEqual([0, 0]);
  });
});
