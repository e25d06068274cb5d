import type { ClientError } from '../client/errors';
import type { ActionResult, IClient, TrashedTask } from '../client/types';
import { Model } from './model';
import type { SelectMode } from './store';
import { changedSet } from './store';

export interface ITrashState {
  /** `loading` and `error` only before the first list. */
  readonly phase: 'loading' | 'ready' | 'error';
  readonly items: readonly TrashedTask[];
  /** Selected names, as in the trash. */
  readonly selection: ReadonlySet<string>;
  /** Why the last listing failed. */
  readonly error: ClientError | null;
  /** The action in progress. */
  readonly busy: 'restore' | 'purge' | null;
}

/** The trash of a workspace: lists its tasks, restores and deletes them. */
export class TrashModel extends Model<ITrashState> {
  constructor(
    private readonly _client: Pick<IClient, 'listTrash' | 'actOnTasks'>,
    private readonly _ws: string
  ) {
    super({
      phase: 'loading',
      items: [],
      selection: new Set(),
      error: null,
      busy: null
    });
  }

  /** List again; an older request that is still pending is ignored. */
  load(): Promise<void> {
    return this.fetch(
      'list',
      () => this._client.listTrash(this._ws),
      ({ items }) => {
        this._setItems(items);
        this.update({ phase: 'ready', error: null });
      },
      error => {
        const phase = this.state.phase === 'ready' ? 'ready' : 'error';
        this.update({ error, phase });
      }
    );
  }

  select(names: Iterable<string>, mode: SelectMode): void {
    this.update({ selection: changedSet(this.state.selection, names, mode) });
  }

  /**
   * Restore tasks, or delete them permanently.
   *
   * @throws ClientError if nothing was done
   */
  async act(
    action: 'restore' | 'purge',
    names: readonly string[]
  ): Promise<ActionResult> {
    this.update({ busy: action });
    try {
      const result = await this.send(() =>
        this._client.actOnTasks(this._ws, { action, names: [...names] })
      );
      const gone = new Set(result.done);
      this._setItems(this.state.items.filter(item => !gone.has(item.name)));
      return result;
    } finally {
      this.update({ busy: null });
      void this.load();
    }
  }

  private _setItems(items: readonly TrashedTask[]): void {
    const names = new Set(items.map(item => item.name));
    const gone = [...this.state.selection].filter(name => !names.has(name));
    this.update({ items });
    this.select(gone, 'remove');
  }
}
