/** The settings of a study, which is an alternative to a sweep. */
import { asOneOf, asRecord, asText, asTexts } from '../client/shapes';
import type {
  Axis,
  Condition,
  Dimension,
  Objective,
  Preview,
  RunOptions,
  SearchPreview,
  Study,
  StudyRequest
} from '../client/types';
import type { Goals } from './metrics';
import { byWeight, isCounter } from './metrics';
import { withoutEmpty } from './runoptions';

export type Direction = Objective['direction'];

export interface IStudyForm {
  /** The first metric that is optimized. */
  objective: string;
  direction: Direction;
  /** The other objectives. */
  further: readonly Objective[];
  /** Constraints on metrics, such as `latency <= 20`. */
  constraints: readonly string[];
  /** Number of trials. */
  n: number;
  sampler: Study['sampler'];
  /** Number of random trials; null for the default of the sampler. */
  n_startup_trials: number | null;
  prune: Study['prune'];
  min_resource: number | null;
  max_resource: number | null;
  reduction_factor: number | null;
  /** A query for earlier tasks; '' for none. */
  warm_start: string;
}

/** Fields that errors of the server refer to. */
export const STUDY_FIELDS = [
  'objective',
  'objectives',
  'direction',
  'constraints',
  'n',
  'sampler',
  'n_startup_trials',
  'prune',
  'min_resource',
  'max_resource',
  'reduction_factor',
  'warm_start'
] as const;

/** How many trials a study can have. */
export const MAX_TRIALS = 10_000;

/** How many values of a curve a pruner compares at most. */
export const MAX_RESOURCE = 10_000;

export const MAX_OBJECTIVES = 8;

export const SAMPLERS = [
  'tpe',
  'gp',
  'cmaes',
  'nsga2',
  'qmc',
  'random',
  'grid'
] as const;

export const PRUNERS = ['', 'median', 'quartile', 'asha', 'hyperband'] as const;

/** The default number of random trials of samplers that learn. */
const STARTUP_TRIALS: Partial<Record<Study['sampler'], number>> = {
  tpe: 10,
  gp: 10,
  cmaes: 1,
  nsga2: 50
};

/** Samplers that use the results of earlier tasks. */
const WITH_WARM_START: readonly Study['sampler'][] = [
  'tpe',
  'gp',
  'cmaes',
  'grid'
];

const DEFAULTS: IStudyForm = {
  objective: '',
  direction: 'maximize',
  further: [],
  constraints: [],
  n: 50,
  sampler: 'tpe',
  n_startup_trials: null,
  prune: '',
  min_resource: null,
  max_resource: null,
  reduction_factor: null,
  warm_start: ''
};

/** The default number of random trials; null if the sampler does not learn. */
export function startupTrials(sampler: Study['sampler']): number | null {
  return STARTUP_TRIALS[sampler] ?? null;
}

/** Whether the sampler uses the results of earlier tasks. */
export function hasWarmStart(sampler: Study['sampler']): boolean {
  return WITH_WARM_START.includes(sampler);
}

/** Whether the pruner compares trials after certain numbers of steps. */
export function isHalving(prune: Study['prune'] | null): boolean {
  return prune === 'asha' || prune === 'hyperband';
}

/** A key of a draft that varies: the values of a sweep, or the range of a study. */
export type IAxis = Omit<Axis, 'kind'> & {
  kind: Axis['kind'] | Dimension['kind'];
  /** A range, as `0.00001 … 0.1`. */
  span?: string;
  /** Whether the range is logarithmic. */
  isLog?: boolean;
  /** The condition of a parameter, as `opt == sgd`. */
  condition?: string;
  /** What the parameter takes if the condition does not hold. */
  alternative?: IAxis;
};

/** The tasks or, of a study, the trials that a draft would create. */
export type IDraftPreview = Omit<Preview, 'axes'> & { axes: IAxis[] };

/** Return a form whose objective is the most important metric. */
export function defaultStudyForm(
  metrics: readonly string[],
  goals: Goals
): IStudyForm {
  const [objective = ''] = byWeight(metrics, goals).filter(
    key => !isCounter(key)
  );
  return { ...DEFAULTS, objective, direction: goals[objective] ?? 'maximize' };
}

/** Read a saved form; null when there was none. */
export function asStudyForm(value: unknown): IStudyForm | null {
  const saved = asRecord(value);
  if (typeof saved.objective !== 'string') {
    return null;
  }
  const count = (each: unknown, most: number, least = 1) =>
    typeof each === 'number' && each >= least && each <= most
      ? Math.round(each)
      : null;
  const further = Array.isArray(saved.further) ? saved.further : [];
  return {
    objective: saved.objective,
    direction: asDirection(saved.direction),
    further: further.slice(0, MAX_OBJECTIVES - 1).map(each => {
      const { metric, direction } = asRecord(each);
      return { metric: asText(metric), direction: asDirection(direction) };
    }),
    constraints: asTexts(saved.constraints),
    n: count(saved.n, MAX_TRIALS) ?? DEFAULTS.n,
    sampler: asOneOf(saved.sampler, SAMPLERS, 'tpe'),
    n_startup_trials: count(saved.n_startup_trials, MAX_TRIALS),
    prune: asOneOf(saved.prune, PRUNERS, ''),
    min_resource: count(saved.min_resource, MAX_RESOURCE),
    max_resource: count(saved.max_resource, MAX_RESOURCE),
    reduction_factor: count(saved.reduction_factor, 100, 2),
    warm_start: asText(saved.warm_start)
  };
}

function asDirection(value: unknown): Direction {
  return asOneOf(value, ['minimize', 'maximize'], 'maximize');
}

/** The request for a study, without the options that have no effect. */
export function studyRequest(
  text: string,
  name: string,
  search: IStudyForm,
  options: RunOptions
): StudyRequest {
  const { jobs, ...run } = withoutEmpty(options);
  const { objective, direction, further, sampler } = search;
  const prune = further.length > 0 ? '' : search.prune;
  return {
    text,
    name,
    ...(further.length > 0
      ? { objectives: [{ metric: objective, direction }, ...further] }
      : { objective, direction }),
    constraints: [...search.constraints],
    n: search.n,
    sampler,
    n_startup_trials:
      startupTrials(sampler) === null ? null : search.n_startup_trials,
    prune,
    min_resource: isHalving(prune) ? search.min_resource : null,
    max_resource: prune === 'hyperband' ? search.max_resource : null,
    reduction_factor: isHalving(prune) ? search.reduction_factor : null,
    warm_start: hasWarmStart(sampler) ? search.warm_start.trim() : '',
    jobs,
    run
  };
}

/** Return the preview of a study in the form of that of a sweep. */
export function studyPreview(found: SearchPreview, n: number): IDraftPreview {
  return {
    count: found.errors.length > 0 ? 0 : n,
    duplicates: 0,
    rows: [],
    errors: found.errors,
    axes: found.dimensions.map(axisOf)
  };
}

function axisOf(dimension: Dimension): IAxis {
  const { key, kind, low, high, log, values, line } = dimension;
  const { condition, alternative } = dimension;
  return {
    key,
    kind,
    line,
    values,
    count: values.length,
    ...(condition ? { condition: conditionText(condition) } : {}),
    ...(alternative ? { alternative: axisOf(alternative) } : {}),
    ...(kind === 'interval'
      ? { span: `${String(low)} … ${String(high)}`, isLog: log }
      : {})
  };
}

/** Return a condition as its text in the search space. */
function conditionText({ key, operator, values }: Condition): string {
  const texts = values.map(value =>
    typeof value === 'string' ? value : JSON.stringify(value)
  );
  const wanted = operator === 'in' ? `(${texts.join(', ')})` : texts[0];
  return `${key} ${operator} ${wanted}`;
}

/** Return the name after one that is taken: `study_2` after `study`. */
export function nextName(name: string): string {
  const [, stem, number] = /^(.*?)(?:_(\d+))?$/.exec(name) ?? ['', name];
  return `${stem}_${number === undefined ? 2 : Number(number) + 1}`;
}
