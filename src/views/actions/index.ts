import type { IAction } from './action';
import { LOG_ACTIONS } from './logs';
import { QUEUE_ACTIONS } from './queue';
import { STUDY_ACTIONS } from './studies';
import { TASK_ACTIONS } from './tasks';
import { TRASH_ACTIONS } from './trash';
import { WORKSPACE_ACTIONS } from './workspace';

/** All that the user can do with tasks, logs, the queue and studies. */
const actions = {
  ...TASK_ACTIONS,
  ...WORKSPACE_ACTIONS,
  ...TRASH_ACTIONS,
  ...LOG_ACTIONS,
  ...QUEUE_ACTIONS,
  ...STUDY_ACTIONS
};

export type ActionId = keyof typeof actions;

export const ACTIONS: Readonly<Record<ActionId, IAction>> = actions;
