import type {
  AskRequest,
  AskResult,
  Dimension,
  SearchPreview,
  Study,
  StudyDetail,
  StudyRequest,
  TaskPage,
  Trial
} from '../../client/types';

/** A study as the server tells it. */
export function study(name: string, change: Partial<Study> = {}): Study {
  return {
    name,
    objective: 'acc',
    direction: 'maximize',
    objectives: [{ metric: 'acc', direction: 'maximize' }],
    constraints: [],
    n: 10,
    jobs: 1,
    sampler: 'tpe',
    n_startup_trials: 10,
    seed: 1,
    prune: '',
    min_resource: null,
    max_resource: null,
    reduction_factor: null,
    warm_start: 0,
    created_at: 1,
    state: 'finished',
    message: '',
    counts: { open: 0, complete: 0, pruned: 0, failed: 0 },
    best: null,
    pareto_front: [],
    driven: false,
    ...change
  };
}

export function trial(
  number: number,
  value: number | null,
  change: Partial<Trial> = {}
): Trial {
  return {
    number,
    task: `s_${number}`,
    state: value === null ? 'open' : 'complete',
    status: value === null ? 'running' : 'completed',
    value,
    objective_values: [value],
    constraint_values: [],
    is_feasible: true,
    pruned: null,
    started_at: null,
    finished_at: null,
    values: { lr: number / 10, opt: number % 2 ? 'adam' : 'sgd' },
    ...change
  };
}

export function detail(
  trials: Trial[],
  change: Partial<Study> = {}
): StudyDetail {
  const of = (state: Trial['state']) =>
    trials.filter(each => each.state === state).length;
  return {
    ...study('s', {
      counts: {
        open: of('open'),
        complete: of('complete'),
        pruned: of('pruned'),
        failed: of('failed')
      },
      ...change
    }),
    text: '',
    dimensions: [],
    trials,
    warm_start_trials: []
  };
}

export const LR: Dimension = {
  key: 'lr',
  kind: 'interval',
  low: 0.00001,
  high: 0.1,
  log: true,
  whole: false,
  values: [],
  line: 1,
  condition: null,
  otherwise: null,
  alternative: null
};

/** What a draft asks about searches, answered at once. */
export class Searches {
  available = true;
  figures = ['epoch', 'val_loss'];
  preview: SearchPreview = { dimensions: [LR], size: null, errors: [] };
  previewed: StudyRequest[] = [];
  begun: StudyRequest[] = [];

  /** What the script tells when it is asked. */
  asksScript: AskResult = {
    problem: 'The script ended.',
    missing: null,
    output: '',
    parameters: { kind: 'command', parameters: [], problems: [], error: null }
  };
  askedScript: AskRequest[] = [];

  askScript = async (ws: string, request: AskRequest) => {
    this.askedScript.push(request);
    return this.asksScript;
  };
  listColumns = async () => ({
    parameters: [],
    figures: this.figures.map(key => ({
      key,
      tasks: 1,
      goal: key === 'val_loss' ? ('minimize' as const) : null
    }))
  });
  listStudies = async () => ({
    available: this.available,
    items: [],
    damaged: []
  });
  listTasks = async (): Promise<TaskPage> => {
    throw new Error('not listed');
  };
  previewSearch = async (ws: string, request: StudyRequest) => {
    this.previewed.push(request);
    return this.preview;
  };
  beginStudy = async (ws: string, request: StudyRequest) => {
    this.begun.push(request);
    return study(request.name, { state: 'active' });
  };
}
