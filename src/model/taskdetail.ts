import type { ClientError } from '../client/errors';
import type { IClient, TaskDetail, TaskPatch, TaskRow } from '../client/types';
import { Model } from './model';

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

/** One task with its runs, renewed when its row in a list changes. */
export class TaskDetailModel extends Model<ITaskDetailState> {
  constructor(
    private readonly _client: Pick<IClient, 'getTask' | 'changeTask'>,
    private readonly _ws: string
  ) {
    super({ name: '', detail: null, error: null, saving: false });
  }

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
      () => this._client.getTask(this._ws, this.state.name),
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
        this._client.changeTask(this._ws, name, patch)
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
