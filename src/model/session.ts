import type { ClientError } from '../client/errors';
import { asClientError } from '../client/errors';
import type { Created, IClient, Status, Workspace } from '../client/types';
import type { IActivityHandlers } from './activity';
import { ActivityModel } from './activity';
import { Model } from './model';

/** The required version of the REST API. */
export const API_VERSION = 2;

/** Delay before an unreachable server is tried again. */
const RETRY_MS = 5000;

export interface ISessionState {
  /**
   * `missing`: the Jupyter server does not have the extension.
   * `mismatch`: the extension has another version of the interface.
   */
  readonly handshake:
    'checking' | 'ready' | 'missing' | 'mismatch' | 'unreachable' | 'failed';
  readonly status: Status | null;
  /** Why the handshake or the last request failed. */
  readonly problem: ClientError | null;
  readonly workspaces: readonly Workspace[];
  readonly listed: boolean;
  readonly current: Workspace | null;
  /** The activity of the current workspace. */
  readonly activity: ActivityModel | null;
}

/** The known workspaces, and the current one. */
export class SessionModel extends Model<ISessionState> {
  constructor(private readonly _options: SessionModel.IOptions) {
    super({
      handshake: 'checking',
      status: null,
      problem: null,
      workspaces: [],
      listed: false,
      current: null,
      activity: null
    });
  }

  /** The user's permissions; all before the server has answered. */
  get rights(): { canWrite: boolean; canExecute: boolean } {
    const { status } = this.state;
    return {
      canWrite: status?.can_write ?? true,
      canExecute: status?.can_execute ?? true
    };
  }

  /** Connect, list the workspaces and open the last one. */
  start(): Promise<void> {
    return this.fetch(
      'status',
      () => this._options.client.getStatus(),
      status => {
        const isSame = status.api_version === API_VERSION;
        const handshake = isSame ? 'ready' : 'mismatch';
        this.update({ handshake, status, problem: null });
        return isSame ? this._begin() : undefined;
      },
      problem => {
        if (problem.isUnreachable) {
          this.update({ handshake: 'unreachable', problem });
          this.retryAfter('status', RETRY_MS, () => this.start());
        } else {
          const isMissing = problem.status === 404;
          this.update({ handshake: isMissing ? 'missing' : 'failed', problem });
        }
      }
    );
  }

  private async _begin(): Promise<void> {
    const { loadCurrent } = this._options;
    await this.refresh();
    if (!this.state.current && loadCurrent) {
      const id = await loadCurrent().catch(() => null);
      const found = this.state.workspaces.find(item => item.id === id);
      if (found && !this.state.current) {
        this.choose(found);
      }
    }
    // The server lists the most recently used one first.
    const [first] = this.state.workspaces;
    if (!this.state.current && first) {
      this.choose(first);
    }
  }

  /** Resolves when the server has answered, or could not be reached. */
  settled(): Promise<void> {
    return this.until(({ handshake }) => handshake !== 'checking');
  }

  /** List the workspaces again. */
  refresh(): Promise<void> {
    return this.fetch(
      'workspaces',
      () => this._options.client.listWorkspaces(),
      ({ items: workspaces }) => {
        const { current } = this.state;
        this.update({
          workspaces,
          listed: true,
          problem: null,
          current: workspaces.find(item => item.id === current?.id) ?? current
        });
      },
      problem => this.update({ problem })
    );
  }

  /**
   * Open a script or folder; its workspace is created if necessary.
   *
   * @throws ClientError if it cannot be opened
   */
  async open(path: string): Promise<Workspace> {
    const workspace = await this._options.client.openWorkspace({ path });
    this.choose(workspace);
    void this.refresh();
    return workspace;
  }

  /**
   * Load a workspace.
   *
   * @throws ClientError if it does not exist
   */
  readWorkspace(id: string): Promise<Workspace> {
    return this.send(() => this._options.client.getWorkspace(id));
  }

  /**
   * Create and queue one task with the default values.
   *
   * @returns null if values are missing or it would be a sweep
   */
  async runDefaults({ id, kind }: Workspace): Promise<Created | null> {
    const { client } = this._options;
    const { text, name } = await this.send(() => client.getTemplate(id));
    try {
      if (kind === 'script') {
        const request = { text, name, limit: 0 };
        const { count } = await client.previewSweep(id, request);
        if (count !== 1) {
          return null;
        }
      }
      return await client.createTasks(id, { text, name, run: {} });
    } catch (error) {
      if (asClientError(error).status === 400) {
        return null;
      }
      throw error;
    }
  }

  /** Make a workspace the current one. */
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

  /** Connect and load now instead of waiting for the next attempt. */
  retry(): void {
    if (this.state.handshake === 'ready') {
      void this.refresh();
      this.state.activity?.retry();
    } else {
      this.update({ handshake: 'checking' });
      void this.start();
    }
  }

  override dispose(): void {
    super.dispose();
    this.state.activity?.dispose();
  }
}

export namespace SessionModel {
  export interface IOptions {
    client: IClient;
    /** Load the id of the last current workspace. */
    loadCurrent?: () => Promise<string | null>;
    saveCurrent?: (id: string) => void;
    /** Make handlers for events of the current workspace. */
    handlers?: (workspace: Workspace) => IActivityHandlers;
  }
}
