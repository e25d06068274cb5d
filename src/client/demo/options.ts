/** Options of a queueing, checked and with what is usual. */
import type { RunOptions } from '../types';
import { GPU_COUNT, GPU_GIB, gpuUuid } from './machine';
import { beyondDemo, invalid } from './refusals';
import { numberOf } from './values';

/** What the queue needs to know of the options that were given. */
export interface IQueueing {
  /** As they were given, to be told again. */
  readonly given: RunOptions;
  readonly jobs: number;
  readonly priority: number;
  readonly retries: number;
  readonly retryDelay: number;
  readonly timeLimit: number | null;
  readonly stopAfter: number;
  readonly after: readonly string[];
  readonly afterAny: readonly string[];
  readonly gpus: number;
  /** GiB that a task takes of each of its GPUs. */
  readonly gpuMemory: number;
  /** Indices to choose from. */
  readonly devices: readonly number[];
}

const UNITS: Record<string, number> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86400,
  w: 604800
};

/** The seconds of `90s`, `10m` or `1h30m`, null for other text. */
export function durationOf(text: string): number | null {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([smhdw])/gy)];
  const length = parts.reduce((sum, part) => sum + part[0].length, 0);
  return parts.length > 0 && length === text.length
    ? parts.reduce(
        (sum, [, count, unit]) => sum + Number(count) * UNITS[unit],
        0
      )
    : null;
}

/**
 * Check what was given.
 *
 * @param gpus - how many GPUs a task takes when nothing else is said
 */
export function readOptions(
  given: RunOptions | null | undefined,
  gpus: number
): IQueueing {
  const options = withoutNothing(given ?? {});
  const isCluster = Boolean(options.engine && options.engine !== 'local');
  if (isCluster || options.cluster) {
    throw beyondDemo(
      'it has no cluster. Use the local executor.',
      isCluster ? 'engine' : 'cluster'
    );
  }
  if (options.alerts?.length) {
    throw beyondDemo('it watches no metrics.', 'alerts');
  }
  const wanted = whole(options, 'gpus', gpus, 0, 64);
  const devices = devicesOf(options.gpu_devices);
  if (wanted > devices.length) {
    throw invalid(
      `A task needs ${wanted} GPUs, but only ${devices.length} can be used here.`,
      { field: options.gpus ? 'gpus' : 'gpu_devices' }
    );
  }
  const { memory } = options;
  if (typeof memory === 'string' && !MEMORY.test(memory)) {
    throw invalid(
      `memory must be a size with a unit, such as 800M or 16G, not '${memory}'.`,
      { field: 'memory' }
    );
  }
  return {
    given: { jobs: 1, ...options },
    jobs: whole(options, 'jobs', 1, 1, 1000),
    priority: whole(options, 'priority', 0, -1e6, 1e6),
    retries: whole(options, 'retries', 0, 0, 100),
    retryDelay: seconds(options, 'retry_delay') ?? 10,
    timeLimit: seconds(options, 'time_limit'),
    stopAfter: whole(options, 'stop_after', 0, 0, 1e6),
    after: options.after ?? [],
    afterAny: options.after_any ?? [],
    gpus: wanted,
    gpuMemory: memoryOf(options.gpu_memory),
    devices
  };
}

/** An amount of memory; the tasks of this demo use none. */
const MEMORY = /^(?=.*[1-9])\d+(\.\d+)? ?[KMGT](i?B)?$/i;

function withoutNothing(options: RunOptions): RunOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== null)
  );
}

function whole(
  options: RunOptions,
  key: 'jobs' | 'priority' | 'retries' | 'stop_after' | 'gpus',
  usual: number,
  low: number,
  high: number
): number {
  const value = options[key] ?? usual;
  if (!Number.isInteger(value) || value < low || value > high) {
    throw invalid(
      `${key} must be a whole number from ${low} to ${high}, not ${value}.`,
      { field: key }
    );
  }
  return value;
}

function seconds(
  options: RunOptions,
  key: 'retry_delay' | 'time_limit'
): number | null {
  const value = options[key];
  if (value === undefined || value === null) {
    return null;
  }
  const found =
    typeof value === 'number' ? value : (durationOf(value) ?? numberOf(value));
  if (found === null) {
    throw invalid(
      `${key} must be a number of seconds or a duration such as 90s, 10m or 1h30m, not '${value}'.`,
      { field: key }
    );
  }
  return found;
}

function memoryOf(value: RunOptions['gpu_memory']): number {
  if (value === undefined || value === null) {
    return GPU_GIB;
  }
  if (value === 'auto') {
    return 2;
  }
  const found = typeof value === 'number' ? value : numberOf(value);
  if (found === null || found <= 0 || found > GPU_GIB) {
    throw invalid(
      `gpu_memory must be a number of GiB up to ${GPU_GIB} or 'auto', not ${value}.`,
      { field: 'gpu_memory' }
    );
  }
  return found;
}

function devicesOf(given: RunOptions['gpu_devices']): number[] {
  const all = Array.from({ length: GPU_COUNT }, (_, index) => index);
  return given?.length
    ? all.filter(index =>
        given.some(
          one => String(one) === String(index) || one === gpuUuid(index)
        )
      )
    : all;
}
