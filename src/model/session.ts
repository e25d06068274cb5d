import type { ClientError } from '../client/errors';
import { asClientError } from '../client/errors';
import type { Created, IClient, Status, Workspace } from '../client/types';
import type { IActivityHandlers } from './activity';
import { ActivityModel } from './activity';
import { Model } from './model';

/** The version of the REST interface that these sources speak. */
export const API_VERSION = 2;

/** Pause before an unreachable server is asked again. */
const RETRY_MS = 5000;

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

  /** What the user may do; everything until the server has answered. */
  get rights(): { canWrite: boolean; canExecute: boolean } {
    const { status } = this.state;
    return {
      canWrite: status?.can_write ?? true,
      canExecute: status?.can_execute ?? true
    };
  }

  /** Shake hands, list the workspaces and come back to the last one. */
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
    // The server puts the most recently used one first.
    const [first] = this.state.workspaces;
    if (!this.state.current && first) {
      this.choose(first);
    }
  }

  /** Resolved when the server's answer to the handshake is known. */
  settled(): Promise<void> {
    return this.until(({ handshake }) => handshake !== 'checking');
  }

  /** List the workspaces anew. */
  refresh(): Promise<void> {
    return this.fetch(
      'workspaces',
      () => this._options.client.listWorkspaces(),
      workspaces => {
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

  /**
   * The workspace of an id, as the server knows it now.
   *
   * @throws ClientError when there is none
   */
  readWorkspace(id: string): Promise<Workspace> {
    return this.send(() => this._options.client.getWorkspace(id));
  }

  /**
   * Create and queue one task with the defaults; null where that is not
   * possible, because values are missing or it would be a sweep.
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

  override dispose(): void {
    super.dispose();
    this.state.activity?.dispose();
  }
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
