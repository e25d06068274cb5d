import type { ClientError } from '../client/errors';
import { asClientError } from '../client/errors';
import type { IClient, Status, Workspace } from '../client/types';
import type { IActivityHandlers } from './activity';
import { ActivityModel } from './activity';
import { Store } from './store';

/** The version of the REST interface that these sources speak. */
export const API_VERSION = 2;

/** Pause before an unreachable server is asked again, in ms. */
const RETRY = 5000;

export interface ISessionState {
  /**
   * `missing`: a Jupyter server answers, but without our extension.
   * `mismatch`: the extension speaks another version of the interface.
   */
  readonly handshake:
    'checking' | 'ready' | 'missing' | 'mismatch' | 'unreachable' | 'failed';
  readonly status: Status | null;
  /** Why the handshake or the last request failed. */
  readonly problem: ClientError | null;
  readonly workspaces: readonly Workspace[];
  readonly listed: boolean;
  readonly current: Workspace | null;
  /** What the current workspace does. */
  readonly activity: ActivityModel | null;
}

/** Which workspaces there are, and which of them is looked at. */
export class SessionModel extends Store<ISessionState> {
  constructor(options: SessionModel.IOptions) {
    super({
      handshake: 'checking',
      status: null,
      problem: null,
      workspaces: [],
      listed: false,
      current: null,
      activity: null
    });
    this._options = options;
  }

  get client(): IClient {
    return this._options.client;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** What the user may do; everything until the server has answered. */
  get rights(): { canWrite: boolean; canExecute: boolean } {
    const { status } = this.state;
    return {
      canWrite: status?.can_write ?? true,
      canExecute: status?.can_execute ?? true
    };
  }

  /** Shake hands, list the workspaces and come back to the last one. */
  async start(): Promise<void> {
    clearTimeout(this._timer);
    const { client, loadCurrent } = this._options;
    try {
      const status = await client.getStatus();
      if (status.api_version !== API_VERSION) {
        this.update({ handshake: 'mismatch', status, problem: null });
        return;
      }
      this.update({ handshake: 'ready', status, problem: null });
    } catch (error) {
      const problem = asClientError(error);
      const handshake =
        problem.status === 404
          ? 'missing'
          : problem.isUnreachable
            ? 'unreachable'
            : 'failed';
      this.update({ handshake, problem });
      if (handshake === 'unreachable' && !this._isDisposed) {
        this._timer = setTimeout(() => void this.start(), RETRY);
      }
      return;
    }
    await this.refresh();
    if (!this.state.current && loadCurrent) {
      const id = await loadCurrent().catch(() => null);
      const found = this.state.workspaces.find(item => item.id === id);
      if (found && !this.state.current) {
        this.choose(found);
      }
    }
    // The server puts the most recently used one first.
    const [first] = this.state.workspaces;
    if (!this.state.current && first) {
      this.choose(first);
    }
  }

  /** Resolved when the server's answer to the handshake is known. */
  async settled(): Promise<void> {
    while (this.state.handshake === 'checking' && !this._isDisposed) {
      await new Promise<void>(resolve => {
        const leave = this.subscribe(() => {
          leave();
          resolve();
        });
      });
    }
  }

  /** List the workspaces anew. */
  async refresh(): Promise<void> {
    try {
      const workspaces = await this._options.client.listWorkspaces();
      const { current } = this.state;
      this.update({
        workspaces,
        listed: true,
        problem: null,
        current: workspaces.find(item => item.id === current?.id) ?? current
      });
    } catch (error) {
      this.update({ problem: asClientError(error) });
    }
  }

  /**
   * Open a script or folder, creating its workspace when there is none.
   *
   * @throws ClientError with a sentence when it cannot be opened
   */
  async open(path: string): Promise<Workspace> {
    const workspace = await this._options.client.openWorkspace(path);
    this.choose(workspace);
    void this.refresh();
    return workspace;
  }

  /** Look at a workspace. */
  choose(workspace: Workspace): void {
    const { current, activity, workspaces } = this.state;
    if (current?.id === workspace.id && activity) {
      this.update({ current: workspace });
      return;
    }
    activity?.dispose();
    const next = new ActivityModel(
      this._options.client,
      workspace.id,
      this._options.handlers?.(workspace)
    );
    this.update({
      current: workspace,
      activity: next,
      workspaces: workspaces.some(item => item.id === workspace.id)
        ? workspaces
        : [workspace, ...workspaces]
    });
    next.start();
    this._options.saveCurrent?.(workspace.id);
  }

  /** Ask again now what could not be asked before. */
  retry(): void {
    if (this.state.handshake === 'ready') {
      void this.refresh();
      this.state.activity?.retry();
    } else {
      this.update({ handshake: 'checking' });
      void this.start();
    }
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
    this.state.activity?.dispose();
  }

  private readonly _options: SessionModel.IOptions;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
}

export namespace SessionModel {
  export interface IOptions {
    client: IClient;
    /** The id of the workspace that was looked at last. */
    loadCurrent?: () => Promise<string | null>;
    saveCurrent?: (id: string) => void;
    /** Who is told what happens in a workspace that is looked at. */
    handlers?: (workspace: Workspace) => IActivityHandlers;
  }
}
