import type { ClientError } from '../client/errors';
import type { ActionResult, IClient, TrashedTask } from '../client/types';
import { Model } from './model';

export interface ITrashState {
  /** `loading` and `error` only as long as nothing was ever listed. */
  readonly phase: 'loading' | 'ready' | 'error';
  readonly items: readonly TrashedTask[];
  /** Selected names, as they are called in the trash. */
  readonly selection: ReadonlySet<string>;
  /** Why the last listing failed. */
  readonly error: ClientError | null;
  /** What is being done to tasks. */
  readonly busy: 'restore' | 'purge' | null;
}

/** The trash of a workspace: what is in it, and the two ways out. */
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

  /** List anew; of several listings the one asked for last counts. */
  load(): Promise<void> {
    return this.fetch(
      'list',
      () => this._client.listTrash(this._ws),
      items => {
        const names = new Set(items.map(item => item.name));
        const selection = [...this.state.selection];
        this.update({
          phase: 'ready',
          items,
          error: null,
          selection: new Set(selection.filter(name => names.has(name)))
        });
      },
      error => {
        const phase = this.state.phase === 'ready' ? 'ready' : 'error';
        this.update({ error, phase });
      }
    );
  }

  select(names: Iterable<string>, mode: 'replace' | 'add' | 'remove'): void {
    const selection = new Set(mode === 'replace' ? [] : this.state.selection);
    for (const name of names) {
      if (mode === 'remove') {
        selection.delete(name);
      } else {
        selection.add(name);
      }
    }
    this.update({ selection });
  }

  /**
   * Bring tasks back, or delete them for ever.
   *
   * @throws ClientError when nothing was done
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
      this.update({
        items: this.state.items.filter(item => !gone.has(item.name)),
        selection: new Set(
          [...this.state.selection].filter(name => !gone.has(name))
        )
      });
      return result;
    } finally {
      this.update({ busy: null });
      void this.load();
    }
  }
}
