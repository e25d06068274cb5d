/** How a draft is searched, instead of trying every combination of it. */
import type {
  Axis,
  Dimension,
  Preview,
  RunOptions,
  SearchPreview,
  StudyRequest
} from '../client/types';
import { byWeight, isCounter, isLessBetter } from './metrics';
import { withoutEmpty } from './runoptions';

export interface IStudyForm {
  /** The figure that is optimised. */
  objective: string;
  direction: 'maximize' | 'minimize';
  /** How many trials. */
  n: number;
  /** Which runs are stopped early: those below the best half or quarter. */
  prune: '' | 'median' | 'quartile';
}

/** The fields by which the server names mistakes. */
export const SEARCH_FIELDS = ['objective', 'direction', 'n', 'prune'] as const;

/** Trials that a study can have. */
export const MAX_TRIALS = 10_000;

const USUAL: IStudyForm = {
  objective: '',
  direction: 'maximize',
  n: 50,
  prune: ''
};

/** What a key of a draft stands for: values to try, or a range to search. */
export type IAxis = Omit<Axis, 'kind'> & {
  kind: Axis['kind'] | Dimension['kind'];
  /** Of a range without a count: `0.00001 … 0.1`. */
  span?: string;
  /** Evenly in the logarithm. */
  isLog?: boolean;
};

/** What a draft would make; of a search `count` is how many trials. */
export type IDraftPreview = Omit<Preview, 'axes'> & { axes: IAxis[] };

/** A search for the figure that says most about tasks. */
export function defaultStudyForm(figures: readonly string[]): IStudyForm {
  const [objective = ''] = byWeight(figures).filter(key => !isCounter(key));
  return { ...USUAL, objective, direction: directionOf(objective) };
}

/** Which direction of a figure is the better one, by its name. */
export function directionOf(figure: string): IStudyForm['direction'] {
  return isLessBetter(figure) ? 'minimize' : 'maximize';
}

/** Out of a store that anybody may have written. */
export function asStudyForm(value: unknown): IStudyForm | null {
  const found = value as Partial<IStudyForm> | null | undefined;
  if (typeof found?.objective !== 'string') {
    return null;
  }
  const { direction, n, prune } = found;
  return {
    objective: found.objective,
    direction: direction === 'minimize' ? direction : 'maximize',
    n: typeof n === 'number' && n >= 1 && n <= MAX_TRIALS ? Math.round(n) : 50,
    prune: prune === 'median' || prune === 'quartile' ? prune : ''
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

/** What a search would try, told as what a sweep would make. */
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

/** The name behind one that is taken: `search_2` behind `search`. */
export function nextName(name: string): string {
  const [, stem, number] = /^(.*?)(?:_(\d+))?$/.exec(name) ?? ['', name];
  return `${stem}_${number === undefined ? 2 : Number(number) + 1}`;
}
