/** How tasks are to be run, as people fill it in. */
import type { ClusterNeed, RunOptions } from '../client/types';

/** What a form offers; also the fields by which the server names mistakes. */
export const RUN_FIELDS = [
  'jobs',
  'gpus',
  'gpu_memory',
  'memory',
  'priority',
  'retries',
  'time_limit',
  'stop_after'
] as const;

export type RunField = (typeof RUN_FIELDS)[number];

/** What a form offers of what a task asks of a cluster. */
export const CLUSTER_FIELDS = ['partition', 'cpus', 'account'] as const;

export type ClusterField = (typeof CLUSTER_FIELDS)[number];

export type Engine = NonNullable<RunOptions['engine']>;

/** As many at a time as a cluster has room for. */
export const CLUSTER_JOBS = 1000;

/** Whether a mistake that the server names is about how tasks are to be run. */
export function isRunField(field: string | null | undefined): boolean {
  return (
    RUN_FIELDS.some(known => known === field) ||
    ['engine', 'cluster'].includes((field ?? '').split('.')[0])
  );
}

/**
 * The options with another engine: a cluster takes all tasks at once, and assigns
 * whole GPUs.
 */
export function withEngine(
  options: RunOptions,
  engine: Engine | null
): RunOptions {
  if (engine !== 'slurm') {
    const jobs = options.jobs === CLUSTER_JOBS ? 1 : options.jobs;
    return { ...options, jobs, engine, cluster: null };
  }
  const jobs = (options.jobs ?? 1) === 1 ? CLUSTER_JOBS : options.jobs;
  return { ...options, jobs, engine, gpu_memory: null };
}

/** The options with another value of what is asked of a cluster. */
export function withNeed(
  options: RunOptions,
  field: ClusterField,
  value: string | number | null
): RunOptions {
  const cluster: Record<string, unknown> = { ...options.cluster };
  if (value === null || value === '') {
    delete cluster[field];
  } else {
    cluster[field] = value;
  }
  const isEmpty = Object.keys(cluster).length === 0;
  return { ...options, cluster: isEmpty ? null : (cluster as ClusterNeed) };
}

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
  if (found.engine === 'local' || found.engine === 'slurm') {
    options.engine = found.engine;
  }
  const cluster = (found.cluster ?? {}) as Record<string, unknown>;
  if (options.memory === undefined && typeof cluster.memory === 'string') {
    options.memory = cluster.memory; // where an earlier version stored it
  }
  let read = options as RunOptions;
  for (const field of CLUSTER_FIELDS) {
    const each = cluster[field];
    if (typeof each === (field === 'cpus' ? 'number' : 'string')) {
      read = withNeed(read, field, each as string | number);
    }
  }
  return read;
}
