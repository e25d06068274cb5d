/** A task as the simulated world keeps it, and as clients are told of it. */
import type { RunInfo, TaskDetail, TaskRow, TaskStatus } from '../types';
import { logSize } from './logs';
import type { IRun } from './run';
import { figuresOf, pointCount, progressOf, recordsOf, statusOf } from './run';
import { GPU_NAME, HOST, SOURCE, SYSTEM } from './machine';
import { hashOf } from './random';
import type { Values } from './values';
import { strictValues } from './values';

/** All statuses, in the order in which tables sort them. */
export const STATUSES: readonly TaskStatus[] = [
  'pending',
  'queued',
  'running',
  'completed',
  'failed',
  'cancelled'
];

export interface ITask {
  name: string;
  readonly kind: TaskRow['kind'];
  readonly config: string;
  readonly swept: Values;
  readonly createdAt: number;
  /** What it was called with the others of its sweep. */
  readonly batch: string;
  status: TaskStatus;
  pinned: boolean;
  notes: string;
  tags: readonly string[];
  env: Readonly<Record<string, string>>;
  order: number | null;
  runs: IRun[];
  study: TaskRow['study'];
  /** Why it was cancelled while it waited. */
  message: string | null;
  /** Its first run meets a GPU that somebody else has filled. */
  isUnlucky: boolean;
  /** The revision of the workspace in which it changed last. */
  changedAt: number;
  /** Points of its current run that clients were told of. */
  told: number;
}

export function newTask(
  facts: Pick<ITask, 'name' | 'kind' | 'config' | 'createdAt'> & Partial<ITask>
): ITask {
  return {
    swept: {},
    batch: facts.name,
    status: 'pending',
    pinned: false,
    notes: '',
    tags: [],
    env: {},
    order: null,
    runs: [],
    study: null,
    message: null,
    isUnlucky: false,
    changedAt: 0,
    told: 0,
    ...facts
  };
}

export function isActive(task: ITask): boolean {
  return task.status === 'queued' || task.status === 'running';
}

export function latestRun(task: ITask): IRun | undefined {
  return task.runs[task.runs.length - 1];
}

/** How many points of a task's latest run there are. */
export function countPoints(task: ITask, now: number): number {
  const run = latestRun(task);
  return run ? pointCount(run, now) : 0;
}

/** The figures of a task as numbers. */
export function taskFigures(task: ITask, now: number): Record<string, number> {
  const run = latestRun(task);
  return run ? figuresOf(run, now) : {};
}

/** GPU-hours of the latest run; null while it runs, and without GPUs. */
export function gpuHours(task: ITask): number | null {
  const run = latestRun(task);
  return run?.isOver && run.gpus.length > 0
    ? (run.gpus.length * (run.ending.at - run.startedAt)) / 3600
    : null;
}

export function rowOf(task: ITask, now: number): TaskRow {
  const run = latestRun(task);
  const isOver = run?.isOver === true;
  return {
    name: task.name,
    status: task.status,
    kind: task.kind,
    pinned: task.pinned,
    created_at: task.createdAt,
    runs: task.runs.length,
    run: task.runs.length,
    started_at: run?.startedAt ?? null,
    finished_at: isOver ? run.ending.at : null,
    duration: isOver ? run.ending.at - run.startedAt : null,
    exit_code: isOver ? run.ending.exitCode : null,
    gpu_hours: gpuHours(task),
    energy_kwh: null,
    progress: run && task.status !== 'queued' ? progressOf(run, now) : 0,
    swept: strictValues(task.swept),
    figures: strictValues(taskFigures(task, now)),
    message: messageOf(task),
    tags: [...task.tags],
    order: task.order,
    readable: true,
    silent_since: null,
    study: task.study && { ...task.study },
    alert: null
  };
}

function messageOf(task: ITask): string | null {
  if (task.status !== 'failed' && task.status !== 'cancelled') {
    return null;
  }
  return task.message ?? latestRun(task)?.ending.message ?? null;
}

export function detailOf(task: ITask, now: number): TaskDetail {
  return {
    task: rowOf(task, now),
    config: task.config,
    notes: task.notes,
    env: variablesOf(task.env),
    history: task.runs.map(run => runInfo(task, run, now))
  };
}

const SECRET = /key|token|secret|password|passwd|credential/i;

/** Variables as they are told: those that hold secrets without a value. */
export function variablesOf(
  env: Readonly<Record<string, string>>
): TaskDetail['env'] {
  return Object.entries(env).map(([name, value]) => {
    const secret = SECRET.test(name);
    return { name, value: secret ? null : value, secret };
  });
}

function runInfo(task: ITask, run: IRun, now: number): RunInfo {
  const { ending, isOver } = run;
  const isPython = task.kind === 'python';
  return {
    index: run.index,
    status: statusOf(run),
    started_at: run.startedAt,
    finished_at: isOver ? ending.at : null,
    duration: isOver ? ending.at - run.startedAt : null,
    exit_code: isOver ? ending.exitCode : null,
    pid: run.pid,
    records: strictValues(recordsOf(run)),
    log_size: logSize(task, run, now),
    source: SOURCE,
    code: null,
    environment: {
      host: HOST,
      system: SYSTEM,
      python: isPython ? '3.12.4' : '',
      executable: run.command[0],
      packages: isPython ? hashOf('packages').toString(16) : '',
      gpus: run.gpus.map(() => GPU_NAME),
      cluster_job: ''
    }
  };
}
