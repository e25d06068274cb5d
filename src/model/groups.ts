import type { ClientError } from '../client/errors';
import type { Counts, Groups, IClient } from '../client/types';
import type { Grouping } from './layout';
import { aggregatedMetric } from './metrics';
import { Model } from './model';
import type { IRows } from './rows';
import type { IListing, ITaskListState } from './taskliststate';

/** Delay before the tasks are grouped again, to gather changes. */
const GATHER_MS = 500;

/** How many groups are listed. */
export const MAX_GROUPS = 1000;

export interface IGroupsState {
  readonly groups: Groups | null;
  readonly error: ClientError | null;
  readonly sort: string;
  readonly order: 'asc' | 'desc';
}

function aggregatesOf({ fields }: IListing): string[] {
  return fields.filter(key => aggregatedMetric(key) !== null);
}

/** Groups of tasks, loaded again when tasks change. */
export class GroupsModel extends Model<IGroupsState> {
  constructor(
    private readonly _client: Pick<IClient, 'groupTasks'>,
    private readonly _ws: string
  ) {
    super({ groups: null, error: null, sort: '', order: 'asc' });
  }

  /** Set the grouping and the current list of tasks. */
  setContext(
    grouping: Grouping,
    list: Pick<ITaskListState, 'counts' | 'listing' | 'rows'>
  ): void {
    const { counts, listing, rows } = list;
    const asked = JSON.stringify([
      grouping,
      listing.query,
      listing.statuses,
      aggregatesOf(listing)
    ]);
    const isOther = asked !== this._asked;
    // Rows change with their metrics.
    const isChanged = rows !== this._rows || counts !== this._counts;
    this._asked = asked;
    this._rows = rows;
    this._counts = counts;
    this._grouping = grouping;
    this._listing = listing;
    if (isOther) {
      void this.refresh();
    } else if (isChanged) {
      this.schedule('groups', GATHER_MS, () => this.refresh());
    }
  }

  /** Sort by a key; the same key again reverses the order. */
  sortBy(sort: string): void {
    const isSame = sort === this.state.sort;
    const order = isSame && this.state.order === 'desc' ? 'asc' : 'desc';
    this.update({ sort, order });
    void this.refresh();
  }

  /** Load the groups, now. */
  async refresh(): Promise<void> {
    const { _grouping: grouping, _listing: listing } = this;
    if (!grouping || !listing) {
      return;
    }
    const { sort, order } = this.state;
    await this.fetch(
      'groups',
      signal =>
        this._client.groupTasks(
          this._ws,
          {
            by: 'by' in grouping ? [...grouping.by] : undefined,
            fold: 'fold' in grouping ? [...grouping.fold] : undefined,
            metrics: aggregatesOf(listing),
            query: listing.query,
            status: listing.statuses.join(',') || undefined,
            sort,
            order,
            limit: MAX_GROUPS
          },
          signal
        ),
      groups => this.update({ groups, error: null }),
      error => this.update({ error })
    );
  }

  private _grouping: Grouping | null = null;
  private _listing: IListing | null = null;
  private _asked = '';
  private _rows: IRows = [];
  private _counts: Counts | null = null;
}
