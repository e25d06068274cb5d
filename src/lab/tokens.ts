import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { Counts, IClient, TaskRow, Workspace } from '../client/types';
import type { SessionModel } from '../model/session';
import type { IStore } from '../model/store';
import type { SystemModel } from '../model/system';
import type { ISettings } from './settings';

/** Name under which strings are translated. */
export const DOMAIN = 'pyruns_jupyter';

/** Plugin whose settings hold how the extension behaves in Lab. */
export const SETTINGS = 'pyruns-jupyter:plugin';

/** Commands that are not in the table of actions (`views/actions`). */
export namespace CommandIDs {
  export const openWorkspace = 'pyruns:open-workspace';
  export const runFile = 'pyruns:run-file';
  export const useAsTemplate = 'pyruns:use-as-template';
  export const importRuns = 'pyruns:import-from-file';
  export const openPage = 'pyruns:open-page';
  export const openDashboard = 'pyruns:open-dashboard';
  export const openGenerator = 'pyruns:open-generator';
  export const openManager = 'pyruns:open-manager';
  export const openMonitor = 'pyruns:open-monitor';
  export const openCompare = 'pyruns:open-compare';
  export const copyLink = 'pyruns:copy-link';
  export const openSettings = 'pyruns:open-settings';
  export const openLink = 'pyruns:open-link';
  export const showSidebar = 'pyruns:show-sidebar';
}

/** Tasks of a workspace to which something happened. */
export interface IHappened {
  readonly workspace: Workspace;
  readonly tasks: readonly TaskRow[];
}

/** A workspace in which nothing runs or waits any more. */
export interface IIdle {
  readonly workspace: Workspace;
  readonly counts: Counts;
}

/** What other extensions may use. */
export interface IPyruns {
  /** The current workspace of the user. */
  readonly current: Workspace | null;

  /** The current workspace, or what is known of it, changed. */
  readonly currentChanged: ISignal<unknown, Workspace | null>;

  /** Runs of the current workspace ended. */
  readonly ended: ISignal<unknown, IHappened>;

  /** Runs of the current workspace have sent an alert. */
  readonly alerted: ISignal<unknown, IHappened>;

  /** Running tasks of the current workspace have stalled. */
  readonly silent: ISignal<unknown, IHappened>;

  /** The last active task of the current workspace ended. */
  readonly idle: ISignal<unknown, IIdle>;

  /**
   * Open a script or a folder as the current workspace; it is created if
   * there is none.
   *
   * @param path - path below the server's root
   * @throws an error with a sentence for the user if it cannot be opened
   */
  openWorkspace(path: string): Promise<Workspace>;

  /**
   * Execute a command of this extension without asking the user.
   *
   * @param command - id of the command, such as `pyruns:run-tasks`
   * @param args - arguments as JSON, as the command describes them
   * @returns what the command answers, as JSON
   * @throws an error with a sentence for the user if nothing was done
   */
  execute(
    command: string,
    args?: ReadonlyPartialJSONObject
  ): Promise<ReadonlyPartialJSONObject>;
}

export const IPyruns = new Token<IPyruns>(
  'pyruns-jupyter:IPyruns',
  'Experiments: the current workspace, what happens to its tasks, and all commands.'
);

/** What the plugins of this extension share. */
export interface ICore extends Omit<IPyruns, 'execute'> {
  readonly client: IClient;
  readonly trans: TranslationBundle;
  readonly settings: IStore<ISettings>;
  /** Which workspaces there are, and the current one. */
  readonly session: SessionModel;
  /** Utilization of the machine. */
  readonly system: SystemModel;
  /** Trials of adaptive sweeps of the current workspace changed. */
  readonly trials: ISignal<unknown, IHappened>;
}

export const ICore = new Token<ICore>('pyruns-jupyter:ICore');
