/**
 * What an action is. Menus, toolbars and keys of the views are made from
 * `ACTIONS`, and so are the commands of JupyterLab.
 */
import type * as React from 'react';

import type { ActionResult, TaskRow } from '../../client/types';
import { isActive } from '../../model/active';
import type { QueueModel } from '../../model/queue';
import type { StudiesModel } from '../../model/studies';
import type { TaskListModel } from '../../model/tasklist';
import type { TrashModel } from '../../model/trash';
import type { ILogOptions } from '../monitor/header';
import type { Confirm } from '../shared/confirm';
import type { ITrans } from '../shared/context';
import type { IconName } from '../shared/icons';

/** Selected tasks, and what is possible with them. */
export interface IChosen {
  readonly names: readonly string[];
  /** Those that are loaded. */
  readonly rows: readonly TaskRow[];
  readonly readable: readonly TaskRow[];
  /** The number of tasks that are not loaded and may have any status. */
  readonly hidden: number;
  readonly running: number;
  readonly toRun: readonly string[];
  readonly toStop: readonly string[];
  readonly canRun: boolean;
  readonly canStop: boolean;
  readonly canDelete: boolean;
}

/** Pages and forms that an action may open. */
export type Place =
  | 'log'
  | 'compare'
  | 'template'
  | 'details'
  | 'tags'
  | 'rename'
  | 'export'
  | 'import'
  | 'alerts'
  | 'trash'
  | 'study';

/** How to open the places that exist, for tasks or a study. */
export type Navigation = Partial<
  Record<Place, (names: readonly string[]) => void>
>;

/** A log on the screen. */
export interface ILogHandle {
  readonly task: string;
  readonly isFollowing: boolean;
  readonly isPaused: boolean;
  readonly canPause: boolean;
  readonly canDownload: boolean;
  readonly options: ILogOptions;
  setOptions(change: Partial<ILogOptions>): void;
  follow(): void;
  setPaused(isPaused: boolean): void;
  /** Open or close the find bar; with a text, open it and find that. */
  find(text?: string): void;
  copy(): Promise<void>;
  readonly hasStacks: boolean;
  /** Show or hide the stacks of the run. */
  setStacks(isShown: boolean): void;
  /** Whether the run is running, so that its stacks can be read. */
  readonly canRequestStacks: boolean;
  requestStacks(): Promise<void>;
  download(): Promise<void>;
}

/** The state that decides whether an action is offered. */
export interface ISituation {
  readonly canWrite: boolean;
  readonly canExecute: boolean;
  readonly chosen: IChosen;
  readonly show: Navigation;
  /** The list of tasks that is shown, if one is. */
  readonly model?: TaskListModel;
  readonly queue?: QueueModel;
  readonly studies?: StudiesModel;
  readonly trash?: TrashModel;
  readonly log?: ILogHandle;
  /** The maximum number of parallel tasks, if the user has chosen one. */
  readonly jobs?: number;
}

/** The context of an action. */
export interface IActionContext extends ISituation {
  /** Its id. */
  readonly workspace: string;
  readonly trans: ITrans;
  readonly confirm: Confirm;
}

/** The context of an action on tasks. */
export interface ITaskContext extends IActionContext {
  readonly model: TaskListModel;
}

/** What a page gets from the place where it is shown. */
export interface IPageProps {
  trans: ITrans;
  /** Whether the user may create and change tasks; true by default. */
  canWrite?: boolean;
  /** Whether the user may start and stop tasks; true by default. */
  canExecute?: boolean;
  /** How to ask; in the page without it. */
  confirm?: Confirm;
  /** Go where tasks are created; not offered without it. */
  onGenerate?: () => void;
  /** Takes what actions from outside work on. */
  contextRef?: React.Ref<() => IActionContext>;
}

/** The result of an action as plain JSON. */
export interface IResult {
  readonly workspace: string;
  /** The tasks that were changed or created. */
  readonly tasks?: readonly unknown[];
  /** The reason for each other task, by name. */
  readonly refused?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

/** Arguments by name; `ARGUMENTS` in `lab/commands.ts` describes each. */
export type Args = Readonly<
  Partial<{
    /** Only of actions that are not about selected tasks. */
    tasks: readonly string[];
    tags: readonly string[];
    name: string;
    text: string;
    query: string;
    options: Readonly<Record<string, unknown>>;
    before: string;
    after: string;
    format: 'csv' | 'json' | 'parquet' | 'tensorboard' | 'mlflow';
    runs: 'latest' | 'all';
    limit: number;
    offset: number;
    study: string;
    trials: number;
    source: string;
  }>
>;

/** The group of an action in menus; a line separates groups. */
export type Group =
  'open' | 'run' | 'edit' | 'order' | 'files' | 'sort' | 'delete';

export interface IAction<C extends IActionContext = ITaskContext> {
  readonly icon: IconName;
  readonly label: (trans: ITrans, situation?: ISituation) => string;
  readonly caption: (trans: ITrans) => string;
  /** The right that it needs; without it, it changes nothing. */
  readonly needs?: 'write' | 'execute';
  /** The number of tasks that it needs; none without it. */
  readonly tasks?: 'one' | 'some' | 'several';
  readonly args?: readonly (keyof Args)[];
  /** What it opens, unless the arguments are complete. */
  readonly opens?: Place;
  /** For programs only: it needs arguments. */
  readonly isForPrograms?: boolean;
  readonly group?: Group;
  /** The key for it in a view. */
  readonly keys?: (trans: ITrans) => string;
  readonly isOffered?: (situation: ISituation) => boolean;
  readonly isPossible?: (situation: ISituation) => boolean;
  /** Whether it is on; for actions that switch something. */
  readonly isOn?: (situation: ISituation) => boolean;
  /**
   * Rejects with a sentence for the user when nothing was done; without it,
   * the action only opens something.
   */
  readonly run?: (context: C, args: Args) => Promise<IResult> | null;
  /** The message after it, for changes that the page may not show. */
  readonly done?: (trans: ITrans, result: IResult) => string;
}

/** The parts of an action that decide whether it is offered. */
type Offer = Omit<IAction, 'run'>;

/** Return whether the user has the right to do it. */
export function isAllowed(
  action: Offer,
  { canWrite, canExecute }: ISituation
): boolean {
  return action.needs === 'write'
    ? canWrite
    : action.needs === 'execute'
      ? canExecute
      : true;
}

/** Return whether a menu has it. */
export function isOffered(action: Offer, situation: ISituation): boolean {
  const { names, rows, readable, hidden } = situation.chosen;
  const isFit =
    action.tasks === undefined ||
    (action.tasks === 'one'
      ? names.length === 1 && rows.length === 1
      : names.length > (action.tasks === 'several' ? 1 : 0));
  // An unreadable task can only be deleted.
  const isKnown =
    action.tasks === undefined ||
    action.group === 'delete' ||
    readable.length + hidden > 0;
  return (
    isAllowed(action, situation) &&
    isFit &&
    isKnown &&
    (!action.opens || situation.show[action.opens] !== undefined) &&
    (action.isOffered?.(situation) ?? true)
  );
}

/** Return whether it can be done now. */
export function isPossible(action: Offer, situation: ISituation): boolean {
  return (
    isOffered(action, situation) && (action.isPossible?.(situation) ?? true)
  );
}

/**
 * Do it.
 *
 * @throws an error with a sentence for the user when nothing was done
 */
export async function perform<C extends IActionContext>(
  action: IAction<C>,
  context: C,
  args: Args = {}
): Promise<IResult> {
  const { chosen, show, trans, workspace } = context;
  if (action.tasks && chosen.names.length === 0 && !args.query) {
    throw new Error(trans.__('No task is selected.'));
  }
  const result = await action.run?.(context, args);
  if (result) {
    return result;
  }
  const open = action.opens && show[action.opens];
  if (!open) {
    throw new Error(
      trans.__('Specify the missing arguments, or open the Tasks page first.')
    );
  }
  open(chosen.names);
  return { workspace, tasks: chosen.names, opened: action.opens };
}

/** Return what is possible with some tasks. */
export function chooseTasks(
  listed: readonly (TaskRow | undefined)[],
  names: readonly string[]
): IChosen {
  const wanted = new Set(names);
  const rows = listed.filter(row => row && wanted.has(row.name)) as TaskRow[];
  const hidden = wanted.size - rows.length;
  const active = new Set<string>();
  const idle = new Set<string>();
  const broken = new Set<string>();
  for (const row of rows) {
    const group = !row.readable ? broken : isActive(row.status) ? active : idle;
    group.add(row.name);
  }
  return {
    names,
    rows,
    readable: rows.filter(row => row.readable),
    hidden,
    running: rows.filter(row => row.readable && row.status === 'running')
      .length,
    toRun: names.filter(name => !active.has(name) && !broken.has(name)),
    toStop: names.filter(name => !idle.has(name) && !broken.has(name)),
    canRun: hidden > 0 || idle.size > 0,
    canStop: hidden > 0 || active.size > 0,
    canDelete: hidden > 0 || idle.size > 0 || broken.size > 0
  };
}

/** Return the reasons of refusals by the name of the task. */
export function refusedByName(
  refused: ActionResult['refused']
): Record<string, string> {
  return Object.fromEntries(refused.map(each => [each.name, each.message]));
}

/** Return the refusals as one sentence; '' for none. */
export function refusal(trans: ITrans, refused: IResult['refused']): string {
  const [first, ...others] = Object.entries(refused ?? {});
  if (!first) {
    return '';
  }
  const [name, message] = first;
  const sentence = message.includes(name) ? message : `${name}: ${message}`;
  return others.length === 0
    ? sentence
    : trans._n('%2 (and %1 more)', '%2 (and %1 more)', others.length, sentence);
}
