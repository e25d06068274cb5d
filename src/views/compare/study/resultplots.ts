/** The plots of a study that show its objectives and its trials over time. */
import type { StudyDetail, Trial } from '../../../client/types';
import { empiricalDistribution } from '../../../model/distribution';
import { isInfeasible, records, valuedTrials } from '../../../model/studies';
import type { ISteps } from '../../shared/chart';
import {
  axisText,
  linesChart,
  scatterChart,
  seriesColour
} from '../../shared/chart';
import type { ITrans } from '../../shared/context';
import { duration, fullTime } from '../../shared/format';
import type { ILegendEntry, IStudyPlot, IStudyPlots, IStudyView } from './view';
import {
  chosenObjectives,
  dotOf,
  infeasibleLegend,
  invalidColour,
  objectiveOf,
  otherColour,
  trialDetails
} from './view';

/** In pixels. */
const HISTORY_HEIGHT = 240;

/** Part of the range of a distribution that is free at both ends. */
const PAD = 0.03;

/** The value of each trial and the best so far. */
export function historyPlot(
  trans: ITrans,
  { view, others }: IStudyPlots
): IStudyPlot {
  const { study, objective, metric, isLog, isDark } = view;
  const trials = valuedTrials(study, objective);
  const compared = others.map((other, index) =>
    bestSoFar(other, objectiveOf(other, metric), otherColour(index, isDark))
  );
  return {
    name: trans.__('Optimization history'),
    label: trans.__('%1 of each trial and best value so far', metric),
    hint: trans.__(
      'Line: best value so far. Hollow dots: pruned or running trials.'
    ),
    legend: [
      ...ownLegend(view, others, seriesColour(1, isDark)),
      ...infeasibleLegend(trans, trials, isDark)
    ],
    height: HISTORY_HEIGHT,
    wanting: trans.__('Waiting for the first trial to log %1.', metric),
    chart:
      trials.length === 0
        ? null
        : scatterChart({
            xName: trans.__('trial'),
            isWholeX: true,
            yName: metric,
            isLogY: isLog,
            dots: trials.map(trial => ({
              ...dotOf(trans, view, trial, [metric]),
              x: trial.number,
              y: trial.value,
              ...(trial.state !== 'complete' && { mark: 'hollow' })
            })),
            steps: [
              ...compared,
              bestSoFar(study, objective, seriesColour(1, isDark))
            ]
          })
  };
}

/** The colour of the study itself, where it is compared with others. */
function ownLegend(
  { study }: IStudyView,
  others: readonly StudyDetail[],
  colour: string
): ILegendEntry[] {
  return others.length > 0 ? [{ name: study.name, colour }] : [];
}

function bestSoFar(
  study: StudyDetail,
  objective: number,
  colour: string
): ISteps {
  const best = records(study, objective);
  const last = valuedTrials(study, objective).pop()?.number ?? 0;
  return {
    colour,
    points: [
      ...best.map(({ number, value }) => ({ x: number, y: value })),
      ...best.slice(-1).map(({ value }) => ({ x: last, y: value }))
    ]
  };
}

export function paretoPlot(
  trans: ITrans,
  { view, options, others }: IStudyPlots
): IStudyPlot {
  const { study, isDark } = view;
  const axes = chosenObjectives(study, options) ?? { x: 0, y: 0 };
  const [x, y] = [study.objectives[axes.x], study.objectives[axes.y]];
  const frontColour = seriesColour(1, isDark);
  const dots = frontDots(study, axes.x, axes.y).map(each => {
    const dot = dotOf(trans, view, each.trial, [x.metric, y.metric]);
    return { ...dot, ...each, colour: each.isBest ? frontColour : dot.colour };
  });
  const fronts = others.map((other, index) => {
    const [atX, atY] = [x, y].map(({ metric }) => objectiveOf(other, metric));
    return {
      colour: otherColour(index, isDark),
      points: frontDots(other, atX, atY).filter(({ isBest }) => isBest)
    };
  });
  const own = {
    colour: frontColour,
    points: dots.filter(({ isBest }) => isBest)
  };
  // A front by more objectives is no line in the plane of two of them.
  const isLine = study.objectives.length === 2;
  return {
    name: trans.__('Pareto front'),
    label: trans.__(
      '%1 over %2 of each complete trial; %3 of %4 are on the Pareto front',
      y.metric,
      x.metric,
      own.points.length,
      dots.length
    ),
    hint: [
      trans.__('↓ is minimized, ↑ is maximized.'),
      isLine
        ? ''
        : trans.__(
            'The Pareto front is computed over all %1 objectives.',
            study.objectives.length
          )
    ].join(' '),
    legend: [
      { name: trans.__('Pareto front'), colour: frontColour },
      { name: trans.__('Other trials'), colour: seriesColour(0, isDark) },
      ...infeasibleLegend(
        trans,
        dots.map(({ trial }) => trial),
        isDark
      )
    ],
    wanting: trans.__(
      'Waiting for the first complete trial with %1 and %2.',
      x.metric,
      y.metric
    ),
    chart:
      dots.length === 0
        ? null
        : scatterChart({
            xName: named(x),
            yName: named(y),
            // The best ones are on top.
            dots: [...dots].sort((a, b) => Number(a.isBest) - Number(b.isBest)),
            steps: isLine
              ? [...fronts, own].map(each => ({
                  ...each,
                  points: [...each.points].sort((a, b) =>
                    // From the best x on, so that the line keeps each y until
                    // the next trial, as no trial is better there.
                    x.direction === 'minimize' ? a.x - b.x : b.x - a.x
                  )
                }))
              : []
          })
  };
}

function named({ metric, direction }: StudyDetail['objectives'][number]) {
  return `${metric} ${direction === 'minimize' ? '↓' : '↑'}`;
}

/** The complete trials by two objectives, and whether they are on the front. */
function frontDots(
  study: StudyDetail,
  atX: number,
  atY: number
): { trial: Trial; x: number; y: number; isBest: boolean }[] {
  const best = new Set(study.pareto_front);
  return study.trials.flatMap(trial => {
    const [x, y] = [atX, atY].map(at => trial.objective_values[at] ?? null);
    return trial.state !== 'complete' || x === null || y === null
      ? []
      : [{ trial, x, y, isBest: best.has(trial.task) }];
  });
}

export function edfPlot(
  trans: ITrans,
  { view, others }: IStudyPlots
): IStudyPlot {
  const { metric, isLog, isDark } = view;
  const valuesOf = (study: StudyDetail) =>
    valuedTrials(study, objectiveOf(study, metric))
      .filter(({ state }) => state === 'complete')
      .map(({ value }) => value);
  const found = [
    { study: view.study, colour: seriesColour(0, isDark) },
    ...others.map((study, at) => ({ study, colour: otherColour(at, isDark) }))
  ]
    .map(each => ({ ...each, values: valuesOf(each.study) }))
    .filter(({ values }) => values.length > 0);
  // A log scale has no place for other values, which still count.
  const all = found
    .flatMap(({ values }) => values)
    .filter(value => !isLog || value > 0);
  const range = padded(Math.min(...all), Math.max(...all), isLog);
  return {
    name: trans.__('Empirical distribution of %1', metric),
    label: trans.__(
      'Fraction of the complete trials with at most each value of %1',
      metric
    ),
    hint: trans.__('Fraction of the complete trials with at most this value'),
    legend: ownLegend(view, others, seriesColour(0, isDark)),
    wanting: trans.__('Waiting for the first complete trial with %1.', metric),
    hasNoTasks: true,
    chart:
      all.length === 0
        ? null
        : linesChart({
            name: trans.__('Fraction of trials'),
            xName: metric,
            isLogX: isLog,
            lines: found.map(({ study, colour, values }) => ({
              id: study.name,
              name: study.name,
              colour,
              ...empiricalDistribution(
                values.map(value => Math.max(value, range[0])),
                range
              )
            }))
          })
  };
}

/** A range with some room at both ends, where steps begin and end. */
function padded(low: number, high: number, isLog: boolean): [number, number] {
  if (isLog) {
    const room = (high / low) ** PAD;
    return [low / room, high * room];
  }
  const room = (high - low) * PAD;
  return [low - room, high + room];
}

export function timelinePlot(
  trans: ITrans,
  { view, now }: IStudyPlots
): IStudyPlot {
  const { study, isDark } = view;
  const kinds: Record<string, ILegendEntry> = {
    complete: { name: trans.__('Completed'), colour: seriesColour(0, isDark) },
    pruned: { name: trans.__('Pruned'), colour: seriesColour(1, isDark) },
    failed: { name: trans.__('Failed'), colour: seriesColour(3, isDark) },
    open: { name: trans.__('Running'), colour: seriesColour(2, isDark) },
    infeasible: {
      name: trans.__('Infeasible'),
      colour: invalidColour(isDark)
    }
  };
  const kindOf = (trial: Trial) =>
    trial.state === 'complete' && isInfeasible(trial)
      ? 'infeasible'
      : trial.state;
  const started = study.trials.flatMap(trial =>
    trial.started_at === null ? [] : [{ trial, start: trial.started_at }]
  );
  const first = Math.min(...started.map(({ start }) => start));
  const time = axisText(trans, 'time');
  return {
    name: trans.__('Timeline'),
    label: trans.__('Start and end of %1 trials', started.length),
    legend: Object.entries(kinds).flatMap(([kind, entry]) =>
      started.some(({ trial }) => kindOf(trial) === kind) ? [entry] : []
    ),
    wanting: trans.__('Waiting for the first trial to start.'),
    chart:
      started.length === 0
        ? null
        : scatterChart({
            xName: trans.__('Time since the first start'),
            xText: time,
            yName: trans.__('trial'),
            isWholeY: true,
            dots: started.map(({ trial, start }) => {
              const end = Math.max(start, trial.finished_at ?? now);
              return {
                ...dotOf(trans, view, trial, []),
                mark: undefined,
                colour: kinds[kindOf(trial)].colour,
                x: start - first,
                until: end - first,
                y: trial.number,
                details: () => [
                  { name: trans.__('Started'), value: fullTime(start) },
                  {
                    name: trans.__('Duration'),
                    value: duration(trans, end - start)
                  },
                  ...trialDetails(trans, study, trial)
                ]
              };
            })
          })
  };
}
