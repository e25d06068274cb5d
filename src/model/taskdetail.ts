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
  /** The task that is shown, '' for none. */
  readonly name: string;
  /** What is known of it; of another task never. */
  readonly detail: TaskDetail | null;
  readonly error: ClientError | null;
  /** A change is on its way. */
  readonly saving: boolean;
}

/** Notes that are being written, and what they were before. */
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

/** One task with its runs, renewed when its row in a list changes. */
export class TaskDetailModel extends Model<ITaskDetailState> {
  constructor(
    private readonly _client: TaskClient,
    /** Workspace id. */
    readonly ws: string
  ) {
    super({ name: '', detail: null, error: null, saving: false });
    this.finder = this.own(new TaskFinder(_client, ws));
  }

  /** Finds the task whose configuration is compared. */
  readonly finder: TaskFinder;

  /** Notes that were not saved yet, by task: who looks elsewhere finds them again. */
  readonly drafts = new Map<string, INoteDraft>();

  /** Show a task; the same one with another row is asked for again. */
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

  /** Ask again now. */
  refresh(): Promise<void> {
    return this.fetch(
      'detail',
      () => this._client.getTask(this.ws, this.state.name),
      detail => this.update({ detail, error: null }),
      error => this.update({ error })
    );
  }

  /**
   * Change the task, if it is still as it is shown.
   *
   * @throws ClientError when it changed meanwhile, or may not be changed
   */
  async change(patch: TaskPatch): Promise<void> {
    const { name } = this.state;
    this.update({ saving: true });
    try {
      const detail = await this.send(() =>
        this._client.changeTask(this.ws, name, patch)
      );
      if (this.state.name === name) {
        // An answer to what was asked for meanwhile may be older.
        this.cancel('detail');
        this.update({ detail, error: null });
        this.schedule('detail', GATHER_MS, () => this.refresh());
      }
    } finally {
      this.update({ saving: false });
    }
  }

  /** The configuration of another task, or ('') the default one. */
  readTemplate(task: string): Promise<Template> {
    return this._client.getTemplate(this.ws, task || undefined);
  }

  /** What a run of the task was given. */
  readInput(run: number): Promise<RunInput> {
    return this._client.getRunInput(this.ws, this.state.name, run);
  }

  /** The files that a run of the task left. */
  listFiles(run: number): Promise<Artifacts> {
    return this._client.listArtifacts(this.ws, this.state.name, run);
  }

  /** One of these files, or its first `limit` bytes. */
  readFile(run: number, path: string, limit?: number): Promise<Blob> {
    const { name } = this.state;
    return this._client.readArtifact(this.ws, name, run, path, limit);
  }

  private _stamp = '';
}

/** A task that the user only passes with the arrow keys is not loaded. */
const SETTLE_MS = 80;

/** How long changes gather before the task is read again. */
const GATHER_MS = 600;

/** Changes when something else is to be told of a task. */
function stampOf(row: TaskRow): string {
  return JSON.stringify([
    row.status,
    row.run,
    row.finished_at,
    row.message,
    row.pinned,
    row.tags,
    row.status === 'running' ? row.figures : null
  ]);
}
