/** Run options, as forms and saved drafts have them. */
import { asOneOf, asRecord } from '../client/shapes';
import type { ClusterNeed, RunOptions } from '../client/types';

/** Fields of a form; errors of the server refer to them. */
export const RUN_FIELDS = [
  'jobs',
  'gpus',
  'gpu_memory',
  'memory',
  'priority',
  'retries',
  'time_limit',
  'signal',
  'stop_after'
] as const;

export type RunField = (typeof RUN_FIELDS)[number];

/** Fields of a form for Slurm. */
export const CLUSTER_FIELDS = ['partition', 'cpus', 'account'] as const;

export type ClusterField = (typeof CLUSTER_FIELDS)[number];

export type Engine = NonNullable<RunOptions['engine']>;

/** Names of the executors on clusters. */
export const CLUSTERS: Readonly<Record<Exclude<Engine, 'local'>, string>> = {
  slurm: 'Slurm',
  dask: 'Dask'
};

/** The default concurrency in a cluster: practically no limit. */
export const CLUSTER_JOBS = 1000;

/** Return whether an error of the server refers to run options. */
export function isRunField(field: string | null | undefined): boolean {
  return (
    RUN_FIELDS.some(known => known === field) ||
    ['engine', 'cluster', 'alerts', 'resume', 'preempt'].includes(
      (field ?? '').split('.')[0]
    )
  );
}

/** Change the executor. A cluster takes all tasks at once, and whole GPUs only. */
export function withEngine(
  options: RunOptions,
  engine: Engine | null
): RunOptions {
  if (engine === null || engine === 'local') {
    const jobs = options.jobs === CLUSTER_JOBS ? 1 : options.jobs;
    return { ...options, jobs, engine, cluster: null };
  }
  const jobs = (options.jobs ?? 1) === 1 ? CLUSTER_JOBS : options.jobs;
  const cluster = engine === 'slurm' ? options.cluster : null;
  return {
    ...options,
    jobs,
    engine,
    cluster,
    gpu_memory: null,
    preempt: null
  };
}

/** Change an option for a cluster. */
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

/** Fields with integers, and their minimum and maximum. */
export const RUN_NUMBERS: Partial<Record<RunField, [number, number]>> = {
  jobs: [1, 1000],
  gpus: [0, 64],
  priority: [-1_000_000, 1_000_000],
  retries: [0, 100],
  stop_after: [0, 1_000_000]
};

/** Remove options without a value. */
export function withoutEmpty(options: RunOptions): RunOptions {
  return Object.fromEntries(
    Object.entries(options).filter(
      ([, value]) => value !== null && value !== undefined && value !== ''
    )
  ) as RunOptions;
}

/**
 * Read saved options.
 *
 * @param jobs - the concurrency if none was saved
 */
export function asRunOptions(value: unknown, jobs: number): RunOptions {
  const found = asRecord(value);
  const options: Record<string, unknown> = { jobs };
  for (const field of RUN_FIELDS) {
    const each = found[field];
    const isNumber = typeof each === 'number' && Number.isFinite(each);
    if (isNumber || (typeof each === 'string' && !(field in RUN_NUMBERS))) {
      options[field] = each;
    }
  }
  for (const field of ['resume', 'preempt']) {
    if (typeof found[field] === 'boolean') {
      options[field] = found[field];
    }
  }
  if (Array.isArray(found.alerts)) {
    const rules = found.alerts.filter(rule => typeof rule === 'string');
    options.alerts = rules.length > 0 ? rules : undefined;
  }
  const engine = asOneOf(found.engine, ['local', 'slurm', 'dask'], null);
  if (engine) {
    options.engine = engine;
  }
  const cluster = asRecord(found.cluster);
  if (options.memory === undefined && typeof cluster.memory === 'string') {
    options.memory = cluster.memory; // an earlier version stored it there
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
