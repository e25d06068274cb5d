/** Estimates the remaining time of runs. */
import type { QueuedBatch, TaskRow } from '../client/types';

/** Progress from which it is used for an estimate. */
const MIN_PROGRESS = 0.02;

/** Multiple of the typical duration from which it is not used any more. */
const MAX_OVERRUN = 1.5;

/**
 * Return the remaining seconds of a running task; null if unknown.
 *
 * Its progress is used if it reports any, else the typical duration. After
 * that the result is 0, and null when the run takes much longer.
 *
 * @param row - the task
 * @param typical - typical duration of a run in seconds, null if unknown
 * @param now - milliseconds since the epoch
 */
export function timeLeft(
  row: Pick<TaskRow, 'status' | 'started_at' | 'progress'>,
  typical: number | null,
  now: number
): number | null {
  if (row.status !== 'running' || row.started_at === null) {
    return null;
  }
  const elapsed = Math.max(0, now / 1000 - row.started_at);
  if (row.progress !== null && row.progress > MIN_PROGRESS) {
    return (elapsed * (1 - row.progress)) / row.progress;
  }
  return typical === null || elapsed > typical * MAX_OVERRUN
    ? null
    : Math.max(0, typical - elapsed);
}

/**
 * Return the seconds until a batch has finished; null if unknown.
 *
 * @param batch - the batch
 * @param running - its running tasks, as far as they are known
 */
export function batchTimeLeft(
  batch: Pick<QueuedBatch, 'waiting' | 'running' | 'options'>,
  running: readonly Pick<TaskRow, 'status' | 'started_at' | 'progress'>[],
  typical: number | null,
  now: number
): number | null {
  if (typical === null) {
    return null;
  }
  const known: number[] = [];
  for (const row of running) {
    const left = timeLeft(row, typical, now);
    if (left === null) {
      // It takes longer than earlier runs, and so may the queued ones.
      return null;
    }
    known.push(left);
  }
  // On average an unknown run is half done.
  const unknown = Math.max(0, batch.running - known.length) * (typical / 2);
  const work =
    known.reduce((sum, left) => sum + left, unknown) + batch.waiting * typical;
  const jobs = Math.max(
    1,
    Math.min(batch.options.jobs ?? 1, batch.waiting + batch.running)
  );
  // A single run cannot be divided among parallel slots.
  const longest = batch.waiting > 0 ? typical : Math.max(0, ...known);
  return Math.max(work / jobs, longest);
}
