/** How long runs will still take, judged by what is known of earlier ones. */
import type { QueuedBatch, TaskRow } from '../client/types';

/** A part of a run that is too small to tell how long the rest takes. */
const TOO_LITTLE = 0.02;

/**
 * Seconds that a running task will still take.
 *
 * Its own progress says more than earlier runs; without either nothing is
 * known. A run that is over its time may end at any moment: 0.
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
  return typical === null ? null : Math.max(0, typical - elapsed);
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
  // A run of which nothing is known is on average half done.
  const known = running.map(row => timeLeft(row, typical, now) ?? typical / 2);
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
