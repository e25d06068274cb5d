/** Every action as a command of Lab. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { ACTIONS, type ActionId } from '../views/actions';
import type { Args, IAction, IActionContext } from '../views/actions/action';
import {
  chooseTasks,
  isAllowed,
  isPossible,
  perform,
  refusal
} from '../views/actions/action';
import { describe, text, texts } from './arguments';
import { ownArgs, widgetOf } from './caller';
import { actionIcon, pyrunsIcon } from './icons';
import type { PageArea } from './pages';
import type { OpenPage, Page } from './pagefactory';
import { answer, confirmInLab } from './request';
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

/** The context of an action without what is created for it. */
type Found = Omit<IActionContext, 'confirm'>;

/**
 * Add the commands.
 *
 * @returns the function to call after what is possible in a page has changed
 */
export function addActionCommands(
  options: IActionCommands
): (area: PageArea) => void {
  const { app, core, trans, palette, open } = options;

  /** Return the context; null if no workspace is open. */
  const look = (args: ReadonlyPartialJSONObject): Found | null => {
    const front = (widgetOf(args) as PageArea | null) ?? options.front();
    const workspace =
      text(args.workspace) ?? front?.workspace ?? core.current?.id;
    if (workspace === undefined) {
      return null;
    }
    // Only a selection in the page in front counts.
    const inFront =
      front?.workspace === workspace ? front.showing.context.current?.() : null;
    const contextOf = (page: Page) =>
      options.find(page, workspace)?.showing.context.current?.();
    const context = inFront?.model ? inFront : contextOf('manager');
    const studies =
      front?.workspace === workspace ? front.showing.studies : undefined;
    const shownStudy = studies?.getSnapshot().detail?.name;
    const tasks = texts(args.tasks);
    return {
      ...core.session.rights,
      workspace,
      trans,
      model: context?.model,
      jobs: context?.jobs,
      queue: contextOf('dashboard')?.queue,
      studies:
        args.study === undefined || args.study === shownStudy
          ? studies
          : undefined,
      log: inFront?.log,
      chosen: tasks
        ? chooseTasks(context?.model?.getSnapshot().rows ?? [], tasks)
        : (inFront?.chosen ?? chooseTasks([], [])),
      show: {
        ...inFront?.show,
        log: ([task]) => open('monitor', workspace, { task }),
        compare: names => open('compare', workspace, { names }),
        template: names => open('generator', workspace, { names }),
        study: ([study]) => open('compare', workspace, { study })
      }
    };
  };

  const run = async (
    action: IAction,
    found: IActionContext,
    args: ReadonlyPartialJSONObject
  ) => {
    const [
      { TaskListModel },
      { QueueModel },
      { StudiesModel },
      { TrashModel }
    ] = await Promise.all([
      import('../model/tasklist'),
      import('../model/queue'),
      import('../model/studies'),
      import('../model/trash')
    ]);
    const { client } = core;
    const { workspace: ws } = found;
    const own = new Set<{ dispose(): void }>();
    const model = new TaskListModel(client, ws);
    own.add(model);
    const queue = new QueueModel(client, ws);
    own.add(queue);
    const studies = new StudiesModel({ client, ws });
    own.add(studies);
    const trash = new TrashModel(client, ws);
    own.add(trash);
    try {
      const context = {
        ...found,
        model: found.model ?? model,
        queue: found.queue ?? queue,
        studies: found.studies ?? studies,
        trash
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
      icon: ({ toolbar }) => (toolbar ? actionIcon(action.icon) : pyrunsIcon),
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
      // A toolbar has room only for what fits now.
      isVisible: args => {
        const found = args.toolbar ? look(args) : null;
        return !found || (action.isOffered?.(found) ?? true);
      },
      isToggleable: action.isOn !== undefined,
      isToggled: args => {
        const found = look(args);
        return found !== null && (action.isOn?.(found) ?? false);
      },
      execute: args => {
        // Not after a wait, in which the user may choose another workspace.
        const found = look(args);
        return answer(trans, app.commands, command, args, async caller => {
          if (!found) {
            throw new Error(
              trans.__('Open a script or a folder in Pyruns first.')
            );
          }
          if (action.needs && caller === 'other') {
            const { askToAllow } = await import('./allow');
            await askToAllow(trans, {
              title: trans.__('Allow this?'),
              facts: factsOf(trans, action, found, args),
              accept: action.label(trans)
            });
          }
          const confirm =
            caller === 'user' ? confirmInLab(trans) : async () => true;
          const result = await run(action, { ...found, confirm }, args);
          const refused = refusal(trans, result.refused);
          if (refused && caller !== 'code') {
            Notification.warning(refused);
          }
          const note =
            caller === 'user' &&
            result.tasks?.length !== 0 &&
            action.done?.(trans, result);
          if (note) {
            Notification.info(note, { autoClose: 4000 });
          }
          return result;
        });
      }
    });
    if (!action.isForPrograms) {
      palette?.addItem({
        command,
        category: action.tasks ? trans.__('Pyruns Tasks') : trans.__('Pyruns'),
        args: ownArgs()
      });
    }
  }

  const { commands } = app;
  return area => {
    const args = ownArgs(
      { workspace: area.workspace, toolbar: true },
      'user',
      area
    );
    for (const id of Object.keys(ACTIONS) as ActionId[]) {
      const command = `pyruns:${id}`;
      const state = JSON.stringify([
        commands.isEnabled(command, args),
        commands.isVisible(command, args),
        commands.isToggled(command, args),
        commands.label(command, args)
      ]);
      if (area.commandStates.get(command) !== state) {
        area.commandStates.set(command, state);
        commands.notifyCommandChanged(command);
      }
    }
  };
}

/** Describe an action for a question. */
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
