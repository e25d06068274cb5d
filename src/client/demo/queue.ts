/** What waits in a project, what starts next, and why nothing more does. */
import type { QueuedBatch } from '../types';
import type { IQueueing } from './options';
import { conflict, notFound } from './refusals';
import type { IRun } from './run';
import { beginRun } from './run';
import type { ITask } from './task';
import { isActive, latestRun } from './task';
import type { Workspace } from './workspace';
import type { World } from './world';

/** Names that are told of what waits. */
const NEXT = 20;

/** Seconds from asking a run to stop until it is gone. */
const STOPPING = 0.8;

/** How a task stands that others wait for, as the end of a sentence. */
const LIVING: Record<string, string> = {
  running: 'running',
  queued: 'queued',
  pending: 'not queued'
};
const ENDED: Record<string, string> = {
  failed: 'failed',
  cancelled: 'was cancelled',
  gone: 'was deleted'
};

interface IEntry {
  readonly task: ITask;
  /** Runs that may still follow a failed one. */
  readonly retries: number;
  readonly delay: number;
  readonly notBefore: number;
}

interface IBatch {
  readonly id: string;
  readonly createdAt: number;
  readonly options: IQueueing;
  readonly total: number;
  waiting: IEntry[];
  running: IEntry[];
  why: string;
  /** How many runs in a row died of the same. */
  streak: { message: string; length: number };
}

/** The queue of one project. */
export class Queue {
  constructor(workspace: Workspace, world: World) {
    this._workspace = workspace;
    this._world = world;
  }

  isPaused = false;

  /** When something happens by itself next. */
  get next(): number {
    let next = Infinity;
    for (const batch of this._batches) {
      for (const { task } of batch.running) {
        next = Math.min(next, latestRun(task)?.ending.at ?? Infinity);
      }
      for (const { notBefore } of batch.waiting) {
        if (notBefore > this._world.time) {
          next = Math.min(next, notBefore);
        }
      }
    }
    return next;
  }

  /** What runs here and has GPUs. */
  get running(): { task: ITask; run: IRun }[] {
    return this._batches.flatMap(batch =>
      batch.running.flatMap(({ task }) => {
        const run = latestRun(task);
        return run ? [{ task, run }] : [];
      })
    );
  }

  /** Queue tasks; those that are queued or run already are refused. */
  submit(
    tasks: readonly ITask[],
    options: IQueueing
  ): { queued: string[]; refused: Map<string, string> } {
    this.checkAfter(tasks, options);
    const refused = new Map<string, string>();
    const claimed = tasks.filter(task => {
      if (isActive(task)) {
        refused.set(
          task.name,
          `The task '${task.name}' is already ${task.status}.`
        );
      }
      return !isActive(task);
    });
    if (claimed.length > 0) {
      const number = String(++this._count).padStart(4, '0');
      this._batches.push({
        id: `${Math.floor(this._world.time)}-${number}`,
        createdAt: this._world.time,
        options,
        total: claimed.length,
        waiting: claimed.map(task => ({
          task,
          retries: options.retries,
          delay: options.retryDelay,
          notBefore: 0
        })),
        running: [],
        why: '',
        streak: { message: '', length: 0 }
      });
    }
    for (const task of claimed) {
      task.status = 'queued';
      task.message = null;
      this._workspace.touch(task);
    }
    return { queued: claimed.map(task => task.name), refused };
  }

  /** Stop a task: one that waits at once, one that runs in a moment. */
  cancel(task: ITask, message: string | null = null): void {
    if (!isActive(task)) {
      throw conflict(
        `The task '${task.name}' is ${task.status}, so it cannot be stopped.`
      );
    }
    if (task.status === 'queued') {
      this._drop(task, message);
      return;
    }
    const run = latestRun(task);
    if (run) {
      const at = this._world.time + STOPPING;
      if (at < run.ending.at) {
        run.ending = { at, status: 'cancelled', exitCode: -15, message };
      }
    }
  }

  /** Write down what has ended by now. */
  settle(): void {
    for (const batch of this._batches) {
      const over = batch.running.filter(({ task }) => {
        const run = latestRun(task);
        return run !== undefined && run.ending.at <= this._world.time;
      });
      over.forEach(entry => this._end(batch, entry));
    }
    this._batches = this._batches.filter(
      batch => batch.waiting.length + batch.running.length > 0
    );
  }

  /** Start what may start now. */
  fill(): void {
    this._inOrder().forEach(batch => this._fill(batch));
    this._batches = this._batches.filter(
      batch => batch.waiting.length + batch.running.length > 0
    );
  }

  told(): QueuedBatch[] {
    return this._inOrder().map(batch => ({
      id: batch.id,
      workspace: this._workspace.project.name,
      created_at: batch.createdAt,
      options: { ...batch.options.given },
      total: batch.total,
      waiting: batch.waiting.length,
      running: batch.running.length,
      why: batch.why,
      next: batch.waiting.slice(0, NEXT).map(({ task }) => task.name),
      foreign: false
    }));
  }

  private _inOrder(): IBatch[] {
    return [...this._batches].sort(
      (a, b) =>
        b.options.priority - a.options.priority || (a.id < b.id ? -1 : 1)
    );
  }

  private _fill(batch: IBatch): void {
    const { time } = this._world;
    batch.why = '';
    for (const entry of [...batch.waiting]) {
      const why = this._hold(batch);
      if (why) {
        batch.why = why;
        return;
      }
      if (entry.notBefore > time) {
        batch.why = 'Waiting for the retry delay.';
        continue;
      }
      const gpus = this._world.reserve(batch.options);
      if (typeof gpus === 'string') {
        batch.why = gpus;
        return;
      }
      batch.waiting = batch.waiting.filter(one => one !== entry);
      batch.running.push(entry);
      this._begin(entry.task, batch.options, gpus);
    }
  }

  private _begin(
    task: ITask,
    options: IQueueing,
    gpus: readonly number[]
  ): void {
    const run = beginRun({
      project: this._workspace.project,
      index: task.runs.length + 1,
      at: this._world.time,
      config: task.config,
      env: task.env,
      gpus,
      gpuMemory: gpus.length > 0 ? options.gpuMemory : 0,
      isCrowded: task.isUnlucky && task.runs.length === 0,
      timeLimit: options.timeLimit
    });
    task.runs.push(run);
    task.status = 'running';
    this._workspace.studies.onStarted(task, run);
    this._workspace.touch(task);
  }

  private _end(batch: IBatch, entry: IEntry): void {
    const { task } = entry;
    const run = latestRun(task);
    if (!run) {
      return;
    }
    run.isOver = true;
    task.status = run.ending.status;
    this._workspace.studies.onEnded(task, run);
    batch.running = batch.running.filter(one => one !== entry);
    if (task.status === 'failed') {
      const message = run.ending.message ?? '';
      const { streak } = batch;
      batch.streak = {
        message,
        length: streak.message === message ? streak.length + 1 : 1
      };
      if (entry.retries > 0) {
        task.status = 'queued';
        batch.waiting.push({
          task,
          retries: entry.retries - 1,
          delay: 2 * entry.delay,
          notBefore: run.ending.at + entry.delay
        });
      }
    } else if (task.status === 'completed') {
      batch.streak = { message: '', length: 0 };
    }
    this._workspace.touch(task);
    const { stopAfter } = batch.options;
    if (stopAfter > 0 && batch.streak.length >= stopAfter) {
      this._giveUp(
        batch,
        `Cancelled because ${batch.streak.length} runs in a row failed with ${batch.streak.message}.`
      );
    }
  }

  private _giveUp(batch: IBatch, why: string): void {
    batch.waiting.forEach(({ task }) => this._drop(task, why));
  }

  /** Let a task wait no more. */
  private _drop(task: ITask, message: string | null): void {
    for (const batch of this._batches) {
      batch.waiting = batch.waiting.filter(entry => entry.task !== task);
    }
    task.status = 'cancelled';
    task.message = message;
    this._workspace.touch(task);
  }

  /** Why nothing of a batch starts now, '' when something may. */
  private _hold(batch: IBatch): string {
    const { jobs, after, afterAny } = batch.options;
    if (this.isPaused) {
      return 'The queue is paused.';
    }
    if (batch.running.length >= jobs) {
      const tasks = jobs === 1 ? 'task is' : 'tasks are';
      return `Concurrency limit reached: ${jobs} of ${jobs} ${tasks} running (-j ${jobs}).`;
    }
    for (const name of [...after, ...afterAny]) {
      const status = this._workspace.tasks.get(bare(name))?.status ?? 'gone';
      if (status in LIVING) {
        return `Waiting for ${name}, which is ${LIVING[status]}.`;
      }
      if (after.includes(name) && status in ENDED) {
        const why = `Cancelled because it depends on ${name}, which ${ENDED[status]}.`;
        this._giveUp(batch, why);
        return why;
      }
    }
    return '';
  }

  /** Throws when tasks are to wait for what is not there, or for themselves. */
  checkAfter(tasks: readonly ITask[], options: IQueueing): void {
    for (const name of [...options.after, ...options.afterAny]) {
      if (!this._workspace.tasks.has(bare(name))) {
        throw notFound(`The dependency '${name}' does not exist.`);
      }
      if (tasks.some(task => task.name === bare(name))) {
        throw conflict(`'${name}' cannot depend on itself.`, 'after');
      }
    }
  }

  private readonly _workspace: Workspace;
  private readonly _world: World;
  private _batches: IBatch[] = [];
  private _count = 0;
}

/** A task's name without the workspace that may stand before it. */
function bare(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
