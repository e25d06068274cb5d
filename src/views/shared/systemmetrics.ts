/** Titles of metrics: system metrics have words and units instead of a name. */
import { isSystemMetric, systemMetric } from '../../model/systemmetrics';
import type { ITrans } from './context';
import { formatNumber } from './format';

/** The title of a metric. */
export function metricTitle(trans: ITrans, key: string): string {
  if (!isSystemMetric(key)) {
    return key;
  }
  const { kind, gpu } = systemMetric(key);
  const titles: Record<string, string> = {
    gpu_utilization_percent: trans.__('GPU %1 utilization (%)', gpu),
    gpu_memory_gib: trans.__('GPU %1 memory (GiB)', gpu),
    gpu_power_watts: trans.__('GPU %1 power (W)', gpu),
    gpu_temperature_celsius: trans.__('GPU %1 temperature (°C)', gpu),
    cpu_percent: trans.__('CPU (%, one core is 100)'),
    memory_gib: trans.__('Memory (GiB)'),
    disk_read_mib_per_second: trans.__('Disk read (MiB/s)'),
    disk_write_mib_per_second: trans.__('Disk written (MiB/s)'),
    host_network_received_mib_per_second: trans.__(
      'Host network received (MiB/s)'
    ),
    host_network_sent_mib_per_second: trans.__('Host network sent (MiB/s)'),
    processes: trans.__('Processes')
  };
  return titles[kind] ?? key;
}

/** GPU-hours and energy, as short texts; those that are not known are left out. */
export function usageTexts(
  trans: ITrans,
  usage: {
    readonly gpu_hours?: number | null;
    readonly energy_kwh?: number | null;
  }
): string[] {
  const { gpu_hours: hours = null, energy_kwh: energy = null } = usage;
  return [
    ...(hours === null ? [] : [trans.__('%1 GPU-hours', formatNumber(hours))]),
    ...(energy === null ? [] : [trans.__('%1 kWh', formatNumber(energy))])
  ];
}
