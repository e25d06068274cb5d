/** Notifications about the tasks of the current workspace; loaded once Lab is restored. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { FailureGroup, TaskRow, Workspace } from '../client/types';
import { StudyCompletionWatcher } from '../model/studycompletion';
import { workspaceTitle } from '../views/shared/title';
import type { ICore, IHappened, IIdle } from './tokens';
import { CommandIDs } from './tokens';

/** How many tasks the Compare page shows. */
const MAX_COMPARED = 500;

/** Lab shows no more of a notification. */
const MAX_MESSAGE_LENGTH = 140;

/** What happens in the current workspace. */
export interface IHandlers {
  ended(happened: IHappened): void;
  trials(happened: IHappened): void;
  alerted(happened: IHappened): void;
  silent(happened: IHappened): void;
  idle(happened: IIdle): void;
  currentChanged(current: Workspace | null): void;
}

/**
 * Make what notifies the user.
 *
 * @param last - id of the workspace whose events come first
 */
export function makeNotifier(
  app: JupyterFrontEnd,
  pyruns: ICore,
  last: string | undefined
): IHandlers {
  const { trans } = pyruns;
  /** Runs that ended since all was quiet. */
  const ended = { failed: 0, all: 0, names: new Set<string>() };
  const forgetEnded = () => {
    ended.all = ended.failed = 0;
    ended.names = new Set();
    failures = '';
  };
  /** The notification that counts the failures of this batch. */
  let failures = '';
  /** The notification about alerts, and the tasks that it is about. */
  const alerts = { id: '', level: 'info' as Level, names: new Set<string>() };

  const isWanted = (
    kind: 'notifyFailed' | 'notifyDone' | 'notifySilent' | 'notifyAlerts'
  ) => pyruns.settings.getSnapshot()[kind];
  const title = (workspace: Workspace) => workspaceTitle(trans, workspace);
  const button = (
    label: string,
    command: string,
    args: ReadonlyPartialJSONObject
  ) => ({
    label,
    callback: () => void app.commands.execute(command, args)
  });
  const showLog = ({ id: workspace }: Workspace, task: string) =>
    button(trans.__('Open log'), CommandIDs.openMonitor, { workspace, task });
  const showTasks = ({ id: workspace }: Workspace) =>
    button(trans.__('Show tasks'), CommandIDs.openManager, { workspace });

  /** Compare the tasks of a batch, the failed ones first. */
  const showFailures = (
    workspace: Workspace,
    names: readonly string[],
    groups: readonly FailureGroup[]
  ) =>
    button(trans.__('Show failures'), CommandIDs.openCompare, {
      workspace: workspace.id,
      names: [
        ...new Set([...groups.flatMap(group => group.names), ...names])
      ].slice(0, MAX_COMPARED),
      tab: 'failures'
    });

  const notifyFailed = (workspace: Workspace, failed: TaskRow[]) => {
    const [first] = failed;
    const text =
      ended.failed === 1
        ? [trans.__('%1 failed', first.name), first.message]
            .filter(Boolean)
            .join(': ')
        : trans.__('%1 tasks in %2 failed', ended.failed, title(workspace));
    const message = cut(text);
    const actions =
      ended.failed === 1
        ? [showLog(workspace, first.name)]
        : [showLog(workspace, first.name), showTasks(workspace)];
    const known = Notification.manager.has(failures);
    if (known) {
      Notification.update({ id: failures, message, actions });
    } else {
      failures = Notification.emit(message, 'error', {
        autoClose: false,
        actions
      });
    }
  };

  /** Notify why tasks of a batch failed, after its end. */
  const notifyFailures = async (
    workspace: Workspace,
    batch: { names: string[]; shown: string; done: string }
  ) => {
    const { names, shown, done } = batch;
    const [{ readFailures }, { failuresSentence }] = await Promise.all([
      import('../model/failures'),
      import('../views/shared/failures')
    ]);
    const found = await readFailures(pyruns.client, workspace.id, names);
    const groups = found?.groups ?? [];
    const message = cut(
      found && groups.length > 0
        ? `${title(workspace)}: ${failuresSentence(trans, groups, found.tasks)}`
        : done
    );
    const actions = [
      ...(groups.length > 0 ? [showFailures(workspace, names, groups)] : []),
      showTasks(workspace)
    ];
    if (Notification.manager.has(shown)) {
      // The notification about the failures also reports the end.
      Notification.update({ id: shown, message, actions });
    } else {
      Notification.emit(message, 'warning', { autoClose: 8000, actions });
    }
  };

  /** For studies, notify once at the end instead of for each trial. */
  const searches = new StudyCompletionWatcher(
    pyruns.client,
    async (ws, study) => {
      const { studySentence } = await import('../views/shared/study');
      const isGood = study.state === 'finished';
      if (isWanted(isGood ? 'notifyDone' : 'notifyFailed')) {
        Notification.emit(
          cut(studySentence(trans, study)),
          isGood ? 'success' : 'error',
          {
            autoClose: isGood ? 8000 : false,
            actions: [
              button(trans.__('Open study'), CommandIDs.openCompare, {
                workspace: ws,
                study: study.name
              })
            ]
          }
        );
      }
    }
  );

  return {
    ended: ({ workspace, tasks: all }) => {
      const tasks = all.filter(task => !task.study);
      const failed = tasks.filter(task => task.status === 'failed');
      ended.all += tasks.length;
      ended.failed += failed.length;
      tasks.forEach(({ name }) => ended.names.add(name));
      if (failed.length > 0 && isWanted('notifyFailed')) {
        notifyFailed(workspace, failed);
      }
    },
    trials: ({ workspace, tasks: trials }) =>
      searches.onTrialsChanged(workspace.id, trials),
    alerted: ({ workspace, tasks }) => {
      const last = tasks[tasks.length - 1];
      if (!last.alert || !isWanted('notifyAlerts')) {
        return;
      }
      const isShown = Notification.manager.has(alerts.id);
      if (!isShown) {
        alerts.level = 'info';
        alerts.names.clear();
      }
      for (const { name, alert } of tasks) {
        alerts.names.add(name);
        alerts.level = severer(alerts.level, alert?.level ?? 'info');
      }
      const { title: head, text } = last.alert;
      const isOne = alerts.names.size === 1;
      const message = cut(
        isOne
          ? [`${last.name}: ${head}`, text].filter(Boolean).join(': ')
          : trans.__(
              '%1 tasks in %2 have sent alerts',
              alerts.names.size,
              title(workspace)
            )
      );
      const options = {
        autoClose: alerts.level === 'info' ? 8000 : (false as const),
        actions: isOne
          ? [showLog(workspace, last.name)]
          : [showLog(workspace, last.name), showTasks(workspace)]
      };
      if (isShown) {
        Notification.update({
          id: alerts.id,
          message,
          type: alerts.level,
          ...options
        });
      } else {
        alerts.id = Notification.emit(message, alerts.level, options);
      }
    },
    silent: ({ workspace, tasks }) => {
      const [first] = tasks;
      if (first && isWanted('notifySilent')) {
        const message =
          tasks.length === 1
            ? trans.__(
                '%1: no output since %2',
                first.name,
                new Date((first.silent_since ?? 0) * 1000).toLocaleTimeString(
                  [],
                  { hour: '2-digit', minute: '2-digit' }
                )
              )
            : trans.__(
                '%1 tasks in %2 have stopped producing output',
                tasks.length,
                title(workspace)
              );
        Notification.emit(cut(message), 'warning', {
          autoClose: false,
          actions: [showLog(workspace, first.name)]
        });
      }
    },
    idle: ({ workspace }) => {
      const { all, failed, names } = ended;
      const shown = failures;
      forgetEnded();
      if (!isWanted('notifyDone') || all === 0 || (all === 1 && failed === 1)) {
        return;
      }
      const done = trans._n(
        '%1 task in %2 finished',
        '%1 tasks in %2 finished',
        all,
        title(workspace)
      );
      if (failed === 0) {
        Notification.emit(cut(done), 'success', {
          autoClose: 8000,
          actions: [showTasks(workspace)]
        });
        return;
      }
      void notifyFailures(workspace, {
        names: [...names],
        shown,
        done: trans.__('%1; %2 failed', done, failed)
      });
    },
    currentChanged: current => {
      if (current?.id !== last) {
        last = current?.id;
        alerts.id = '';
        forgetEnded();
      }
    }
  };
}

type Level = 'info' | 'warning' | 'error';

const LEVELS: readonly Level[] = ['info', 'warning', 'error'];

function severer(one: Level, other: Level): Level {
  return LEVELS.indexOf(one) < LEVELS.indexOf(other) ? other : one;
}

function cut(message: string): string {
  return message.length > MAX_MESSAGE_LENGTH
    ? `${message.slice(0, MAX_MESSAGE_LENGTH - 1)}…`
    : message;
}
