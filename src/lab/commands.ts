/** Every action as a command of Lab. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { ACTIONS, type ActionId } from '../views/actions';
import type {
  Args,
  IAction,
  ISituation,
  ITaskContext
} from '../views/actions/action';
import {
  chooseTasks,
  isAllowed,
  isPossible,
  perform,
  refusal
} from '../views/actions/action';
import { describe, text, texts } from './arguments';
import { ownArgs } from './caller';
import { pyrunsIcon } from './icons';
import type { PageArea } from './pages';
import type { OpenPage, Page } from './pageviews';
import { answer, askToAllow, confirmInLab } from './request';
import type { ICore } from './tokens';

/** Task names in a question; more are counted. */
const MAX_NAMES = 10;

export interface IActionCommands {
  app: JupyterFrontEnd;
  core: ICore;
  trans: TranslationBundle;
  palette: ICommandPalette | null;
  open: OpenPage;
  /** The page in front, if it is one of ours. */
  front: () => PageArea | null;
  find: (page: Page, workspace: string) => PageArea | undefined;
}

/** What an action works on, but for models of its own. */
type Found = Omit<ITaskContext, 'model' | 'confirm'> &
  Pick<ISituation, 'model'>;

export function addActionCommands(options: IActionCommands): void {
  const { app, core, trans, palette, open } = options;

  /** Null when no workspace is open. */
  const look = (args: ReadonlyPartialJSONObject): Found | null => {
    const front = options.front();
    const workspace =
      text(args.workspace) ?? front?.workspace ?? core.current?.id;
    if (workspace === undefined) {
      return null;
    }
    // Tasks that are selected in a page behind others are not meant.
    const inFront =
      front?.workspace === workspace ? front.showing.context.current?.() : null;
    const context =
      inFront ??
      options.find('manager', workspace)?.showing.context.current?.();
    const tasks = texts(args.tasks);
    return {
      ...core.session.rights,
      workspace,
      trans,
      model: context?.model,
      jobs: context?.jobs,
      queue: options.find('dashboard', workspace)?.showing.queue,
      log: inFront?.log,
      chosen: tasks
        ? chooseTasks(context?.model.getSnapshot().rows ?? [], tasks)
        : (inFront?.chosen ?? chooseTasks([], [])),
      show: {
        ...inFront?.show,
        log: ([task]) => open('monitor', workspace, { task }),
        compare: names => open('compare', workspace, { names }),
        template: ([task]) => open('generator', workspace, { task })
      }
    };
  };

  const run = async (
    action: IAction,
    found: Found & Pick<ITaskContext, 'confirm'>,
    args: ReadonlyPartialJSONObject
  ) => {
    const [{ TaskListModel }, { QueueModel }] = await Promise.all([
      import('../model/tasklist'),
      import('../model/queue')
    ]);
    const own = new Set<{ dispose(): void }>();
    const model = new TaskListModel(core.client, found.workspace);
    own.add(model);
    const queue = new QueueModel(core.client, found.workspace);
    own.add(queue);
    try {
      const context = {
        ...found,
        model: found.model ?? model,
        queue: found.queue ?? queue
      };
      return await perform(action, context, args as Args);
    } finally {
      own.forEach(each => each.dispose());
    }
  };

  for (const id of Object.keys(ACTIONS) as ActionId[]) {
    const action = ACTIONS[id];
    const command = `pyruns:${id}`;
    app.commands.addCommand(command, {
      label: args => action.label(trans, look(args) ?? undefined),
      caption: action.caption(trans),
      icon: pyrunsIcon,
      describedBy: describe(trans, [
        'workspace',
        ...(action.tasks ? (['tasks'] as const) : []),
        ...(action.args ?? [])
      ]),
      isEnabled: args => {
        const found = look(args);
        const isSaid = ['tasks', ...(action.args ?? [])].some(
          name => args[name] !== undefined
        );
        return (
          found !== null &&
          (isSaid ? isAllowed(action, found) : isPossible(action, found))
        );
      },
      isToggleable: action.isOn !== undefined,
      isToggled: args => {
        const found = look(args);
        return found !== null && (action.isOn?.(found) ?? false);
      },
      execute: args =>
        answer(trans, app.commands, command, args, async caller => {
          const found = look(args);
          if (!found) {
            throw new Error(
              trans.__('Open a script or a folder in Pyruns first.')
            );
          }
          if (action.needs && caller === 'other') {
            const isGranted = await askToAllow(trans, {
              title: trans.__('Allow this?'),
              facts: factsOf(trans, action, found, args),
              accept: action.label(trans)
            });
            if (!isGranted) {
              return { declined: true };
            }
          }
          const confirm =
            caller === 'user' ? confirmInLab(trans) : async () => true;
          const result = await run(action, { ...found, confirm }, args);
          const refused = refusal(trans, result.refused);
          if (refused && caller !== 'code') {
            Notification.warning(refused);
          }
          return result;
        })
    });
    if (!action.isForPrograms) {
      palette?.addItem({
        command,
        category: action.tasks ? trans.__('Pyruns Tasks') : trans.__('Pyruns'),
        args: ownArgs()
      });
    }
  }
}

/** What an action would do to what, for a question. */
function factsOf(
  trans: TranslationBundle,
  action: IAction,
  { workspace, chosen: { names } }: Found,
  args: ReadonlyPartialJSONObject
): [string, string][] {
  const shown = names.slice(0, MAX_NAMES).join(', ');
  const more = names.length - MAX_NAMES;
  const tasks = more > 0 ? trans.__('%1 and %2 more', shown, more) : shown;
  return [
    [trans.__('Action'), action.caption(trans)],
    [trans.__('Workspace'), workspace],
    ...(action.tasks ? [[trans.__('Tasks'), tasks] as [string, string]] : []),
    ...(action.args ?? [])
      .filter(name => args[name] !== undefined)
      .map((name): [string, string] => [name, JSON.stringify(args[name])])
  ];
}
