import type { ClientError } from '../client/errors';
import { asClientError, isAbort } from '../client/errors';
import type { Groups, IClient } from '../client/types';
import type { Grouping } from './layout';
import type { IListing } from './pages';
import { Store } from './store';

/** How long changes gather before groups are asked for again, in ms. */
const CALM = 500;

/** Groups that are listed. */
export const MOST_GROUPS = 1000;

export interface IGroupsState {
  readonly groups: Groups | null;
  readonly error: ClientError | null;
  readonly sort: string;
  readonly order: 'asc' | 'desc';
}

/** Tasks that are alike as one line each, renewed when tasks change. */
export class GroupsModel extends Store<IGroupsState> {
  constructor(client: Pick<IClient, 'groupTasks'>, ws: string) {
    super({ groups: null, error: null, sort: '', order: 'asc' });
    this._client = client;
    this._ws = ws;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._abort?.abort();
    clearTimeout(this._timer);
  }

  /** Say what is to be gathered, and that something may have changed. */
  see(grouping: Grouping, listing: IListing, isOther: boolean): void {
    this._grouping = grouping;
    this._listing = listing;
    this._schedule(isOther ? 0 : CALM);
  }

  /** Ask now again, after a failure. */
  retry(): void {
    this._schedule(0);
  }

  /** Sort by a key; the same one again turns the order around. */
  sortBy(sort: string): void {
    const isSame = sort === this.state.sort;
    const order = isSame && this.state.order === 'desc' ? 'asc' : 'desc';
    this.update({ sort, order });
    this._schedule(0);
  }

  private _schedule(delay: number): void {
    if (this._isDisposed) {
      return;
    }
    if (delay === 0) {
      clearTimeout(this._timer);
      this._timer = undefined;
    }
    this._timer ??= setTimeout(() => {
      this._timer = undefined;
      void this._ask();
    }, delay);
  }

  private async _ask(): Promise<void> {
    const { _grouping: grouping, _listing: listing } = this;
    if (!grouping || !listing) {
      return;
    }
    this._abort?.abort();
    const abort = new AbortController();
    this._abort = abort;
    const { sort, order } = this.state;
    try {
      const groups = await this._client.groupTasks(
        this._ws,
        {
          by: 'by' in grouping ? [...grouping.by] : undefined,
          fold: 'fold' in grouping ? [...grouping.fold] : undefined,
          query: listing.query,
          status: listing.statuses.join(',') || undefined,
          sort,
          order,
          limit: MOST_GROUPS
        },
        abort.signal
      );
      if (!abort.signal.aborted && !this._isDisposed) {
        this.update({ groups, error: null });
      }
    } catch (error) {
      if (!abort.signal.aborted && !isAbort(error) && !this._isDisposed) {
        this.update({ error: asClientError(error) });
      }
    }
  }

  private readonly _client: Pick<IClient, 'groupTasks'>;
  private readonly _ws: string;
  private _grouping: Grouping | null = null;
  private _listing: IListing | null = null;
  private _abort: AbortController | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
}
