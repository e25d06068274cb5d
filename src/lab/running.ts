import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';
import type { IRunningSessions } from '@jupyterlab/running';
import { IRunningSessionManagers } from '@jupyterlab/running';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import { asClientError } from '../client/errors';
import type { TaskRow, Workspace } from '../client/types';
import type { IResult } from '../views/actions/action';
import { ownArgs } from './caller';
import { pyrunsIcon } from './icons';
import { CommandIDs, DOMAIN, ICore } from './tokens';

/** The tasks of the current workspace that run or wait, for Lab's panel of all that runs. */
class RunningTasks implements IRunningSessions.IManager {
  constructor(
    private readonly _pyruns: ICore,
    private readonly _app: JupyterFrontEnd,
    private readonly _trans: TranslationBundle
  ) {
    this.name = _trans.__('Pyruns Tasks');
    this.shutdownLabel = _trans.__('Stop Task');
    this.shutdownAllLabel = _trans.__('Stop All Tasks');
    _pyruns.session.subscribe(() => this._follow());
    this._follow();
  }

  readonly name: string;
  readonly shutdownLabel: string;
  readonly shutdownAllLabel: string;
  readonly runningChanged = new Signal<this, void>(this);

  shutdownAllConfirmationText = (): string =>
    this._trans.__(
      'Stop the tasks of this workspace that run or wait? What they have not saved is lost; their logs stay.'
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
      // More may run and wait than are listed.
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
        this._trans.__('The task cannot be stopped'),
        asClientError(error).message
      );
    }
  }

  /** Hear of the current workspace; Lab is told only of what its panel shows. */
  private _follow(): void {
    const { activity } = this._pyruns.session.getSnapshot();
    if (activity === this._activity) {
      return;
    }
    this._leave();
    this._activity = activity;
    this._shown = '';
    const look = () => {
      const shown = JSON.stringify(
        activity
          ?.getSnapshot()
          .active.map(task => [task.name, task.status, task.progress])
      );
      if (shown !== this._shown) {
        this._shown = shown;
        this.runningChanged.emit();
      }
    };
    this._leave = activity?.subscribe(look) ?? (() => undefined);
    look();
  }

  private _activity: unknown = null;
  private _shown: string | undefined = '';
  private _leave: () => void = () => undefined;
}

export const runningPlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:running',
  description: 'Lists running and queued tasks among all that runs in Lab.',
  autoStart: true,
  requires: [ICore, IRunningSessionManagers],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    pyruns: ICore,
    managers: IRunningSessionManagers,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    managers.add(new RunningTasks(pyruns, app, trans));
  }
};
