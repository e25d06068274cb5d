import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';

import type { Counts, IClient, TaskRow, Workspace } from '../client/types';
import type { SessionModel } from '../model/session';
import type { SystemModel } from '../model/system';

/** Name under which strings are translated. */
export const DOMAIN = 'pyruns_jupyter';

/** Plugin whose settings hold how the extension behaves in Lab. */
export const SETTINGS = 'pyruns-jupyter:plugin';

/** Commands that other extensions may execute. */
export namespace CommandIDs {
  export const openWorkspace = 'pyruns:open-workspace';
  export const runFile = 'pyruns:run-file';
  export const useAsTemplate = 'pyruns:use-as-template';
  export const openPage = 'pyruns:open-page';
  export const openDashboard = 'pyruns:open-dashboard';
  export const openGenerator = 'pyruns:open-generator';
  export const openManager = 'pyruns:open-manager';
  export const openMonitor = 'pyruns:open-monitor';
  export const openCompare = 'pyruns:open-compare';
  export const copyLink = 'pyruns:copy-link';
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

/** Experiments in this JupyterLab. */
export interface IPyruns {
  /** Everything that can be asked of the server extension. */
  readonly client: IClient;

  /** Which workspaces there are, and which one is looked at. */
  readonly session: SessionModel;

  /** Loads of the machine. */
  readonly system: SystemModel;

  /** The workspace that is looked at. */
  readonly current: Workspace | null;

  /** The workspace that is looked at, or what is known of it, changed. */
  readonly currentChanged: ISignal<IPyruns, Workspace | null>;

  /** Runs of the current workspace ended. */
  readonly ended: ISignal<IPyruns, IHappened>;

  /** Running tasks of the current workspace have given no sign of life for long. */
  readonly silent: ISignal<IPyruns, IHappened>;

  /** Trials of adaptive sweeps of the current workspace changed. */
  readonly trials: ISignal<IPyruns, IHappened>;

  /** The last active task of the current workspace ended. */
  readonly idle: ISignal<IPyruns, IIdle>;

  /**
   * Open a script or a folder, by its path below the server's root, creating
   * its workspace when there is none, and look at it.
   *
   * Rejects with a sentence for the user when it cannot be opened.
   */
  openWorkspace(path: string): Promise<Workspace>;
}

export const IPyruns = new Token<IPyruns>(
  'pyruns-jupyter:IPyruns',
  'Experiments: the workspaces, their tasks, and the connection to the server extension.'
);
