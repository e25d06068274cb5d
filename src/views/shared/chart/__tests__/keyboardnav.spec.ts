import { barsChart, heatmapChart, linesChart, scatterChart } from '..';
import type { IHitResult, IScene } from '../scene';
import { PAPER } from '../theme';
import { directionOf, nextPick } from '../keyboardnav';

const [WIDTH, HEIGHT] = [600, 300];

/** Where keys lead in a scene, from its left edge. */
function walk(scene: IScene, ...keys: string[]): (IHitResult | null)[] {
  let from = { x: 0, y: HEIGHT / 2 };
  return keys.map(key => {
    const direction = directionOf(`Arrow${key}`);
    const pick = direction && nextPick(scene, from, direction, WIDTH, HEIGHT);
    from = pick ?? from;
    return pick;
  });
}

const line = (id: string, ys: number[]) => ({
  id,
  name: id,
  colour: '#000',
  xs: ys.map((_, index) => index),
  ys
});

describe('walking through a chart by keys', () => {
  it('goes from point to point of a curve, and back', () => {
    const scene = linesChart({
      lines: [line('a', [0, 4, 2])],
      xName: 'step'
    })(WIDTH, HEIGHT, PAPER);
    const titles = walk(scene, 'Right', 'Right', 'Right', 'Right', 'Left').map(
      pick => pick?.title
    );
    expect(titles).toEqual(['step 0', 'step 1', 'step 2', undefined, 'step 1']);
  });

  it('goes from one curve to the next', () => {
    const scene = linesChart({
      lines: [line('low', [0, 0, 0]), line('high', [9, 9, 9])]
    })(WIDTH, HEIGHT, PAPER);
    const [first, up, , down] = walk(scene, 'Right', 'Up', 'Up', 'Down');
    expect([first?.id, up?.id, down?.id]).toEqual(['low', 'high', 'low']);
  });

  it('finds the dots of a scatter wherever they stand', () => {
    const dots = [
      { id: 'a', name: 'a', x: 0, y: 5, colour: '#000' },
      { id: 'b', name: 'b', x: 5, y: 0, colour: '#000' },
      { id: 'c', name: 'c', x: 9, y: 9, colour: '#000' }
    ];
    const scene = scatterChart({ xName: 'x', yName: 'y', dots })(
      WIDTH,
      HEIGHT,
      PAPER
    );
    const found = walk(scene, 'Right', 'Right', 'Right', 'Right');
    expect(found.map(pick => pick?.id)).toEqual(['a', 'b', 'c', undefined]);
  });

  it('goes from cell to cell of a heatmap, over the empty ones', () => {
    const cell = { value: 1, tasks: 1 };
    const scene = heatmapChart({
      xName: 'x',
      yName: 'y',
      name: 'loss',
      xLabels: ['1', '2', '3'],
      yLabels: ['a', 'b'],
      cells: [
        [cell, null, cell],
        [cell, cell, cell]
      ]
    })(WIDTH, HEIGHT, PAPER);
    const found = walk(scene, 'Right', 'Up', 'Right', 'Down');
    expect(found.map(pick => pick?.id)).toEqual(['1 0', '0 0', '0 2', '1 2']);
  });

  it('finds nothing where nothing can be pointed at', () => {
    const scene = barsChart([])(WIDTH, HEIGHT, PAPER);
    expect(walk(scene, 'Right', 'Up')).toEqual([null, null]);
  });

  it('leaves other keys alone', () => {
    expect(directionOf('Tab')).toBeNull();
  });
});
