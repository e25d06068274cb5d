/** Translations of frequent sentences of the server, which writes English. */
import type { ITrans } from './context';
import { plainTrans } from './context';

/** The sentences, with `%1`, `%2`, … for what varies. */
function sentences(trans: ITrans): string[] {
  const parts = ['%1', '%2', '%3', '%4', '%5', '%6'];
  return [
    trans.__('There is no driver for NVIDIA or AMD GPUs on this machine.'),
    trans.__(
      'GPUs cannot be shown because the Python package %1 is not installed.',
      ...parts
    ),
    trans.__('The %1 driver works but does not report any GPUs.', ...parts),
    trans.__(
      'GPU %1 is left to %2, who waits and has used %3 of the recent GPU-hours of this host. %4 has used %5 (half-life: %6 days).',
      ...parts
    ),
    trans.__(
      'GPUs %1 are left to %2, who waits and has used %3 of the recent GPU-hours of this host. %4 has used %5 (half-life: %6 days).',
      ...parts
    ),
    trans.__(
      'The quota of %1 on this host is %2 at the same time, and running tasks have reserved %3.',
      ...parts
    ),
    trans.__('The queue is paused.'),
    trans.__(
      'Concurrency limit reached: %1 of %2 task is running (%3).',
      ...parts
    ),
    trans.__(
      'Concurrency limit reached: %1 of %2 tasks are running (%3).',
      ...parts
    ),
    trans.__(
      'Project limit reached: %1 of %2 task is running (%3). Change max_jobs in %4 to run more.',
      ...parts
    ),
    trans.__(
      'Project limit reached: %1 of %2 tasks are running (%3). Change max_jobs in %4 to run more.',
      ...parts
    ),
    trans.__('Waiting for %1, which is running.', ...parts),
    trans.__('Waiting for %1, which is queued.', ...parts),
    trans.__('Waiting for %1, which is not queued.', ...parts),
    trans.__("Stopped by the alert rule '%1'. %2", ...parts),
    trans.__(
      'Pruned after step %1 of %2, because it is not among the best 1/%3 of the trials of %4 at this step.',
      ...parts
    ),
    trans.__('All configurations of the grid were run.'),
    trans.__('The importance needs at least %1 completed trials.', ...parts),
    trans.__(
      'The completed trials do not differ in a parameter without a condition, or in the objective.'
    ),
    trans.__(
      'Pruned after step %1 of %2, because the best half of the trials of %3 were better at this step.',
      ...parts
    ),
    trans.__(
      'Pruned after step %1 of %2, because the best quarter of the trials of %3 were better at this step.',
      ...parts
    ),
    trans.__('The task failed while it was queued.'),
    trans.__('The run ended without an exit code. See its log.'),
    trans.__('Ended by signal %1', ...parts),
    trans.__('Exit code %1', ...parts),
    trans.__('Stopped because it exceeded its time limit of %1.', ...parts),
    trans.__(
      'Lost contact with the supervisor on %1. The outcome of this run is unknown.',
      ...parts
    ),
    trans.__('Optuna pruned this trial.'),
    trans.__('Optuna did not record the end of this trial.'),
    trans.__('%1 did not record the end of this run.', ...parts),
    trans.__('%1 recorded the status failed.', ...parts),
    trans.__('%1 recorded the status cancelled.', ...parts),
    trans.__(
      'GPU utilization was below %1 % for %2 % of the run, and the CPU usage was %3 % of %4 %. The CPU cores may be the limit.',
      ...parts
    ),
    trans.__(
      'GPU utilization was below %1 % for %2 % of the run, and the CPU usage was %3 %, about one core. The data loader, or other code that uses one core, may be the limit. Try more worker processes in the data loader.',
      ...parts
    ),
    trans.__(
      'GPU utilization was below %1 % for %2 % of the run, and the CPU usage was %3 % (100 % is one core). The run may have waited for data, for example from a disk or the network.',
      ...parts
    ),
    trans.__(
      'GPU utilization was below %1 % for %2 % of the run. The run may have waited for data, for example from a disk or the network.',
      ...parts
    ),
    trans.__(
      'At most %1 % of the GPU memory was used, and the mean GPU utilization was %2 %. Two tasks could share a GPU: reserve only a part of its memory, with the run option GPU memory (--gpu-memory).',
      ...parts
    ),
    trans.__(
      'The processes used up to %1 GiB of memory, %2 % of the limit of %3 GiB. A run that exceeds the limit is killed.',
      ...parts
    )
  ];
}

const PATTERNS = sentences(plainTrans).map(sentence => {
  const escaped = sentence.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/%\d/g, '(.+?)')}$`, 's');
});

/** Translate a sentence of the server if it is a known one. */
export function serverSentence(trans: ITrans, text: string): string {
  const at = PATTERNS.findIndex(pattern => pattern.test(text));
  if (at < 0) {
    return text;
  }
  const [, ...parts] = PATTERNS[at].exec(text) ?? [];
  return sentences(trans)[at].replace(
    /%(\d)/g,
    (_, number: string) => parts[Number(number) - 1]
  );
}
