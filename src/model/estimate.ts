/** How long runs will still take, judged by what is known of earlier ones. */
import type { QueuedBatch, TaskRow } from '../client/types';

/** A part of a run that is too small to tell how long the rest takes. */
const TOO_LITTLE = 0.02;

/** So many times as long as earlier runs is no delay any more. */
const OVERDUE = 1.5;

/**
 * Seconds that a running task will still take.
 *
 * Its own progress says more than earlier runs; without either nothing is
 * known. A run that is a little over its time may end at any moment: 0; one
 * that is far over it is not like the earlier ones, which say nothing then.
 *
 * @param row - the task
 * @param typical - seconds that a run takes, null when not known
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
  if (row.progress !== null && row.progress > TOO_LITTLE) {
    return (elapsed * (1 - row.progress)) / row.progress;
  }
  return typical === null || elapsed > typical * OVERDUE
    ? null
    : Math.max(0, typical - elapsed);
}

/**
 * Seconds until all of a batch has ended, null when nothing tells.
 *
 * @param batch - how many wait, how many run, and how many at a time
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
      // It takes longer than all before it: so may those that wait.
      return null;
    }
    known.push(left);
  }
  // A run of which nothing is known is on average half done.
  const unknown = Math.max(0, batch.running - known.length) * (typical / 2);
  const work =
    known.reduce((sum, left) => sum + left, unknown) + batch.waiting * typical;
  const jobs = Math.max(
    1,
    Math.min(batch.options.jobs ?? 1, batch.waiting + batch.running)
  );
  // The last run cannot be shared among those that have nothing left to do.
  const longest = batch.waiting > 0 ? typical : Math.max(0, ...known);
  return Math.max(work / jobs, longest);
}
