/** One run of a task: how far it is at a moment, and how it ends. */
import type { TaskStatus } from '../types';
import type { ICourse, IPoint, IProject } from './course';
import type { Values } from './values';
import { valuesOf } from './yaml';

/** How a run ends. */
export interface IEnding {
  readonly at: number;
  readonly status: TaskStatus;
  readonly exitCode: number | null;
  readonly message: string | null;
}

export interface IRun {
  readonly index: number;
  readonly startedAt: number;
  /** Indices of the GPUs that are reserved for it. */
  readonly gpus: readonly number[];
  /** GiB that it asked for of each of them. */
  readonly gpuMemory: number;
  readonly pid: number;
  readonly config: string;
  readonly values: Values;
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly course: ICourse;
  /** How it will end, as things are; another one once it is stopped. */
  ending: IEnding;
  isOver: boolean;
}

export interface IStart {
  readonly project: IProject;
  readonly index: number;
  readonly at: number;
  readonly config: string;
  readonly env: Readonly<Record<string, string>>;
  readonly gpus: readonly number[];
  readonly gpuMemory: number;
  readonly isCrowded: boolean;
  /** Seconds after which it is stopped and counts as failed. */
  readonly timeLimit: number | null;
}

/** Begin a run. */
export function beginRun(start: IStart): IRun {
  const { project, index, at, config, env, gpus, gpuMemory } = start;
  const values = project.kind === 'shell' ? {} : valuesOf(config);
  const course = project.course({
    seed: config,
    config,
    values,
    env,
    gpu: gpus[0] ?? null,
    isCrowded: start.isCrowded
  });
  return {
    index,
    startedAt: at,
    gpus,
    gpuMemory,
    pid: 4000 + (Math.floor(at * 7) % 28000),
    config,
    values,
    env,
    command: project.command(config, values),
    course,
    ending: endingOf(course, at, start.timeLimit),
    isOver: false
  };
}

function endingOf(course: ICourse, at: number, limit: number | null): IEnding {
  if (limit !== null && limit < course.seconds) {
    return {
      at: at + limit,
      status: 'failed',
      exitCode: -15,
      message: `Stopped because it exceeded its time limit of ${limit} s.`
    };
  }
  const { failure, seconds } = course;
  return {
    at: at + seconds,
    status: failure ? 'failed' : 'completed',
    exitCode: failure?.exitCode ?? 0,
    message: failure?.message ?? null
  };
}

export function statusOf(run: IRun): TaskStatus {
  return run.isOver ? run.ending.status : 'running';
}

/** Until when anything of a run happened. */
function until(run: IRun, now: number): number {
  return Math.min(now, run.ending.at) - run.startedAt;
}

/** The points that a run has reported. */
export function pointsOf(run: IRun, now: number): readonly IPoint[] {
  const { points } = run.course;
  return points.slice(0, pointCount(run, now));
}

export function pointCount(run: IRun, now: number): number {
  const { points } = run.course;
  const seconds = until(run, now);
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle].at <= seconds) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** What a run recorded: at its end, and only when it completed. */
export function recordsOf(run: IRun): Readonly<Record<string, number>> {
  return statusOf(run) === 'completed' ? run.course.records : {};
}

/** The newest point of each curve, and the records. */
export function figuresOf(run: IRun, now: number): Record<string, number> {
  const count = pointCount(run, now);
  return { ...run.course.points[count - 1]?.values, ...recordsOf(run) };
}

export function progressOf(run: IRun, now: number): number {
  if (run.isOver) {
    return run.ending.status === 'completed' ? 1 : 0;
  }
  const { planned, seconds } = run.course;
  return planned > 0
    ? pointCount(run, now) / planned
    : Math.min(0.99, until(run, now) / seconds);
}
