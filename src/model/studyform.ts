/** The settings of a study, which is an alternative to a sweep. */
import { asOneOf, asRecord } from '../client/shapes';
import type {
  Axis,
  Dimension,
  Preview,
  RunOptions,
  SearchPreview,
  StudyRequest
} from '../client/types';
import type { Goals } from './metrics';
import { byWeight, isCounter } from './metrics';
import { withoutEmpty } from './runoptions';

export interface IStudyForm {
  /** The metric that is optimised. */
  objective: string;
  direction: 'maximize' | 'minimize';
  /** Number of trials. */
  n: number;
  /** Which trials are pruned: those below the median or the top quartile. */
  prune: '' | 'median' | 'quartile';
}

/** Fields that errors of the server refer to. */
export const STUDY_FIELDS = ['objective', 'direction', 'n', 'prune'] as const;

/** How many trials a study can have. */
export const MAX_TRIALS = 10_000;

const DEFAULTS: IStudyForm = {
  objective: '',
  direction: 'maximize',
  n: 50,
  prune: ''
};

/** A key of a draft that varies: the values of a sweep, or the range of a study. */
export type IAxis = Omit<Axis, 'kind'> & {
  kind: Axis['kind'] | Dimension['kind'];
  /** A range, as `0.00001 … 0.1`. */
  span?: string;
  /** Whether the range is logarithmic. */
  isLog?: boolean;
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
  const { objective, direction, n, prune } = asRecord(value);
  if (typeof objective !== 'string') {
    return null;
  }
  return {
    objective,
    direction: asOneOf(direction, ['minimize', 'maximize'], 'maximize'),
    n: typeof n === 'number' && n >= 1 && n <= MAX_TRIALS ? Math.round(n) : 50,
    prune: asOneOf(prune, ['median', 'quartile'], '')
  };
}

export function studyRequest(
  text: string,
  name: string,
  search: IStudyForm,
  options: RunOptions
): StudyRequest {
  const { jobs, ...run } = withoutEmpty(options);
  return { ...search, text, name, jobs, run };
}

/** Return the preview of a study in the form of that of a sweep. */
export function studyPreview(found: SearchPreview, n: number): IDraftPreview {
  return {
    count: found.errors.length > 0 ? 0 : n,
    duplicates: 0,
    rows: [],
    errors: found.errors,
    axes: found.dimensions.map(
      ({ key, kind, low, high, log, values, line }) => ({
        key,
        kind,
        line,
        values,
        count: values.length,
        ...(kind === 'interval'
          ? { span: `${String(low)} … ${String(high)}`, isLog: log }
          : {})
      })
    )
  };
}

/** Return the name after one that is taken: `study_2` after `study`. */
export function nextName(name: string): string {
  const [, stem, number] = /^(.*?)(?:_(\d+))?$/.exec(name) ?? ['', name];
  return `${stem}_${number === undefined ? 2 : Number(number) + 1}`;
}
