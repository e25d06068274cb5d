/** Translations of frequent sentences of the server, which writes English. */
import { memoizeLast } from '../../model/store';
import type { ITrans } from './context';
import { plainTrans } from './context';

/** The sentences, with `%1`, `%2`, … for what varies. */
function sentences(locale: ITrans): string[] {
  // The places stay as they are.
  const places = ['%1', '%2', '%3', '%4', '%5', '%6'];
  const translate = locale.__.bind(locale);
  const trans = { __: (text: string) => translate(text, ...places) };
  return [
    trans.__('There is no driver for NVIDIA or AMD GPUs on this machine.'),
    trans.__(
      'GPUs cannot be shown because the Python package %1 is not installed.'
    ),
    trans.__('The %1 driver works but does not report any GPUs.'),
    trans.__(
      'GPU %1 is kept for %2, who is also waiting and has used %3 of the recent GPU-hours of this host. %4 has used %5 (half-life: %6 days).'
    ),
    trans.__(
      'GPUs %1 are kept for %2, who is also waiting and has used %3 of the recent GPU-hours of this host. %4 has used %5 (half-life: %6 days).'
    ),
    trans.__(
      '%1 may reserve at most %2 on this host; running tasks have reserved %3.'
    ),
    trans.__('The queue is paused.'),
    trans.__('Concurrency limit reached: %1 of %2 task is running (%3).'),
    trans.__('Concurrency limit reached: %1 of %2 tasks are running (%3).'),
    trans.__(
      'Project limit reached: %1 of %2 task is running (%3). Change max_jobs in %4 to run more.'
    ),
    trans.__(
      'Project limit reached: %1 of %2 tasks are running (%3). Change max_jobs in %4 to run more.'
    ),
    trans.__('Waiting for %1, which is running.'),
    trans.__('Waiting for %1, which is queued.'),
    trans.__('Waiting for %1, which is not queued.'),
    trans.__("Stopped by the alert rule '%1'. %2"),
    trans.__(
      'Pruned after step %1 of %2, because it is not among the best 1/%3 of the trials of %4 at this step.'
    ),
    trans.__('All configurations of the grid were run.'),
    trans.__('Parameter importance needs at least %1 completed trials.'),
    trans.__(
      'The completed trials have the same objective, or do not differ in any parameter without a condition.'
    ),
    trans.__(
      'Pruned after step %1 of %2, because its best value so far is worse than the median of the trials of %3 at this step.'
    ),
    trans.__(
      'Pruned after step %1 of %2, because its best value so far is worse than the top quartile of the trials of %3 at this step.'
    ),
    trans.__('The task failed while it was queued.'),
    trans.__('The run ended without an exit code. See its log.'),
    trans.__('Ended by signal %1'),
    trans.__('Exit code %1'),
    trans.__('Stopped because it exceeded its time limit of %1.'),
    trans.__(
      'Lost contact with the supervisor on %1. The outcome of this run is unknown.'
    ),
    trans.__('Optuna pruned this trial.'),
    trans.__('Optuna did not record the end of this trial.'),
    trans.__('%1 did not record the end of this run.'),
    trans.__('%1 recorded the status failed.'),
    trans.__('%1 recorded the status cancelled.'),
    trans.__(
      'GPU utilization was below %1 % for %2 % of the run, and the CPU usage was %3 % of %4 %. The CPU cores may be the limit.'
    ),
    trans.__(
      'GPU utilization was below %1 % for %2 % of the run, and the CPU usage was %3 %, about one core. The data loader, or other code that uses one core, may be the limit. Try more worker processes in the data loader.'
    ),
    trans.__(
      'GPU utilization was below %1 % for %2 % of the run, and the CPU usage was %3 % (100 % is one core). The run may have waited for data, for example from a disk or the network.'
    ),
    trans.__(
      'GPU utilization was below %1 % for %2 % of the run. The run may have waited for data, for example from a disk or the network.'
    ),
    trans.__(
      'At most %1 % of the GPU memory was used, and the mean GPU utilization was %2 %. Two tasks could share a GPU: reserve only a part of its memory, with the run option GPU memory (--gpu-memory).'
    ),
    trans.__(
      'The processes used up to %1 GiB of memory, %2 % of the limit of %3 GiB. A run that exceeds the limit is killed.'
    ),
    trans.__('Waiting for the retry delay.'),
    trans.__('Waiting for higher-priority tasks, for which %1 had to stop.'),
    trans.__('Waiting for %1, whose status cannot be read: %2'),
    trans.__('Cancelled because it depends on %1, which failed.'),
    trans.__('Cancelled because it depends on %1, which was cancelled.'),
    trans.__('Cancelled because it depends on %1, which was deleted.'),
    trans.__(
      'Waiting for memory. The task needs %1, but only %2 are not reserved by running tasks.'
    ),
    trans.__('Waiting in %1 as job %2: %3.'),
    trans.__('Checking the GPUs.'),
    trans.__('The GPU driver stopped responding.'),
    trans.__('%1 Retrying.'),
    trans.__('A task needs %1, but only %2 can be used here.'),
    trans.__('%1: reserved by %2'),
    trans.__('%1: %2 of %3 free'),
    trans.__('%1: utilization %2 % (at most %3 %)'),
    trans.__('%1: free for %2 of %3 s'),
    trans.__('%1 is required. Set a value.'),
    trans.__('%1: The script has no such parameter.'),
    trans.__('%1: The script has no such parameter. Did you mean %2?'),
    trans.__('%1: %2 is set twice. Keep one of the values.'),
    trans.__('%1: %2 expects an integer, got %3.'),
    trans.__('%1: %2 expects a number, got %3.'),
    trans.__('%1: %2 expects true or false, got %3.'),
    trans.__('%1: %2 expects one of %3, got %4.'),
    trans.__('%1: %2 expects a single value, not %3.'),
    trans.__('%1: %2 is a boolean flag. Write true or false, not %3.'),
    trans.__('A task named %1 already exists. Choose another name.'),
    trans.__('Invalid task name %1: %2.'),
    trans.__('Invalid name pattern: %1'),
    trans.__('This configuration makes %1 tasks, but at most %2 are allowed.'),
    trans.__(
      'All keys of %1 must have the same number of values: %2 has %3, %4 has %5.'
    ),
    trans.__('%1 is not valid YAML, line %2: %3.'),
    trans.__('The shell script is empty. Enter at least one command.'),
    trans.__(
      'The objective is empty. Enter the metric to optimize, such as val_acc.'
    ),
    trans.__(
      'The search space is empty. Specify a range or several values for at least one key, such as log(1e-5, 1e-1), 1:65 or adam | sgd.'
    ),
    trans.__(
      'The search space has only %1 configurations, fewer than %2 trials. Reduce the number of trials, or create a sweep that runs each configuration once.'
    ),
    trans.__(
      'The search space has at most %1 configurations, fewer than %2 trials. Reduce the number of trials, or create a sweep that runs each configuration once.'
    ),
    trans.__(
      'The pruner hyperband needs max_resource, the number of values of the objective that a complete run tracks, such as its number of epochs.'
    ),
    trans.__(
      'Trials of a study with several objectives cannot be pruned. Remove the pruner, or make some objectives constraints.'
    ),
    trans.__(
      'The sampler cmaes needs at least two numeric parameters without a condition. Choose tpe.'
    ),
    trans.__(
      'The sampler grid cannot try all values of %1. Use a range with a count, such as log(1e-4, 1e-1, 10).'
    ),
    trans.__(
      '%1 must be a number of seconds or a duration such as 90s, 10m or 1h30m, not %2.'
    ),
    trans.__('%1 must be a size with a unit, such as 800M or 16G, not %2.'),
    trans.__("%1 must be a number of GiB or 'auto', not %2."),
    trans.__('It was imported as %1.'),
    trans.__('It was deleted in MLflow.'),
    trans.__('It has not ended: MLflow lists it as running or scheduled.'),
    trans.__('It has not started: Optuna lists it as waiting.'),
    trans.__('It has not ended: Optuna lists it as running.'),
    trans.__('It has not ended: it may still be running.'),
    trans.__('It has no metrics.'),
    trans.__('Its artifacts are not copied (%1, %2 MiB).'),
    trans.__('Only the first %1 MiB of its log are imported.'),
    trans.__('Its status is not known and is set to completed.'),
    trans.__(
      'Its log was not read to the end. Its status is not known and is set to completed.'
    ),
    trans.__('It has no file run-%1.wandb, so only its summary is imported.'),
    trans.__('%1 is empty or damaged.'),
    trans.__('%1 is damaged: %2 bytes of it are left out.'),
    trans.__('%1 cannot be read: %2.'),
    trans.__('Only the first %1 parameters are imported.'),
    trans.__('The parameter %1 is too large and is left out.'),
    trans.__('Only the first %1 metric files are imported.'),
    trans.__(
      'The latest changes are in %1-wal, which is not read. Close %2 first.'
    ),
    trans.__('Only the first %1 MiB of %2 are read.'),
    trans.__('Only the first %1 trials of %2 are used.'),
    trans.__('The last line of %1 is not complete and is left out.')
  ];
}

/** Translated once, as each row with a message needs one of them. */
const translations = memoizeLast(sentences);

const PATTERNS = sentences(plainTrans).map(sentence => {
  const escaped = sentence.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/%\d/g, '(.+?)')}$`, 's');
});

/** Items of a list, which only has a full stop at its end. */
const ITEMS = PATTERNS.filter(({ source }) =>
  /^\^\(\.\+\?\): .*[^.]\$$/.test(source)
);

/** Longer texts are no sentences; to compare them takes time. */
const MAX_LENGTH = 1000;

/** Translate a sentence of the server if it is a known one, or known parts of a list. */
export function serverSentence(trans: ITrans, text: string): string {
  if (text === '' || text.length > MAX_LENGTH) {
    return text;
  }
  // GPU 0: reserved by a/b; GPU 1: utilization 90 % (at most 30 %).
  const items = text.replace(/\.$/, '').split('; ');
  if (
    items.some(
      item => item !== text && ITEMS.some(pattern => pattern.test(item))
    )
  ) {
    const translated = items.map(item => serverSentence(trans, item));
    return translated.join('; ') + (text.endsWith('.') ? '.' : '');
  }
  const at = PATTERNS.findIndex(pattern => pattern.test(text));
  if (at < 0) {
    return text;
  }
  const [, ...parts] = PATTERNS[at].exec(text) ?? [];
  return translations(trans)[at].replace(/%(\d)/g, (_, number: string) =>
    serverSentence(trans, parts[Number(number) - 1])
  );
}
