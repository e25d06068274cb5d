import type { ClientError } from '../client/errors';
import { asClientError } from '../client/errors';
import type { IClient, TaskDetail, TaskPatch, TaskRow } from '../client/types';
import { Store } from './store';

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
export class TaskDetailModel extends Store<ITaskDetailState> {
  constructor(client: Pick<IClient, 'getTask' | 'changeTask'>, ws: string) {
    super({ name: '', detail: null, error: null, saving: false });
    this._client = client;
    this._ws = ws;
  }

  /** Notes that were not saved yet, by task: who looks elsewhere finds them again. */
  readonly drafts = new Map<string, INoteDraft>();

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
  }

  /** Show a task; the same one with another row is asked for again. */
  show(name: string, row: TaskRow | undefined): void {
    const stamp = row ? stampOf(row) : '';
    if (name !== this.state.name) {
      this._stamp = stamp;
      this.update({ name, detail: null, error: null });
      this._schedule(name ? SETTLE : null);
    } else if (stamp && stamp !== this._stamp) {
      this._stamp = stamp;
      this._schedule(CALM);
    }
  }

  /** Ask again now. */
  async refresh(): Promise<void> {
    this._schedule(null);
    await this._ask();
  }

  /**
   * Change the task, if it is still as it is shown.
   *
   * @throws ClientError when it changed meanwhile, or may not be changed
   */
  async change(patch: TaskPatch): Promise<void> {
    const { name } = this.state;
    this._turn++;
    this.update({ saving: true });
    try {
      const detail = await this._client.changeTask(this._ws, name, patch);
      if (this.state.name === name) {
        this.update({ detail, error: null });
      }
    } catch (error) {
      throw asClientError(error);
    } finally {
      this.update({ saving: false });
    }
  }

  protected override update(change: Partial<ITaskDetailState>): void {
    if (!this._isDisposed) {
      super.update(change);
    }
  }

  private _schedule(delay: number | null): void {
    clearTimeout(this._timer);
    if (delay !== null && !this._isDisposed) {
      this._timer = setTimeout(() => void this._ask(), delay);
    }
  }

  private async _ask(): Promise<void> {
    const { name } = this.state;
    const turn = ++this._turn;
    try {
      const detail = await this._client.getTask(this._ws, name);
      if (turn === this._turn && this.state.name === name) {
        this.update({ detail, error: null });
      }
    } catch (error) {
      if (turn === this._turn && this.state.name === name) {
        this.update({ error: asClientError(error) });
      }
    }
  }

  private readonly _client: Pick<IClient, 'getTask' | 'changeTask'>;
  private readonly _ws: string;
  private _stamp = '';
  private _turn = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
}

/** Who walks through a list with the keys sees each task only for a moment, in ms. */
const SETTLE = 80;

/** How long changes gather, in ms. */
const CALM = 600;

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
