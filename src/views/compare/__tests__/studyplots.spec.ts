import type {
  Dimension,
  Study,
  StudyDetail,
  Trial
} from '../../../client/types';
import { LR, detail as plain, trial } from '../../../model/__tests__/searches';
import { PAPER, toSvg } from '../../shared/chart';
import { plainTrans } from '../../shared/context';
import type { IOptions, StudyPlot } from '../options';
import { DEFAULT_OPTIONS } from '../options';
import { offeredPlots, shownPlots } from '../study/plots';
import { otherColour } from '../study/view';

const OPT: Dimension = {
  ...LR,
  key: 'opt',
  kind: 'choice',
  low: null,
  high: null,
  log: false,
  values: ['adam', 'sgd']
};

/** A study over `lr` and `opt`. */
function detail(trials: Trial[], change: Partial<Study> = {}): StudyDetail {
  return { ...plain(trials, change), dimensions: [LR, OPT] };
}

const TRIALS = [
  trial(1, 0.5),
  trial(2, 0.7),
  trial(3, 0.2, { state: 'pruned', status: 'cancelled', pruned: 4 }),
  trial(4, null)
];

/** A complete trial with accuracy, latency and whether it is feasible. */
function result(
  number: number,
  [acc, latency]: [number, number | null],
  change: Partial<Trial> = {}
): Trial {
  return trial(number, null, {
    state: 'complete',
    status: 'completed',
    started_at: 100 * number,
    finished_at: 100 * number + 60,
    objective_values: [acc, latency],
    ...change
  });
}

/** A study of two objectives and a constraint. */
const TWO = detail(
  [
    result(1, [0.9, 20]),
    result(2, [0.8, 10]),
    result(3, [0.7, 15]),
    result(4, [0.95, 5], { is_feasible: false, constraint_values: [3.5] }),
    result(5, [0.6, 1], { state: 'failed', status: 'failed' }),
    result(6, [0.5, null], { state: 'open', is_feasible: null })
  ],
  {
    best: null,
    objectives: [
      { metric: 'acc', direction: 'maximize' },
      { metric: 'latency', direction: 'minimize' }
    ],
    constraints: ['memory <= 8'],
    pareto_front: ['s_1', 's_2']
  }
);

function plotsOf(
  study: StudyDetail,
  studyPlot: StudyPlot,
  options: Partial<IOptions> = {},
  others: readonly StudyDetail[] = []
) {
  return shownPlots(
    plainTrans,
    { compared: others, importance: null, items: others },
    study,
    { ...DEFAULT_OPTIONS, studyPlot, ...options },
    false
  ).plots;
}

function svgOf(...args: Parameters<typeof plotsOf>): string {
  const [{ chart }] = plotsOf(...args);
  return chart ? toSvg(chart, 600, 300) : '';
}

const count = (text: string, part: RegExp) => (text.match(part) ?? []).length;

/** What is at each place of a chart, by its id. */
function hitsOf(...args: Parameters<typeof plotsOf>) {
  const scene = plotsOf(...args)[0].chart!(600, 300, PAPER);
  const found = new Map<string, { name: string; value: string }[]>();
  for (let x = 0; x < 600; x += 3) {
    for (let y = 0; y < 300; y += 3) {
      const hit = scene.pick?.(x, y);
      if (hit) {
        found.set(hit.id, [...hit.lines]);
      }
    }
  }
  return found;
}

describe('the overview of a study', () => {
  it('shows each trial, and the best so far as steps', () => {
    const svg = svgOf(detail(TRIALS), 'overview');
    expect(count(svg, /<circle/g)).toBe(3);
    expect(svg).toContain('acc');
    expect(svgOf(detail([trial(1, null)]), 'overview')).toBe('');
    expect(plotsOf(detail([]), 'overview')).toHaveLength(1);
  });

  it('shows the objective over each parameter of what completed', () => {
    const [, ...slices] = plotsOf(detail(TRIALS), 'overview');
    expect(slices.map(each => each.name)).toEqual(['lr', 'opt']);
    const svg = toSvg(slices[1].chart!, 400, 200);
    expect(svg).toContain('adam');
    expect(count(svg, /<circle/g)).toBe(2);
  });

  it('shows the chosen objective, and leaves out who has no value of it', () => {
    expect(count(svgOf(TWO, 'overview'), /<circle/g)).toBe(4);
    const latency = { studyObjective: 'latency' };
    const svg = svgOf(TWO, 'overview', latency);
    expect(count(svg, /<circle/g)).toBe(3);
    expect(svg).toContain('latency');
    const hits = hitsOf(TWO, 'overview', latency);
    expect(hits.get('s_4')).toContainEqual({
      name: 'violates',
      value: 'memory <= 8'
    });
    expect(hits.get('s_1')).toContainEqual({ name: 'acc', value: '0.9000' });
  });

  it('adds the best values of other studies with this objective', () => {
    const steps = /<path[^>]*stroke-width="2"/g;
    const plain = count(svgOf(detail(TRIALS), 'overview'), steps);
    const other = detail(TRIALS, { name: 'other' });
    const unlike = detail(TRIALS, {
      name: 'unlike',
      objectives: [{ metric: 'loss', direction: 'minimize' }]
    });
    const all = svgOf(detail(TRIALS), 'overview', {}, [other, unlike]);
    expect(count(all, steps)).toBe(plain + 1);
    // All of it is inside, also where it is better or longer.
    const better = detail([trial(1, 5), trial(50, 9)], { name: 'better' });
    const places = svgOf(detail(TRIALS), 'overview', {}, [better])
      .match(/<path d="M[^"]*"[^>]*stroke-width="2"/)![0]
      .match(/[\d.-]+ [\d.-]+(?=[L"])/g)!
      .map(place => place.split(' ').map(Number));
    expect(places).toHaveLength(5);
    for (const [x, y] of places) {
      expect(x).toBeGreaterThan(0);
      expect(x).toBeLessThan(600);
      expect(y).toBeGreaterThan(0);
      expect(y).toBeLessThan(300);
    }
  });

  it('leaves out a parameter that no trial has, and trials without one', () => {
    const trials = [1, 2, 3].map(number =>
      trial(number, number, {
        values: number === 1 ? { lr: 0.1 } : { lr: 0.2, opt: 'sgd' }
      })
    );
    const [, lr, opt] = plotsOf(detail(trials), 'overview');
    expect(count(toSvg(lr.chart!, 400, 200), /<circle/g)).toBe(3);
    expect(count(toSvg(opt.chart!, 400, 200), /<circle/g)).toBe(2);
    expect(
      plotsOf(
        detail(trials.map(each => ({ ...each, values: { lr: 1 } }))),
        'overview'
      )
    ).toHaveLength(2);
  });
});

describe('the Pareto front', () => {
  it('is offered for several objectives only', () => {
    expect(offeredPlots(TWO)).toContain('pareto');
    expect(offeredPlots(detail(TRIALS))).not.toContain('pareto');
    expect(plotsOf(detail(TRIALS), 'pareto')[0].name).toBe(
      'Optimization history'
    );
  });

  it('stands out, and infeasible trials are crosses', () => {
    const [plot] = plotsOf(TWO, 'pareto');
    expect(plot.label).toBe(
      'latency over acc of each complete trial; 2 of 4 are on the Pareto front'
    );
    expect(plot.legend?.map(({ name }) => name)).toEqual([
      'Pareto front',
      'Other trials',
      'Infeasible'
    ]);
    const svg = svgOf(TWO, 'pareto');
    expect(count(svg, /<circle/g)).toBe(3);
    const [front, other] = plot.legend!.map(({ colour }) => colour);
    expect(count(svg, new RegExp(`<circle[^>]*"${front}"`, 'g'))).toBe(2);
    expect(count(svg, new RegExp(`<circle[^>]*"${other}"`, 'g'))).toBe(1);
    expect([...hitsOf(TWO, 'pareto').keys()].sort()).toEqual([
      's_1',
      's_2',
      's_3',
      's_4'
    ]);
  });

  it.each([
    ['maximize', 'minimize', [1, 0.9, 0.8], [3, 2, 1]],
    ['minimize', 'minimize', [1, 2, 3], [3, 2, 1]],
    ['maximize', 'maximize', [3, 2, 1], [1, 2, 3]],
    ['minimize', 'maximize', [1, 2, 3], [1, 2, 3]]
  ] as const)(
    'bounds what is dominated: %s x, %s y',
    (goalX, goalY, xs, ys) => {
      const study = detail(
        xs.map((x, at) => result(at + 1, [x, ys[at]])),
        {
          objectives: [
            { metric: 'x', direction: goalX },
            { metric: 'y', direction: goalY }
          ],
          pareto_front: ['s_1', 's_2', 's_3']
        }
      );
      const svg = svgOf(study, 'pareto');
      const line = /<path d="M([^"]*)"[^>]*stroke-width="2"/.exec(svg)![1];
      const points = line.split('L').map(point => point.split(' ').map(Number));
      expect(points).toHaveLength(5);
      // A corner is worse by both objectives than the trials beside it; on
      // paper y grows downwards.
      const [before, corner, after] = points;
      const worseX = goalX === 'minimize' ? Math.max : Math.min;
      const worseY = goalY === 'minimize' ? Math.min : Math.max;
      expect(corner).toEqual([
        worseX(before[0], after[0]),
        worseY(before[1], after[1])
      ]);
    }
  );

  it('shows two of three objectives', () => {
    const study: StudyDetail = {
      ...TWO,
      trials: TWO.trials.map(each => ({
        ...each,
        objective_values: [...each.objective_values, each.number]
      })),
      objectives: [...TWO.objectives, { metric: 'size', direction: 'minimize' }]
    };
    const label = (options: Partial<IOptions>) =>
      plotsOf(study, 'pareto', options)[0].label.split(' of ')[0];
    expect(label({})).toBe('latency over acc');
    expect(label({ paretoX: 'size' })).toBe('acc over size');
    expect(label({ paretoX: 'latency', paretoY: 'size' })).toBe(
      'size over latency'
    );
    expect(label({ paretoX: 'size', paretoY: 'size' })).toBe('acc over size');
    // The front of three objectives is no line in the plane of two.
    const [front] = plotsOf(study, 'pareto')[0].legend!;
    const line = new RegExp(`<path[^>]*stroke="${front.colour}"`, 'g');
    // Only a front of the same two objectives is compared.
    const lines = (other: StudyDetail) =>
      count(
        svgOf(TWO, 'pareto', {}, [{ ...other, name: 'other' }]),
        new RegExp(`<path[^>]*stroke="${otherColour(0, false)}"`, 'g')
      );
    const [acc, latency] = TWO.objectives;
    const minimized = { ...acc, direction: 'minimize' as const };
    expect(lines({ ...TWO, objectives: [minimized, latency] })).toBe(0);
    expect(lines(study)).toBe(0);
    expect(lines(TWO)).toBe(1);
    expect(count(svgOf(study, 'pareto'), line)).toBe(0);
    expect(count(svgOf(TWO, 'pareto'), line)).toBe(1);
  });
});

describe('plots of two parameters', () => {
  const study = detail([...TRIALS.slice(0, 2), trial(5, 0.6)]);

  it('choose the parameters by themselves, or as they are told', () => {
    const label = (options: Partial<IOptions>) =>
      plotsOf(study, 'contour', options)[0].label;
    expect(label({ studyX: 'opt' })).toBe('acc over opt and lr');
    expect(label({ studyX: 'lr', studyY: 'lr' })).toBe('acc over lr and opt');
    expect(label({ studyX: 'gone' })).toMatch(
      /^acc over (lr and opt|opt and lr)$/
    );
  });

  it('show the values between the trials as colours, by category', () => {
    const svg = svgOf(study, 'contour', { studyX: 'lr', studyY: 'opt' });
    expect(count(svg, /<circle/g)).toBe(3);
    // 40 columns of two categories, the ramp, the paper.
    expect(count(svg, /<rect/g)).toBe(80 + 40 + 1);
    const rank = svgOf(study, 'rank', { studyX: 'lr', studyY: 'opt' });
    expect(count(rank, /<circle/g)).toBe(3);
    expect(count(rank, /<rect/g)).toBe(40 + 1);
  });

  it.each(['rank', 'contour'] as const)(
    'colour the best trial lightest for either direction: %s',
    plot => {
      // The place of the lightest dot among those with 0.5, 0.7 and 0.6.
      const lightest = (direction: 'maximize' | 'minimize') => {
        const svg = svgOf(
          { ...study, objectives: [{ metric: 'acc', direction }] },
          plot,
          { studyX: 'lr' }
        );
        const dots = [
          ...svg.matchAll(/<circle cx="([^"]*)"[^>]* fill="([^"]*)"/g)
        ].sort((a, b) => Number(a[1]) - Number(b[1]));
        return dots.map(dot => dot[2]).indexOf('rgb(253,231,37)');
      };
      expect(lightest('maximize')).toBe(1);
      expect(lightest('minimize')).toBe(0);
    }
  );

  it('have one axis for all ranges of a parameter', () => {
    const lr: Dimension = {
      ...LR,
      condition: { key: 'opt', operator: '==', values: ['adam'] },
      alternative: { ...LR, kind: 'choice', log: false, values: ['0', '0.5'] }
    };
    const trials = [0.5, 0.001, 0].map((value, at) => ({
      ...trial(at + 1, 0.5),
      values: { lr: value, opt: 'adam' }
    }));
    const branched = { ...detail(trials), dimensions: [lr, OPT] };
    // Neither a log scale, which has no place for 0, nor a place for each value.
    const [, slice] = plotsOf(branched, 'overview');
    const svg = toSvg(slice.chart!, 600, 300);
    const places = [...svg.matchAll(/<circle cx="([^"]*)"/g)].map(dot =>
      Number(dot[1])
    );
    expect(places).toHaveLength(3);
    expect(places[1] - places[2]).toBeCloseTo((places[0] - places[2]) / 500, 0);
  });

  it('say what they need', () => {
    const one = { ...study, dimensions: study.dimensions.slice(0, 1) };
    expect(plotsOf(one, 'contour')[0]).toMatchObject({
      chart: null,
      wanting: 'The study has only one parameter; this plot needs two.'
    });
    expect(plotsOf(detail([trial(1, null)]), 'rank')[0]).toMatchObject({
      chart: null,
      wanting: 'Waiting for the first complete trial with acc.'
    });
  });

  it('show infeasible trials, which do not count', () => {
    const [plot] = plotsOf(
      { ...TWO, trials: TWO.trials.filter(({ number }) => number === 4) },
      'contour'
    );
    expect(plot.chart).toBeNull();
    expect(count(svgOf(TWO, 'rank'), /<circle/g)).toBe(3);
  });
});

describe('other plots of a study', () => {
  it('run a line through the parameters of each complete trial', () => {
    const [plot] = plotsOf(TWO, 'parallel');
    expect(plot.label).toBe('Parallel coordinates of 4 trials');
    const svg = svgOf(TWO, 'parallel');
    expect(svg).toContain('acc');
    expect(count(svg, /stroke-width="1.5"/g)).toBe(4);
    // A range has the ticks of numbers, not one for each value.
    const wide = detail([trial(1, 1), trial(2, 2), trial(10, 3)]);
    expect(svgOf(wide, 'parallel')).toContain('>0.4<');
  });

  it('compare the distributions of studies', () => {
    const other = detail([trial(1, 0.1)], { name: 'other' });
    const hits = hitsOf(detail(TRIALS), 'edf', {}, [other]);
    const [plot] = plotsOf(detail(TRIALS), 'edf', {}, [other]);
    expect(plot.legend?.map(({ name }) => name)).toEqual(['s']);
    expect([...hits.keys()].sort()).toEqual(['other', 's']);
    expect(plotsOf(detail([]), 'edf')[0].chart).toBeNull();
    // Values without a place on a log scale count all the same.
    const heights = (values: number[]) => {
      const study = detail(values.map((each, at) => trial(at + 1, each)));
      const svg = svgOf(study, 'edf', { isStudyLog: true });
      const [, line] = /<path d="M([^"]*)"[^>]*stroke-width="1.5"/.exec(svg)!;
      return new Set(line.split('L').map(point => point.split(' ')[1]));
    };
    expect(heights([1, 1, 2, 3]).size).toBe(4);
    expect(heights([-1, 0, 1, 10])).toEqual(heights([1, 1, 2, 3]));
    expect(
      plotsOf(detail([trial(1, -1)]), 'edf', { isStudyLog: true })[0].chart
    ).toBeNull();
    // Equal values are a step at one place.
    expect(svgOf(detail([trial(1, 2), trial(2, 2)]), 'edf')).toContain('<path');
  });

  it('show when the trials ran, and how they ended', () => {
    const [plot] = plotsOf(TWO, 'timeline');
    expect(plot.label).toBe('Start and end of 6 trials');
    expect(plot.legend?.map(({ name }) => name)).toEqual([
      'Completed',
      'Failed',
      'Running',
      'Infeasible'
    ]);
    const hits = hitsOf(TWO, 'timeline');
    expect(hits.get('s_1')).toContainEqual({ name: 'Duration', value: '1:00' });
    const queued = detail([trial(1, null)]);
    expect(plotsOf(queued, 'timeline')[0].chart).toBeNull();
  });

  it('show the importance that the server computed, or why there is none', () => {
    const shown = (
      importance: Parameters<typeof shownPlots>[1]['importance']
    ) =>
      shownPlots(
        plainTrans,
        { compared: [], importance, items: [] },
        detail(TRIALS),
        { ...DEFAULT_OPTIONS, studyPlot: 'importance' },
        false
      ).plots[0];
    const found = { objective: 'acc', trials: 2, message: '' };
    const parameters = [
      { key: 'lr', importance: 0.75 },
      { key: 'opt', importance: 0.25 }
    ];
    expect(shown(null).isLoading).toBe(true);
    expect(shown({ ...found, parameters }).label).toBe('lr 75%, opt 25%');
    expect(
      shown({ ...found, parameters: [], message: 'Too few trials.' })
    ).toMatchObject({
      chart: null,
      isLoading: false,
      wanting: 'Too few trials.'
    });
    const refused = shown(new Error('Install scikit-learn.'));
    expect(refused.title).toBe('Importance not available');
    expect(refused.wanting).toBe('Install scikit-learn.');
  });
});
