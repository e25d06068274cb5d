/** The state of a draft. */
import type { ClientError } from '../client/errors';
import { asClientError } from '../client/errors';
import { asRecord, asText, asTexts } from '../client/shapes';
import type {
  FieldError,
  IClient,
  Parameters,
  RunOptions
} from '../client/types';
import type { Goals } from './metrics';
import { asRunOptions } from './runoptions';
import type { IDraftPreview, IStudyForm } from './studyform';
import { asStudyForm } from './studyform';

/** The operations that a draft needs. */
export type DraftClient = Pick<
  IClient,
  | 'askScript'
  | 'beginStudy'
  | 'createTasks'
  | 'getParameters'
  | 'getTemplate'
  | 'joinConfigurations'
  | 'listColumns'
  | 'listStudies'
  | 'listTasks'
  | 'previewSearch'
  | 'previewSweep'
>;

/** What is saved of a draft. */
export interface ISavedDraft {
  text: string;
  name: string;
  /** Run options, if the tasks are also queued. */
  run: RunOptions;
  /** The task or file that was the template; '' for the default. */
  template: string;
  /** Keys at the top of the form, in their order. */
  pinned: readonly string[];
  /** The study; null for a sweep. */
  search: IStudyForm | null;
}

export interface IDraftState extends ISavedDraft {
  phase: 'loading' | 'ready' | 'failed';
  /** Why the draft or a template could not be loaded. */
  problem: ClientError | null;
  parameters: Parameters | null;
  /** Whether the script is being asked for its parameters. */
  asking: boolean;
  /** Why the script did not tell its parameters. */
  askProblem: { message: string; missing: string | null } | null;
  /** The text of the default template. */
  defaults: string;
  /** The last preview; of an older text if it is not `fresh`. */
  preview: IDraftPreview | null;
  /** Whether `preview` belongs to the current text and name. */
  fresh: boolean;
  /** Why the preview could not be loaded. */
  previewProblem: ClientError | null;
  /** Whether the preview has the command line of each task. */
  commands: boolean;
  /** Whether the script's parser has to accept the command lines of new tasks. */
  check: boolean;
  creating: boolean;
  /** Why the server refused the last creation. */
  refusals: FieldError[];
  /** What the last change of the template replaced. */
  replaced: { text: string; template: string } | null;
  /** Metrics of existing tasks, as possible objectives. */
  metrics: readonly string[];
  /** The known goals of these metrics. */
  goals: Goals;
  /** Whether the server supports studies; null before that is known. */
  canSearch: boolean | null;
}

/** The state before anything is loaded. */
export const EMPTY_DRAFT: IDraftState = {
  phase: 'loading',
  problem: null,
  parameters: null,
  asking: false,
  askProblem: null,
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
  commands: false,
  check: false,
  creating: false,
  refusals: [],
  replaced: null,
  metrics: [],
  goals: {},
  canSearch: null
};

/** Read a saved draft; null when there was none. */
export function asSavedDraft(value: unknown): ISavedDraft | null {
  const { text, name, run, template, pinned, search } = asRecord(value);
  if (typeof text !== 'string' || typeof name !== 'string') {
    return null;
  }
  return {
    text,
    name,
    run: asRunOptions(run, Number(asRecord(run).jobs) || 1),
    template: asText(template),
    pinned: asTexts(pinned),
    search: asStudyForm(search)
  };
}

/** Return the reasons for which the server refused a request. */
export function refusalsOf(error: unknown): FieldError[] {
  const { code, message, field, line, column, errors } = asClientError(error);
  return errors.length > 0
    ? [...errors]
    : [{ code, message, field, line, column }];
}
