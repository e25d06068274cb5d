import type { IAction } from './action';
import { LOG_ACTIONS } from './logs';
import { QUEUE_ACTIONS } from './queue';
import { TASK_ACTIONS } from './tasks';

export type ActionId =
  | keyof typeof TASK_ACTIONS
  | keyof typeof LOG_ACTIONS
  | keyof typeof QUEUE_ACTIONS;

/** All that the user can do with tasks, logs and the queue. */
export const ACTIONS: Readonly<Record<ActionId, IAction>> = {
  ...TASK_ACTIONS,
  ...LOG_ACTIONS,
  ...QUEUE_ACTIONS
};
