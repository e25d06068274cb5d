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
  switch (kind) {
    case 'gpu_utilization_percent':
      return trans.__('GPU %1 utilization (%)', gpu);
    case 'gpu_memory_gib':
      return trans.__('GPU %1 memory (GiB)', gpu);
    case 'gpu_power_watts':
      return trans.__('GPU %1 power (W)', gpu);
    case 'gpu_temperature_celsius':
      return trans.__('GPU %1 temperature (°C)', gpu);
    case 'cpu_percent':
      return trans.__('CPU (%, one core is 100)');
    case 'memory_gib':
      return trans.__('Memory (GiB)');
    case 'disk_read_mib_per_second':
      return trans.__('Disk read (MiB/s)');
    case 'disk_write_mib_per_second':
      return trans.__('Disk written (MiB/s)');
    case 'host_network_received_mib_per_second':
      return trans.__('Host network received (MiB/s)');
    case 'host_network_sent_mib_per_second':
      return trans.__('Host network sent (MiB/s)');
    case 'processes':
      return trans.__('Processes');
    default:
      return key;
  }
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
