import type { ClientError } from '../client/errors';
import type { IClient, TaskRow } from '../client/types';
import { Model } from './model';

/** How many tasks are listed. */
const MAX_TASKS = 50;

/** Delay after the last keystroke. */
const DEBOUNCE_MS = 120;

export interface ITaskFinderState {
  readonly query: string;
  /** Null before they are loaded. */
  readonly tasks: readonly TaskRow[] | null;
  readonly error: ClientError | null;
}

/** The first tasks that match a query, to choose one. */
export class TaskFinder extends Model<ITaskFinderState> {
  constructor(
    private readonly _client: Pick<IClient, 'listTasks'>,
    private readonly _ws: string
  ) {
    super({ query: '', tasks: null, error: null });
  }

  setQuery(query: string): void {
    this.update({ query });
    this.debounce('tasks', query ? DEBOUNCE_MS : 0, () =>
      this.fetch(
        'tasks',
        signal =>
          this._client.listTasks(this._ws, { query, limit: MAX_TASKS }, signal),
        ({ items }) => this.update({ tasks: items, error: null }),
        error => this.update({ error })
      )
    );
  }
}
