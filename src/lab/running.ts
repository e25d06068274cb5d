import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';
import type { IRunningSessions } from '@jupyterlab/running';
import { IRunningSessionManagers } from '@jupyterlab/running';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import { asClientError } from '../client/errors';
import type { TaskRow, Workspace } from '../client/types';
import type { ActivityModel } from '../model/activity';
import type { IResult } from '../views/actions/action';
import { followActivity } from './activity';
import { ownArgs } from './caller';
import { pyrunsIcon } from './icons';
import { CommandIDs, ICore } from './tokens';

/** The running and queued tasks of the current workspace, for Lab's panel *Running*. */
class RunningTasks implements IRunningSessions.IManager {
  constructor(
    private readonly _pyruns: ICore,
    private readonly _app: JupyterFrontEnd
  ) {
    const { trans, session } = _pyruns;
    this._trans = trans;
    this.name = trans.__('Pyruns Tasks');
    this.shutdownLabel = trans.__('Stop Task');
    this.shutdownAllLabel = trans.__('Stop All Tasks');
    followActivity(session, activity => this._onActivity(activity));
  }

  readonly name: string;
  readonly shutdownLabel: string;
  readonly shutdownAllLabel: string;
  readonly runningChanged = new Signal<this, void>(this);

  shutdownAllConfirmationText = (): string =>
    this._trans.__(
      'Stop all running and queued tasks of this workspace? Unsaved progress is lost. Logs are kept.'
    );

  running(): IRunningSessions.IRunningItem[] {
    const { current, activity } = this._pyruns.session.getSnapshot();
    return current && activity
      ? activity.getSnapshot().active.map(task => this._itemOf(current, task))
      : [];
  }

  refreshRunning(): void {
    this._pyruns.session.getSnapshot().activity?.retry();
  }

  shutdownAll(): void {
    const { current } = this._pyruns.session.getSnapshot();
    if (current) {
      // There may be more tasks than listed ones.
      void this._stop(current, { query: 'is:active' });
    }
  }

  private _itemOf(
    workspace: Workspace,
    task: TaskRow
  ): IRunningSessions.IRunningItem {
    const isRunning = task.status === 'running';
    return {
      icon: () => pyrunsIcon,
      label: () => task.name,
      labelTitle: () => `${workspace.name}: ${task.name}`,
      detail: () =>
        !isRunning
          ? this._trans.__('queued')
          : task.progress === null
            ? this._trans.__('running')
            : `${Math.round(100 * task.progress)}%`,
      open: () =>
        void this._app.commands.execute(CommandIDs.openMonitor, {
          workspace: workspace.id,
          task: task.name
        }),
      shutdown: () => void this._stop(workspace, { tasks: [task.name] })
    };
  }

  /** Stop tasks; as for kernels, one click is enough. */
  private async _stop(
    workspace: Workspace,
    which: { tasks: string[] } | { query: string }
  ): Promise<void> {
    try {
      const { refused = {} } = (await this._app.commands.execute(
        'pyruns:stop-tasks',
        ownArgs({ workspace: workspace.id, ...which }, 'code')
      )) as IResult;
      const [message] = Object.values(refused);
      if (message && 'tasks' in which) {
        throw new Error(message);
      }
    } catch (error) {
      void showErrorMessage(
        this._trans.__('Couldn’t stop the task'),
        asClientError(error).message
      );
    }
  }

  /** Notify Lab of changes in what its panel shows. */
  private _onActivity(activity: ActivityModel | null): void {
    const shown = JSON.stringify(
      activity
        ?.getSnapshot()
        .active.map(task => [task.name, task.status, task.progress])
    );
    if (shown !== this._shown) {
      this._shown = shown;
      this.runningChanged.emit();
    }
  }

  private readonly _trans: TranslationBundle;
  private _shown: string | undefined;
}

export const runningPlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:running',
  description: 'Lists running and queued tasks in the panel Running.',
  autoStart: true,
  requires: [ICore, IRunningSessionManagers],
  activate: (app, pyruns: ICore, managers: IRunningSessionManagers): void => {
    managers.add(new RunningTasks(pyruns, app));
  }
};
