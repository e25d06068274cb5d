import type { Chart } from '..';
import {
  barsChart,
  heatmapChart,
  linesChart,
  parallelChart,
  scatterChart,
  toSvg
} from '..';
import { scaleOver, ticksOf, tickText } from '../axes';
import { smoothed } from '../lines';
import { SvgPainter } from '../painter';
import { PAPER } from '../theme';

const EVIL = `<script>alert("1")</script>&'\x00`;

const LINES = [
  { id: 'a', name: EVIL, colour: '#f00', xs: [0, 1, 2, 3], ys: [4, NaN, 2, 1] },
  { id: 'b', name: 'b', colour: '#00f', xs: [0, 3], ys: [0, 8] }
];

const BARS = scatterChart({
  xName: 'time',
  yName: 'trial',
  isWholeY: true,
  dots: [
    { id: 'a', name: EVIL, x: 0, until: 60, y: 1, colour: '#f00' },
    { id: 'b', name: 'b', x: 50, until: 50, y: 2, colour: '#0f0' }
  ]
});

const CHARTS: Record<string, Chart> = {
  lines: linesChart({
    name: EVIL,
    lines: LINES,
    xName: 'step',
    smoothing: 0.5
  }),
  'log lines': linesChart({ lines: LINES, isLogX: true, isLogY: true }),
  'no lines': linesChart({ lines: [] }),
  'one point': linesChart({ lines: [{ ...LINES[1], xs: [2], ys: [5] }] }),
  scatter: scatterChart({
    xName: EVIL,
    yName: 'acc',
    xLabels: [EVIL, 'adam'],
    dots: [
      { id: 'a', name: EVIL, x: 0, y: 1, colour: '#f00' },
      { id: 'b', name: 'b', x: 1, y: 3, colour: '#0f0' }
    ]
  }),
  'filled scatter': scatterChart({
    xName: 'lr',
    yName: EVIL,
    isLogX: true,
    yLabels: [EVIL, 'adam', 'none'],
    isFilled: true,
    ramp: { name: EVIL, low: EVIL, high: '1' },
    dots: [
      { id: 'a', name: EVIL, x: 0.1, y: 1, colour: '#f00', level: 0.2 },
      { id: 'b', name: 'b', x: 10, y: 0, colour: '#0f0', level: 1 },
      { id: 'c', name: 'c', x: 0, y: 0, colour: '#0f0', level: 1 },
      { id: 'd', name: 'd', x: 1, y: 0, colour: '#0f0', mark: 'cross' }
    ]
  }),
  'bars of time': BARS,
  heatmap: heatmapChart({
    xName: 'lr',
    yName: EVIL,
    name: 'acc',
    xLabels: ['1', '2'],
    yLabels: [EVIL],
    cells: [[{ value: 1, tasks: 2 }, null]]
  }),
  parallel: parallelChart({
    axes: [
      { key: EVIL, isFigure: false, places: [0, 1], labels: [EVIL, 'b'] },
      { key: 'lr', isFigure: false, places: [0.001, 10], isLog: true },
      { key: 'acc', isFigure: true, places: [NaN, 1] }
    ],
    lines: [
      { id: 'a', name: 'a', colour: '#f00' },
      { id: 'b', name: 'b', colour: '#0f0' }
    ]
  }),
  bars: barsChart([
    { id: 'a', name: EVIL, fraction: 0.5, value: EVIL, colour: '#00f' }
  ])
};

describe('charts as SVG', () => {
  it.each(Object.keys(CHARTS))(
    '%s are well-formed and say what they were given',
    name => {
      const text = toSvg(CHARTS[name], 600, 300);
      const page = new DOMParser().parseFromString(text, 'image/svg+xml');
      expect(page.querySelector('parsererror')).toBeNull();
      expect(page.querySelector('script')).toBeNull();
      expect(text).not.toMatch(/NaN|Infinity|undefined/);
      expect(text.includes('\x00')).toBe(false);
    }
  );

  it('have whole ticks for parameters with whole numbers', () => {
    const ticksOf = (places: number[]) =>
      toSvg(
        parallelChart({
          axes: [
            { key: 'layers', isFigure: false, places },
            { key: 'acc', isFigure: true, places: [1, 1, NaN] }
          ],
          lines: ['a', 'b', 'c'].map(id => ({ id, name: id, colour: '#f00' }))
        }),
        600,
        300
      );
    expect(ticksOf([3, 6, NaN])).not.toContain('>3.5<');
    expect(ticksOf([3, 5.9, NaN])).toContain('>3.5<');
  });

  it('leave a gap where a number is missing', () => {
    const painter = new SvgPainter(10, 10, 'x');
    painter.line([0, 0, NaN, 1, 2, 2, 3, 3], { stroke: '#000' });
    expect(painter.image).toContain('d="M0 0M2 2L3 3"');
  });
});

describe('what the pointer is at', () => {
  it('is the nearest line, with the others beside it', () => {
    const scene = CHARTS.lines(600, 300, PAPER);
    const pick = scene.pick?.(590, 20);
    expect(pick?.id).toBe('b');
    expect(pick?.lines.map(({ value }) => value)).toContain('8');
    expect(scene.pick?.(10, 20)).toBeNull();
  });

  it('is a dot, a cell, a thread', () => {
    const dots = CHARTS.scatter(600, 300, PAPER);
    let found = 0;
    const cells = CHARTS.heatmap(600, 300, PAPER);
    const lines = CHARTS.parallel(600, 300, PAPER);
    const seen = new Set<string>();
    for (let x = 0; x < 600; x += 4) {
      for (let y = 0; y < 300; y += 4) {
        const dot = dots.pick?.(x, y);
        found += dot ? 1 : 0;
        const cell = cells.pick?.(x, y);
        if (cell) {
          expect(cell.lines[0]).toEqual({ name: 'lr', value: '1' });
        }
        seen.add(lines.pick?.(x, y)?.id ?? '');
      }
    }
    expect(found).toBeGreaterThan(10);
    expect([...seen].sort()).toEqual(['', 'a', 'b']);
  });

  it('is a bar along its whole length', () => {
    const scene = BARS(600, 300, PAPER);
    // The place of the only bar that is at the right end of the axis.
    const row = scene.pick?.(560, 240);
    expect(row).toMatchObject({ id: 'a', x: 560 });
    expect(scene.pick?.(90, row?.y ?? 0)).toMatchObject({ id: 'a', x: 90 });
    expect(scene.pick?.(90, 50)).toBeNull();
  });

  it('chooses numbers of the axis back from pixels', () => {
    const scene = CHARTS.lines(600, 300, PAPER);
    const part: [number, number] = [
      scene.invert?.(200) ?? NaN,
      scene.invert?.(400) ?? NaN
    ];
    expect(part[0]).toBeGreaterThan(0);
    expect(part[1]).toBeLessThan(3);
    const zoomed = linesChart({ lines: LINES, zoom: part })(600, 300, PAPER);
    expect(zoomed.invert?.(200)).toBeGreaterThan(part[0]);
  });
});

describe('smoothed', () => {
  const xs = Array.from({ length: 200 }, (_, at) => at);

  it('leaves a constant as it is, from the first point on', () => {
    for (const value of smoothed(
      xs,
      xs.map(() => 7),
      0.9
    )) {
      expect(value).toBeCloseTo(7);
    }
    expect(smoothed([1, 2], [3, 4], 0)).toEqual([3, 4]);
  });

  it('calms down what goes up and down, and keeps gaps', () => {
    const ys = xs.map(at => (at === 100 ? NaN : at % 2));
    const calm = smoothed(xs, ys, 0.99);
    expect(calm[100]).toBeNaN();
    const end = calm.slice(150);
    expect(Math.max(...end) - Math.min(...end)).toBeLessThan(0.2);
  });

  it('counts how far apart points stand, not how many there are', () => {
    const few = xs.filter(at => at % 5 === 0);
    const line = (at: number) => at / 200;
    const many = smoothed(xs, xs.map(line), 0.9);
    const some = smoothed(few, few.map(line), 0.9);
    expect(some[some.length - 1]).toBeCloseTo(many[many.length - 1], 1);
  });
});

describe('axes', () => {
  it('hold all numbers, also one, none, and only positive ones of logarithms', () => {
    expect(scaleOver([5], false, [0, 10])(5)).toBeCloseTo(5);
    expect(scaleOver([], false, [0, 10]).domain()).toEqual([0, 1]);
    expect(scaleOver([-1, 0, 0.1, 10], true, [0, 10])(1)).toBeCloseTo(5);
    expect(scaleOver([NaN, 2, 4, Infinity], false, [0, 10]).domain()).toEqual([
      2, 4
    ]);
  });

  it('count in whole numbers where they count', () => {
    const svg = toSvg(BARS, 600, 300);
    expect((svg.match(/>[^<]+</g) ?? []).join('')).toContain('>1<>2<');
    expect(
      svg.match(new RegExp(`<path[^>]*"${PAPER.grid}"`, 'g'))
    ).toHaveLength(2);
  });

  it('have no more marks than there is room for', () => {
    const scale = scaleOver([1e-6, 1e6], true, [0, 300]);
    expect(ticksOf(scale, 300, 60).length).toBeLessThanOrEqual(7);
    const decades = scaleOver([0.02, 1], true, [0, 300]);
    expect(ticksOf(decades, 300, 60)).toEqual([0.02, 0.05, 0.1, 0.2, 0.5, 1]);
    const even = scaleOver([0, 300], false, [0, 1000]);
    expect(ticksOf(even, 1000, 76)).toEqual(
      Array.from({ length: 16 }, (_, at) => at * 20)
    );
    expect(['0', '0.5', '20k', '1.5M', '-3G'].map(text => text)).toEqual(
      [0, 0.5, 20000, 1.5e6, -3e9].map(tickText)
    );
  });
});
