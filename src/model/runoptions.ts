/** How tasks are to be run, as people fill it in. */
import type { RunOptions } from '../client/types';

/** What a form offers; also the fields by which the server names mistakes. */
export const RUN_FIELDS = [
  'jobs',
  'gpus',
  'gpu_memory',
  'priority',
  'retries',
  'time_limit',
  'stop_after'
] as const;

export type RunField = (typeof RUN_FIELDS)[number];

/** Fields that hold whole numbers, and the least and greatest of them. */
export const RUN_NUMBERS: Partial<Record<RunField, [number, number]>> = {
  jobs: [1, 1000],
  gpus: [0, 64],
  priority: [-1_000_000, 1_000_000],
  retries: [0, 100],
  stop_after: [0, 1_000_000]
};

/** The options without those that are left open. */
export function withoutEmpty(options: RunOptions): RunOptions {
  return Object.fromEntries(
    Object.entries(options).filter(
      ([, value]) => value !== null && value !== undefined && value !== ''
    )
  ) as RunOptions;
}

/** Options out of a store that anybody may have written. */
export function asRunOptions(value: unknown, jobs: number): RunOptions {
  const found = (value ?? {}) as Record<string, unknown>;
  const options: Record<string, unknown> = { jobs };
  for (const field of RUN_FIELDS) {
    const each = found[field];
    const isNumber = typeof each === 'number' && Number.isFinite(each);
    if (isNumber || (typeof each === 'string' && !(field in RUN_NUMBERS))) {
      options[field] = each;
    }
  }
  return options as RunOptions;
}
