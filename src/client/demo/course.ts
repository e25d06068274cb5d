/** How a run would go if nobody stopped it: its points, its output, its end. */
import type { Parameters, TaskRow } from '../types';
import type { Values } from './values';

/** What a run reports at a moment, in seconds after its start. */
export interface IPoint {
  readonly at: number;
  readonly values: Readonly<Record<string, number>>;
}

/** A piece of output, in seconds after the start of its run. */
export interface IOutput {
  readonly at: number;
  readonly text: string;
}

/** A file that a run leaves when it completes. */
export interface IFile {
  readonly path: string;
  readonly type: string;
  text(): string;
}

export interface ICourse {
  /** How long it takes. */
  readonly seconds: number;
  readonly points: readonly IPoint[];
  /** How many points there would be without a failure. */
  readonly planned: number;
  readonly records: Readonly<Record<string, number>>;
  /** What it dies of, null when it completes. */
  readonly failure: {
    readonly exitCode: number;
    readonly message: string;
  } | null;
  /** Bytes that it needs on its GPU, and how busy it keeps that, in percent. */
  readonly gpuMemory: number;
  readonly gpuLoad: number;
  readonly output: () => IOutput[];
  readonly files: readonly IFile[];
}

/** What a run is given. */
export interface IGiven {
  /** The same text means the same course. */
  readonly seed: string;
  readonly config: string;
  readonly values: Values;
  readonly env: Readonly<Record<string, string>>;
  /** Where it runs; null without a GPU. */
  readonly gpu: number | null;
  /** Somebody else has filled the GPU. */
  readonly isCrowded: boolean;
}

/** A script or shell workspace and what its runs do. */
export interface IProject {
  readonly id: string;
  readonly name: string;
  readonly kind: 'script' | 'shell';
  /** Folder of the project. */
  readonly path: string;
  readonly script: string;
  readonly template: string;
  readonly parameters: Parameters;
  readonly taskKind: TaskRow['kind'];
  /** Whether a task takes a GPU unless its queueing says otherwise. */
  readonly usesGpu: boolean;
  /** The words with which a run is started. */
  command(config: string, values: Values): string[];
  course(given: IGiven): ICourse;
}

export const GIB = 2 ** 30;

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** A number of a configuration, or what stands for it there. */
export function numberAt(values: Values, key: string, usual: number): number {
  const value = values[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : usual;
}

/** A number with as many digits as scripts print. */
export function rounded(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(6)) : value;
}
