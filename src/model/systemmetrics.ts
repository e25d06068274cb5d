/** System metrics of runs: how the machine was used, sampled by the supervisor. */

/** The start of their names. As a key of curves, it means all of them. */
export const SYSTEM_PREFIX = 'system/';

/** Return whether a metric is a system metric. */
export function isSystemMetric(key: string): boolean {
  return key.startsWith(SYSTEM_PREFIX);
}

/** A system metric: what is measured, and the number of the GPU if it is of one. */
export interface ISystemMetric {
  readonly kind: string;
  readonly gpu: number | null;
}

/** Return the parts of the name of a system metric. */
export function systemMetric(key: string): ISystemMetric {
  const name = key.slice(SYSTEM_PREFIX.length);
  const [, gpu, kind] = /^gpu(\d+)_(.+)$/.exec(name) ?? [];
  return gpu === undefined
    ? { kind: name, gpu: null }
    : { kind: `gpu_${kind}`, gpu: Number(gpu) };
}

/** Kinds in the order in which they are shown: GPUs first. */
const ORDER = [
  'gpu_utilization_percent',
  'gpu_memory_gib',
  'gpu_power_watts',
  'gpu_temperature_celsius',
  'cpu_percent',
  'memory_gib',
  'disk_read_mib_per_second',
  'disk_write_mib_per_second',
  'host_network_received_mib_per_second',
  'host_network_sent_mib_per_second',
  'processes'
];

/** Sort the keys of system metrics for display. */
export function sortedSystemMetrics(keys: readonly string[]): string[] {
  const rank = (key: string) => {
    const at = ORDER.indexOf(systemMetric(key).kind);
    return at < 0 ? ORDER.length : at;
  };
  return [...keys].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (systemMetric(a).gpu ?? 0) - (systemMetric(b).gpu ?? 0) ||
      a.localeCompare(b)
  );
}
