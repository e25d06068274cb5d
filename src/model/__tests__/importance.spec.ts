import { importanceOf } from '../importance';

const grid = Array.from({ length: 36 }, (_, at) => ({
  lr: [0.1, 0.01, 0.001][at % 3],
  opt: ['sgd', 'adam'][Math.floor(at / 3) % 2],
  seed: Math.floor(at / 6)
}));

function importance(key: 'lr' | 'opt' | 'seed', figures: number[]) {
  const values = grid.map(each => each[key]);
  const numbers = key === 'opt' ? null : (values as number[]);
  return importanceOf(key, values, numbers, figures);
}

describe('importanceOf', () => {
  it('is all for the only parameter that counts, nothing for the others', () => {
    const figures = grid.map(({ lr }) => -Math.log10(lr));
    expect(importance('lr', figures)).toMatchObject({ fraction: 1, tasks: 36 });
    expect(importance('lr', figures)?.rises).toBeCloseTo(-1);
    expect(importance('opt', figures)).toMatchObject({
      fraction: 0,
      rises: null
    });
    expect(importance('seed', figures)?.fraction).toBe(0);
  });

  it('sees what is no straight line', () => {
    const figures = grid.map(({ lr }) => (lr === 0.01 ? 1 : 0));
    const found = importance('lr', figures);
    expect(found?.fraction).toBe(1);
    expect(Math.abs(found?.rises ?? 1)).toBeLessThan(0.1);
  });

  it('gives nothing to many groups by chance alone', () => {
    const groups = grid.map((_, at) => `group ${at % 18}`);
    let sum = 0;
    for (let turn = 1; turn <= 50; turn++) {
      // A fixed sequence without a pattern.
      const noise = grid.map((_, at) => {
        const value = Math.sin((at + 1) * 12.9898 * turn) * 43758.5453;
        return value - Math.floor(value);
      });
      sum += importanceOf('many', groups, null, noise)?.fraction ?? 1;
    }
    // Half of the variance lies between so many groups, whatever they are.
    expect(sum / 50).toBeLessThan(0.2);
  });

  it('says nothing where there is too little', () => {
    expect(importanceOf('a', [1, 2], [1, 2], [1, 2])).toBeNull();
    expect(importanceOf('a', [1, 1, 1], [1, 1, 1], [1, 2, 3])).toBeNull();
    expect(importanceOf('a', [1, 2, 3], [1, 2, 3], [1, 2, 3])).toBeNull();
    expect(
      importanceOf('a', [1, 1, 2, 2], [1, 1, 2, 2], [5, 5, 5, 5])
    ).toBeNull();
    expect(
      importanceOf('a', ['x', 'x', 'y', 'y'], null, [1, NaN, NaN, 2])
    ).toBeNull();
  });
});
