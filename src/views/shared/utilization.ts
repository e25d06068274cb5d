/** Texts and numbers about the utilization of the machine. */
import type { Gpu, SystemSample } from '../../client/types';
import type { ITrans } from './context';
import { serverSentence } from './serversentences';

/** How much of something is used, in percent. */
export function shareOf(room: { used: number; total: number }): number {
  return room.total > 0 ? (100 * room.used) / room.total : 0;
}

/** How much of a GPU's memory is used, in percent; null when not known. */
export function memoryShare(
  gpu: Pick<Gpu, 'memory_used' | 'memory_total'> | null
): number | null {
  return gpu && gpu.memory_used !== null && gpu.memory_total
    ? (100 * gpu.memory_used) / gpu.memory_total
    : null;
}

/** The same GPU in earlier samples; null where it was not seen. */
export function pastOf(
  history: readonly SystemSample[],
  gpu: Gpu
): (Gpu | null)[] {
  return history.map(
    sample => sample.gpus.find(item => item.uuid === gpu.uuid) ?? null
  );
}

export function coresTitle(trans: ITrans, cpu: SystemSample['cpu']): string {
  const load = cpu.load?.map(item => item.toFixed(2)).join(' ') ?? '–';
  return cpu.limited
    ? trans.__(
        '%1 cores available to this server; host load average %2',
        cpu.cores,
        load
      )
    : trans.__('%1 cores, load %2', cpu.cores, load);
}

/** Why GPUs are missing, or those of one driver; '' if none are. */
export function gpuMessage(trans: ITrans, sample: SystemSample): string {
  return sample.gpu_message
    ? serverSentence(trans, sample.gpu_message)
    : sample.gpu_state === 'error'
      ? trans.__('Couldn’t read the GPU utilization.')
      : '';
}
