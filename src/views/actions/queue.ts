import type { Queue, QueuedBatch } from '../../client/types';
import type { QueueModel } from '../../model/queue';
import type { IAction, IActionContext, IResult } from './action';

/** Actions on the queue of a project. */
export const QUEUE_ACTIONS = {
  'pause-queue': {
    icon: 'pause',
    label: trans => trans.__('Pause'),
    caption: trans => trans.__('Pause the queue; running tasks continue'),
    needs: 'execute',
    isOffered: ({ queue }) => !isPaused(queue),
    isPossible: isSettled,
    run: context => setPaused(context, true)
  },
  'resume-queue': {
    icon: 'run',
    label: trans => trans.__('Resume'),
    caption: trans => trans.__('Resume the queue'),
    needs: 'execute',
    isOffered: ({ queue }) => isPaused(queue) !== false,
    isPossible: isSettled,
    run: context => setPaused(context, false)
  },
  'requeue-tasks': {
    icon: 'queued',
    label: trans => trans.__('Queue here'),
    caption: trans =>
      trans.__('Requeue these tasks with your environment and permissions'),
    needs: 'execute',
    isOffered: ({ canWrite }) => canWrite,
    isPossible: ({ queue }) => !queue?.getSnapshot().requeueing,
    run: async ({ workspace, queue, confirm, trans }) => {
      const count = countForeign(await queue?.loaded());
      const isConfirmed =
        count > 0 &&
        (await confirm({
          title: trans._n('Queue %1 task here?', 'Queue %1 tasks here?', count),
          body: trans._n(
            'Tasks run with your environment and permissions. Continue only if you trust this project.',
            'Tasks run with your environment and permissions. Continue only if you trust this project.',
            count
          ),
          accept: trans.__('Queue here')
        }));
      if (isConfirmed) {
        await queue?.requeueForeign();
      }
      return { workspace, requeued: isConfirmed ? count : 0 };
    }
  }
} satisfies Record<string, IAction<IActionContext>>;

/** Count the queued tasks of some batches. */
export function countWaiting(batches: readonly QueuedBatch[]): number {
  return batches.reduce((sum, batch) => sum + batch.waiting, 0);
}

/** Count the tasks that were queued in another copy of the project. */
export function countForeign(queue: Queue | null | undefined): number {
  return countWaiting(queue?.batches.filter(batch => batch.foreign) ?? []);
}

/** Return whether the queue is paused, if that is known. */
export function isPaused(queue: QueueModel | undefined): boolean | undefined {
  const state = queue?.getSnapshot();
  return state?.pausing ?? state?.queue?.paused;
}

function isSettled({ queue }: { queue?: QueueModel }): boolean {
  return !queue || queue.getSnapshot().pausing === null;
}

async function setPaused(
  { workspace, queue }: IActionContext,
  paused: boolean
): Promise<IResult> {
  await queue?.pause(paused);
  return { workspace, paused };
}
