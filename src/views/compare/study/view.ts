/** What the plots of a study show: its trials, by one of its objectives. */
import type {
  Dimension,
  Study,
  StudyDetail,
  StudyImportance,
  Trial
} from '../../../client/types';
import type { IColumn } from '../../../model/compare';
import { asNumbers } from '../../../model/compare';
import type { Goal } from '../../../model/metrics';
import type { ValuedTrial } from '../../../model/studies';
import { isInfeasible, valuedTrials } from '../../../model/studies';
import type { IDot } from '../../shared/chart';
import { rampColour, seriesColour } from '../../shared/chart';
import type { ITrans } from '../../shared/context';
import { exactValue, formatNumber } from '../../shared/format';
import type { IPlot } from '../charts';
import type { IPlotted, IPlottedTask } from '../comparisonview';
import { isWide, placesOf } from '../comparisonview';
import type { IOptions } from '../options';

/** Parameters in a tooltip. */
const MAX_DETAILS = 8;

export interface IPlottedTrial extends IPlottedTask {
  trial: ValuedTrial;
  /** Its rank, from 0 for the worst to 1 for the best; null if infeasible. */
  rank: number | null;
}

export interface IStudyView extends IPlotted {
  study: StudyDetail;
  /** The index of the shown objective. */
  objective: number;
  metric: string;
  goal: Goal;
  /** Whether the objective has a log scale. */
  isLog: boolean;
  /** The complete trials with a value of the objective. */
  tasks: readonly IPlottedTrial[];
  isDark: boolean;
}

export interface ILegendEntry {
  name: string;
  colour: string;
  /** Whether it is a cross, not a dot or a bar. */
  isCross?: boolean;
}

export interface IStudyPlot extends IPlot {
  legend?: readonly ILegendEntry[];
}

/** What the plots of a study are made of. */
export interface IStudyPlots {
  view: IStudyView;
  options: IOptions;
  /** The studies that have the objectives of the plot too. */
  comparable: readonly Study[];
  /** Those of them that are compared with it. */
  others: readonly StudyDetail[];
  importance: StudyImportance | Error | null;
  /** Epoch seconds; the end of running trials. */
  now: number;
}

/** The position of each trial on the axis of a parameter. */
export interface IParameterAxis {
  key: string;
  /** NaN where the trial does not have the parameter. */
  places: readonly number[];
  labels?: readonly string[];
  isLog: boolean;
  isWhole: boolean;
}

/** The index of an objective in a study, -1 without it. */
export function objectiveOf(
  study: Pick<Study, 'objectives'>,
  metric: string
): number {
  return study.objectives.findIndex(each => each.metric === metric);
}

export function viewOfStudy(
  study: StudyDetail,
  options: IOptions,
  isDark: boolean
): IStudyView {
  const objective = Math.max(0, objectiveOf(study, options.studyObjective));
  const { metric, direction: goal } = study.objectives[objective];
  const trials = valuedTrials(study, objective).filter(
    trial => trial.state === 'complete'
  );
  const column = (key: string, kind: IColumn['kind'], values: unknown[]) => ({
    key,
    kind,
    values,
    numbers: asNumbers(values),
    goal: kind === 'metric' ? goal : null
  });
  const values = trials.map(({ value }) => value);
  const ranks = ranksOf(trials, goal);
  return {
    study,
    objective,
    metric,
    goal,
    isLog: options.isStudyLog ?? isWide(values),
    isDark,
    parameters: study.dimensions.map(dimension => {
      const { key } = dimension;
      const kinds = branchesOf(dimension).map(({ kind }) => kind);
      const found = column(
        key,
        'parameter',
        trials.map(trial => trial.values[key] ?? null)
      );
      return kinds.every(kind => kind === 'choice')
        ? { ...found, numbers: null }
        : { ...found, isContinuous: kinds.includes('interval') };
    }),
    targetMetric: column(metric, 'metric', values),
    tasks: trials.map((trial, at) => ({
      trial,
      at,
      row: { name: trial.task },
      label: trial.task,
      rank: ranks[at],
      colour:
        ranks[at] === null
          ? invalidColour(isDark)
          : // Without the ends that have little contrast with the background.
            rampColour(isDark ? 0.25 + 0.75 * ranks[at] : 0.88 * ranks[at])
    }))
  };
}

/** The colour of a study that is compared with the one that is shown. */
export function otherColour(index: number, isDark: boolean): string {
  return seriesColour(index + 2, isDark);
}

/** The legend of infeasible trials, if there are any. */
export function infeasibleLegend(
  trans: ITrans,
  trials: readonly Trial[],
  isDark: boolean
): ILegendEntry[] {
  const colour = invalidColour(isDark);
  return trials.some(isInfeasible)
    ? [{ name: trans.__('Infeasible'), colour, isCross: true }]
    : [];
}

/** The colour of infeasible trials. */
export function invalidColour(isDark: boolean): string {
  return seriesColour(7, isDark);
}

function ranksOf(
  trials: readonly ValuedTrial[],
  goal: Goal
): (number | null)[] {
  const values = trials
    .filter(trial => !isInfeasible(trial))
    .map(({ value }) => value);
  const sorted = [...new Set(values)].sort((a, b) =>
    goal === 'maximize' ? a - b : b - a
  );
  const places = new Map(sorted.map((value, place) => [value, place]));
  return trials.map(trial =>
    isInfeasible(trial)
      ? null
      : sorted.length < 2
        ? 1
        : places.get(trial.value)! / (sorted.length - 1)
  );
}

/**
 * Values of the objective as fractions of their range, 1 for the best.
 *
 * @returns null for values that have no place on a log scale
 */
export function levelsOf(view: IStudyView): {
  low: number;
  high: number;
  levelOf: (value: number) => number | null;
} {
  const scaled = (value: number) => (view.isLog ? Math.log(value) : value);
  const values = view.tasks.flatMap(({ trial, rank }) =>
    rank !== null && Number.isFinite(scaled(trial.value)) ? [trial.value] : []
  );
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [from, range] = [scaled(low), scaled(high) - scaled(low)];
  return {
    low,
    high,
    levelOf: value => {
      const fraction = range > 0 ? (scaled(value) - from) / range : 0.5;
      return !Number.isFinite(fraction)
        ? null
        : view.goal === 'maximize'
          ? fraction
          : 1 - fraction;
    }
  };
}

export function parameterAxis(
  view: IStudyView,
  column: IColumn
): IParameterAxis {
  const { places, labels } = placesOf(column, view.tasks);
  const branches = view.study.dimensions
    .filter(({ key }) => key === column.key)
    .flatMap(branchesOf);
  return {
    key: column.key,
    places,
    labels,
    isWhole: branches.length > 0 && branches.every(({ whole }) => whole),
    isLog:
      !labels &&
      (branches.length === 1 && branches[0].kind === 'interval'
        ? branches[0].log
        : isWide(places))
  };
}

/** The range or choices of a parameter, and those in other trials. */
function branchesOf(dimension: Dimension): Dimension[] {
  const { alternative } = dimension;
  return [dimension, ...(alternative ? branchesOf(alternative) : [])];
}

/** The two chosen objectives, by their indices; null with only one. */
export function chosenObjectives(
  study: StudyDetail,
  options: IOptions
): { x: number; y: number } | null {
  if (study.objectives.length < 2) {
    return null;
  }
  const x = Math.max(0, objectiveOf(study, options.paretoX));
  const y = objectiveOf(study, options.paretoY);
  return { x, y: y >= 0 && y !== x ? y : x === 0 ? 1 : 0 };
}

interface IDetail {
  name: string;
  value: string;
}

/**
 * What a tooltip says of a trial.
 *
 * @param without - keys that it says already
 */
export function trialDetails(
  trans: ITrans,
  study: StudyDetail,
  trial: Trial,
  without: readonly string[] = []
): IDetail[] {
  const objectives = study.objectives.flatMap(({ metric }, at) => {
    const value = trial.objective_values[at] ?? null;
    return value === null || without.includes(metric)
      ? []
      : [{ name: metric, value: formatNumber(value) }];
  });
  const parameters = Object.entries(trial.values)
    .filter(([name]) => !without.includes(name))
    .map(([name, value]) => ({ name, value: exactValue(value) }));
  return [
    ...stateDetails(trans, trial),
    ...violations(study, trial).map(name => ({
      name: trans.__('violates'),
      value: name
    })),
    ...objectives,
    ...parameters.slice(0, MAX_DETAILS),
    ...(parameters.length > MAX_DETAILS ? [{ name: '…', value: '' }] : [])
  ];
}

function stateDetails(trans: ITrans, trial: Trial): IDetail[] {
  switch (trial.state) {
    case 'open':
      return [{ name: trans.__('current'), value: '' }];
    case 'pruned': {
      const step = trial.pruned === null ? '' : `@ ${trial.pruned}`;
      return [{ name: trans.__('pruned'), value: step }];
    }
    case 'failed':
      return [{ name: trans.__('failed'), value: '' }];
    case 'complete':
      return [];
  }
}

/** The constraints that a trial violates. */
function violations(study: StudyDetail, trial: Trial): string[] {
  return study.constraints.filter(
    (_, at) => (trial.constraint_values[at] ?? 0) > 0
  );
}

/** What all dots of a trial have in common. */
export function dotOf(
  trans: ITrans,
  { study, isDark }: IStudyView,
  trial: Trial,
  without: readonly string[]
): Omit<IDot, 'x' | 'y'> {
  return {
    id: trial.task,
    name: trial.task,
    details: () => trialDetails(trans, study, trial, without),
    ...(isInfeasible(trial)
      ? { mark: 'cross', colour: invalidColour(isDark) }
      : { colour: seriesColour(0, isDark) })
  };
}
