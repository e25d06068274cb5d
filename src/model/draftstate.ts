/** What is known of a draft. */
import type { ClientError } from '../client/errors';
import { asClientError } from '../client/errors';
import type { FieldError, Parameters, RunOptions } from '../client/types';
import type { IDraftPreview, IStudyForm } from './studyform';

/** What is kept of a draft between sessions. */
export interface ISavedDraft {
  text: string;
  name: string;
  /** How the tasks are run, when they are run at once. */
  run: RunOptions;
  /** The task or file whose configuration the draft began with, '' for the default. */
  template: string;
  /** Keys that stand above all others in the form, in their order. */
  pinned: readonly string[];
  /** How it is searched; null where every combination is made. */
  search: IStudyForm | null;
}

export interface IDraftState extends ISavedDraft {
  phase: 'loading' | 'ready' | 'failed';
  /** Why the draft could not be loaded, or its template not be changed. */
  problem: ClientError | null;
  parameters: Parameters | null;
  /** The text of the default template. */
  defaults: string;
  /** The newest expansion; of an older text as long as it is not `fresh`. */
  preview: IDraftPreview | null;
  /** Whether `preview` belongs to the text and the name as they are now. */
  fresh: boolean;
  /** Why no expansion could be asked for. */
  previewProblem: ClientError | null;
  creating: boolean;
  /** What the server refused when the tasks were to be created. */
  refusals: FieldError[];
  /** What the last change of the template replaced. */
  replaced: { text: string; template: string } | null;
  /** Figures that tasks reported, to be optimised. */
  figures: readonly string[];
  /** Whether the server can search; null as long as nobody asked. */
  canSearch: boolean | null;
}

/** Before anything is loaded. */
export const EMPTY_DRAFT: IDraftState = {
  phase: 'loading',
  problem: null,
  parameters: null,
  defaults: '',
  text: '',
  name: '',
  run: { jobs: 1 },
  template: '',
  pinned: [],
  search: null,
  preview: null,
  fresh: false,
  previewProblem: null,
  creating: false,
  refusals: [],
  replaced: null,
  figures: [],
  canSearch: null
};

/** Each thing for which the server refused what was asked. */
export function refusalsOf(error: unknown): FieldError[] {
  const { code, message, field, line, column, errors } = asClientError(error);
  return errors.length > 0
    ? [...errors]
    : [{ code, message, field, line, column }];
}
