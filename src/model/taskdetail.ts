import type { ClientError } from '../client/errors';
import type {
  Artifacts,
  IClient,
  RunInput,
  TaskDetail,
  TaskPatch,
  TaskRow,
  Template
} from '../client/types';
import { Model } from './model';
import { TaskFinder } from './taskfinder';

export interface ITaskDetailState {
  /** The task; '' for none. */
  readonly name: string;
  /** Null before it is loaded. */
  readonly detail: TaskDetail | null;
  readonly error: ClientError | null;
  /** Whether a change is being saved. */
  readonly saving: boolean;
}

/** Notes that are being edited, and the saved ones. */
export interface INoteDraft {
  readonly text: string;
  readonly base: string;
}

type TaskClient = Pick<
  IClient,
  | 'changeTask'
  | 'getRunInput'
  | 'getTask'
  | 'getTemplate'
  | 'listArtifacts'
  | 'listTasks'
  | 'readArtifact'
>;

/** One task with its runs, loaded again when its row in a list changes. */
export class TaskDetailModel extends Model<ITaskDetailState> {
  constructor(
    private readonly _client: TaskClient,
    /** Workspace id. */
    readonly ws: string
  ) {
    super({ name: '', detail: null, error: null, saving: false });
    this.finder = this.own(new TaskFinder(_client, ws));
  }

  /** Finds the task to compare with. */
  readonly finder: TaskFinder;

  /** Notes that are not saved yet, by task. */
  readonly drafts = new Map<string, INoteDraft>();

  /** Show a task; load it again if its row has changed. */
  show(name: string, row: TaskRow | undefined): void {
    const stamp = row ? stampOf(row) : '';
    if (name !== this.state.name) {
      this._stamp = stamp;
      this.cancel('detail');
      this.update({ name, detail: null, error: null });
      if (name) {
        this.schedule('detail', SETTLE_MS, () => this.refresh());
      }
    } else if (stamp && stamp !== this._stamp) {
      this._stamp = stamp;
      this.schedule('detail', GATHER_MS, () => this.refresh());
    }
  }

  /** Load the task again, now. */
  refresh(): Promise<void> {
    return this.fetch(
      'detail',
      () => this._client.getTask(this.ws, this.state.name),
      detail => this.update({ detail, error: null }),
      error => this.update({ error })
    );
  }

  /**
   * Change the task, unless it was changed meanwhile.
   *
   * @throws ClientError if it was changed meanwhile, or may not be changed
   */
  async change(patch: TaskPatch): Promise<void> {
    const { name } = this.state;
    this.update({ saving: true });
    try {
      const detail = await this.send(() =>
        this._client.changeTask(this.ws, name, patch)
      );
      if (this.state.name === name) {
        // A pending answer may be older.
        this.cancel('detail');
        this.update({ detail, error: null });
        this.schedule('detail', GATHER_MS, () => this.refresh());
      }
    } finally {
      this.update({ saving: false });
    }
  }

  /** Load the configuration of another task, or ('') the default one. */
  readTemplate(task: string): Promise<Template> {
    return this._client.getTemplate(this.ws, { task });
  }

  /** Load the configuration and command of a run. */
  readInput(run: number): Promise<RunInput> {
    return this._client.getRunInput(this.ws, this.state.name, run);
  }

  /** List the artifacts of a run. */
  listFiles(run: number): Promise<Artifacts> {
    return this._client.listArtifacts(this.ws, this.state.name, run);
  }

  /** Load an artifact, or its first `limit` bytes. */
  readFile(run: number, path: string, limit?: number): Promise<Blob> {
    const { name } = this.state;
    return this._client.readArtifact(this.ws, name, run, path, limit);
  }

  private _stamp = '';
}

/** Delay before a task is loaded, to skip those passed with the arrow keys. */
const SETTLE_MS = 80;

/** Delay before the task is loaded again, to gather changes. */
const GATHER_MS = 600;

/** Changes whenever the details of a task may have changed. */
function stampOf(row: TaskRow): string {
  return JSON.stringify([
    row.status,
    row.run,
    row.finished_at,
    row.message,
    row.alert?.number,
    row.pinned,
    row.tags,
    row.status === 'running' ? row.figures : null
  ]);
}
