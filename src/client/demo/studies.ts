/** The adaptive sweeps of a workspace: each makes a trial when one has ended. */
import type {
  SearchPreview,
  Study,
  StudyChange,
  StudyDetail,
  StudyRequest,
  Trial
} from '../types';
import { misfits } from './fit';
import { checkName } from './naming';
import type { IQueueing } from './options';
import { readOptions } from './options';
import { Random } from './random';
import {
  allInvalid,
  asFieldError,
  conflict,
  invalid,
  notFound
} from './refusals';
import { ClientError } from '../errors';
import type { IEnding, IRun } from './run';
import { SearchSpace } from './searchspace';
import { SweepPlan } from './sweep';
import type { ITask } from './task';
import { isActive, latestRun, newTask } from './task';
import { pruningStep, trialName, trialOf } from './trials';
import type { Workspace } from './workspace';
import type { World } from './world';
import { readDocument, withValues } from './yaml';

/** Seconds from deciding that a run is stopped early to its end. */
const STOPPING = 0.8;

/** Trials in a row that may fail. */
const MOST_FAILURES = 5;

interface IStudy {
  readonly name: string;
  readonly objective: string;
  readonly direction: Study['direction'];
  n: number;
  readonly jobs: number;
  readonly sampler: Study['sampler'];
  readonly seed: number;
  readonly prune: Study['prune'];
  readonly createdAt: number;
  state: Study['state'];
  message: string;
  readonly text: string;
  readonly space: SearchSpace;
  readonly options: IQueueing;
}

/** The studies of one workspace. */
export class StudyDriver {
  constructor(workspace: Workspace, world: World) {
    this._workspace = workspace;
    this._world = world;
  }

  /** The newest first. */
  list(): Study[] {
    return [...this._studies.values()]
      .sort((a, b) => b.createdAt - a.createdAt)
      .map(study => this._told(study));
  }

  detail(name: string): StudyDetail {
    const study = this._study(name);
    return {
      ...this._told(study),
      text: study.text,
      trials: this._trials(study)
    };
  }

  preview(request: StudyRequest): SearchPreview {
    try {
      const { space } = this._read(request);
      return { dimensions: space.told(), size: space.size, errors: [] };
    } catch (error) {
      if (!(error instanceof ClientError)) {
        throw error;
      }
      const several = error.errors.length > 0;
      const errors = several ? [...error.errors] : [asFieldError(error)];
      return { dimensions: [], size: null, errors };
    }
  }

  begin(request: StudyRequest): Study {
    const study = this._read(request);
    this._studies.set(study.name, study);
    this._world.settle();
    return this._told(study);
  }

  change(name: string, { action, n, running }: StudyChange): Study {
    const study = this._study(name);
    if (action === 'resume') {
      this._resume(study, n ?? study.n);
    } else {
      study.state = study.state === 'active' ? 'stopped' : study.state;
      for (const task of this._tasks(study)) {
        if (task.status === 'queued' || (running && isActive(task))) {
          this._workspace.queue.cancel(task);
        }
      }
    }
    this._world.settle();
    return this._told(study);
  }

  remove(name: string): void {
    if (this._study(name).state === 'active') {
      throw conflict(`The study ${name} is active. Stop it first.`);
    }
    this._studies.delete(name);
  }

  /** Make the trials whose turn it is. */
  step(): void {
    for (const study of this._studies.values()) {
      while (study.state === 'active' && this._ask(study)) {
        // One more was made.
      }
    }
  }

  /** Decide whether a run that begins will promise too little on its way. */
  onStarted(task: ITask, run: IRun): void {
    const study = task.study && this._studies.get(task.study.name);
    if (!study?.prune) {
      return;
    }
    const others = this._tasks(study)
      .filter(other => other.status === 'completed')
      .flatMap(other => latestRun(other) ?? []);
    const step = pruningStep(run, others, study);
    const point = run.course.points[(step ?? 0) - 1];
    const at = run.startedAt + (point?.at ?? Infinity) + STOPPING;
    if (step !== null && at < run.ending.at) {
      const best = study.prune === 'median' ? 'half' : 'quarter';
      run.ending = {
        at,
        status: 'cancelled',
        exitCode: -15,
        message: `Pruned after step ${step} of ${study.objective}, because the best ${best} of the trials of ${study.name} were better at this step.`
      };
      this._prunings.set(run.ending, step);
    }
  }

  onEnded(task: ITask, run: IRun): void {
    const pruned = this._prunings.get(run.ending);
    if (task.study && pruned !== undefined) {
      task.study = { ...task.study, pruned };
    }
  }

  private _study(name: string): IStudy {
    const study = this._studies.get(name);
    if (!study) {
      throw notFound(
        `The study '${name}' does not exist in the workspace '${this._workspace.project.name}'.`
      );
    }
    return study;
  }

  /** Read a request; throws when it cannot be used. */
  private _read(request: StudyRequest): IStudy {
    const { project } = this._workspace;
    checkName(request.name);
    if (!request.objective.trim()) {
      throw invalid(
        'The objective is empty. Enter the metric to optimize, such as val_acc.',
        {
          field: 'objective'
        }
      );
    }
    if (project.kind === 'shell') {
      throw invalid(
        'A folder workspace has no parameters for a study. Open a script.',
        {
          field: 'yaml'
        }
      );
    }
    const options = readOptions(request.run, project.usesGpu ? 1 : 0);
    const text = overlaid(project.template, request.text);
    const space = new SearchSpace(text);
    const errors =
      space.errors.length > 0
        ? space.errors
        : misfits(new SweepPlan(space.corners()), project.parameters);
    if (errors.length > 0) {
      throw allInvalid(errors);
    }
    const n = request.n ?? 50;
    if (space.size !== null && space.size < n) {
      throw invalid(
        `The search space has only ${space.size} configurations, fewer than ${n} trials. Reduce the number of trials, or create a sweep that runs each configuration once.`,
        { field: 'n' }
      );
    }
    if (this._studies.has(request.name)) {
      throw conflict(
        `A study named '${request.name}' already exists. Choose another name.`,
        'name'
      );
    }
    const taken = this._workspace.names;
    for (let number = 1; number <= n; number++) {
      const name = trialName(request.name, n, number);
      if (taken.has(name)) {
        throw conflict(
          `A task named '${name}' already exists. Choose another name.`,
          'name'
        );
      }
    }
    return {
      name: request.name,
      objective: request.objective.trim(),
      direction: request.direction ?? 'maximize',
      n,
      jobs: request.jobs ?? 1,
      sampler: request.sampler ?? 'tpe',
      seed: request.seed ?? 0,
      prune: request.prune ?? '',
      createdAt: this._world.time,
      state: 'active',
      message: '',
      text,
      space,
      options
    };
  }

  private _resume(study: IStudy, n: number): void {
    if (study.state === 'finished' && this._tasks(study).length >= n) {
      throw invalid(
        `The study ${study.name} has ${this._tasks(study).length} trials. Enter a higher number of trials.`,
        { field: 'n' }
      );
    }
    if (study.space.size !== null && study.space.size < n) {
      throw invalid(
        `The search space has only ${study.space.size} configurations, fewer than ${n} trials. Reduce the number of trials.`,
        { field: 'n' }
      );
    }
    study.n = n;
    study.state = 'active';
    study.message = '';
  }

  /** Make one more trial; tells whether there was one to be made. */
  private _ask(study: IStudy): boolean {
    const trials = this._trials(study);
    const open = trials.filter(trial => trial.state === 'open').length;
    const ended = trials.filter(trial => trial.state !== 'open');
    const last = ended.slice(-MOST_FAILURES);
    if (
      last.length === MOST_FAILURES &&
      last.every(trial => trial.state === 'failed')
    ) {
      study.state = 'failed';
      study.message = `${MOST_FAILURES} trials in a row failed.`;
    } else if (trials.length >= study.n && open === 0) {
      study.state = 'finished';
    }
    if (
      study.state !== 'active' ||
      trials.length >= study.n ||
      open >= study.jobs
    ) {
      return false;
    }
    this._make(study, trials);
    return true;
  }

  private _make(study: IStudy, trials: readonly Trial[]): void {
    const numbers = trials.map(trial => trial.number);
    const number = Math.max(0, ...numbers) + 1;
    const sign = study.direction === 'maximize' ? -1 : 1;
    const ranked = trials
      .filter(trial => trial.state === 'complete')
      .sort((a, b) => sign * (Number(a.value) - Number(b.value)));
    const best = ranked.slice(0, Math.ceil(ranked.length / 4));
    const tasks = this._workspace.tasks;
    const { values, config } = study.space.suggest(
      new Random(`${study.seed} ${study.name} ${number}`),
      study.sampler === 'random'
        ? []
        : best.map(trial => tasks.get(trial.task)?.swept ?? {}),
      trials.length
    );
    const task = newTask({
      name: trialName(study.name, study.n, number),
      kind: 'python',
      config,
      createdAt: this._world.time,
      swept: values,
      batch: study.name,
      study: { name: study.name, number, pruned: null }
    });
    this._workspace.add(task);
    this._workspace.queue.submit([task], study.options);
  }

  private _tasks(study: IStudy): ITask[] {
    return [...this._workspace.tasks.values()]
      .filter(task => task.study?.name === study.name)
      .sort((a, b) => Number(a.study?.number) - Number(b.study?.number));
  }

  private _trials(study: IStudy): Trial[] {
    return this._tasks(study).flatMap(
      task => trialOf(task, study.objective, this._world.time) ?? []
    );
  }

  private _told(study: IStudy): Study {
    const trials = this._trials(study);
    const complete = trials.filter(trial => trial.state === 'complete');
    const sign = study.direction === 'maximize' ? 1 : -1;
    const best = complete.reduce<Trial | null>(
      (found, trial) =>
        found && sign * Number(trial.value) <= sign * Number(found.value)
          ? found
          : trial,
      null
    );
    const count = (state: Trial['state']) =>
      trials.filter(trial => trial.state === state).length;
    const { name, objective, direction, n, jobs, sampler, seed, prune } = study;
    return {
      ...{ name, objective, direction, n, jobs, sampler, seed, prune },
      created_at: study.createdAt,
      state: study.state,
      message: study.message,
      counts: {
        open: count('open'),
        complete: complete.length,
        pruned: count('pruned'),
        failed: count('failed')
      },
      best,
      driven: study.state === 'active'
    };
  }

  private readonly _workspace: Workspace;
  private readonly _world: World;
  private readonly _studies = new Map<string, IStudy>();
  /** After which point a run is stopped that ends so. */
  private readonly _prunings = new Map<IEnding, number>();
}

/** The default configuration with the values of another text in it. */
function overlaid(template: string, text: string): string {
  const whole = readDocument(template);
  const part = readDocument(text);
  const known = new Set(whole.leaves.map(leaf => leaf.key));
  if (
    part.errors.length > 0 ||
    [...known].every(key => part.leaves.some(leaf => leaf.key === key))
  ) {
    return text;
  }
  const more = part.leaves.filter(leaf => !known.has(leaf.key));
  return (
    withValues(
      whole,
      new Map(part.leaves.map(leaf => [leaf.key, leaf.source]))
    ) + more.map(leaf => `${leaf.key}: ${leaf.source}\n`).join('')
  );
}
