import type { ClientError } from '../client/errors';
import type { IClient, TaskPage, TaskStatus } from '../client/types';
import { LiveModel } from './livemodel';
import type { ITaskListState } from './taskliststate';

/** Rows a request asks for; requests begin at multiples of it. */
export const PAGE = 200;

/** How long changes gather before the shown rows are listed again. */
export const GATHER_MS = 250;

/** Pause after a failed listing. */
const RETRY_MS = 3000;

/** Configuration values that the server lists with each task. */
const MAX_FIELDS = 200;

/** What is listed and in which order. */
export interface IListing {
  readonly query: string;
  /** No status means all. */
  readonly statuses: readonly TaskStatus[];
  readonly sort: string;
  readonly order: 'asc' | 'desc';
  /** Configuration keys whose values are listed with each task. */
  readonly fields: readonly string[];
}

export const FIRST_LISTING: IListing = {
  query: '',
  statuses: [],
  sort: 'created',
  order: 'desc',
  fields: []
};

/** A listing as the server's parameters. */
export function asQuery(listing: IListing) {
  return {
    query: listing.query,
    status: listing.statuses.length ? listing.statuses.join(',') : undefined,
    sort: listing.sort,
    order: listing.order,
    fields: listing.fields.length
      ? listing.fields.slice(0, MAX_FIELDS)
      : undefined
  };
}

/** Names that one request asks for. */
const MAX_NAMES = 1000;

/** The names of all tasks that match. */
export async function allNames(
  client: IClient,
  id: string,
  listing: IListing
): Promise<Set<string>> {
  const names = new Set<string>();
  let total = Infinity;
  for (let offset = 0; offset < total; offset += MAX_NAMES) {
    const page = await client.listTasks(id, {
      ...asQuery({ ...listing, fields: [] }),
      offset,
      limit: MAX_NAMES
    });
    page.items.forEach(row => names.add(row.name));
    total = page.total;
  }
  return names;
}

/** Loads the pages that are shown, one after the other, and keeps them fresh. */
export abstract class TaskPager extends LiveModel<ITaskListState> {
  /** Set which positions are visible, so that they are loaded. */
  setVisibleRange(first: number, last: number): void {
    this._first = Math.max(0, first);
    this._last = Math.max(this._first, last);
    this._loadPages();
  }

  /** List anew what is shown, now. */
  refresh(): void {
    this.cancel('page');
    this.cancel('gather');
    this.cancel('retry');
    this.invalidate();
    this._loadPages();
  }

  /** Another listing: begin at its first page. */
  protected restart(): void {
    this._isOther = true;
    this._first = 0;
    this._last = PAGE - 1;
    this.refresh();
  }

  /** List again soon, together with what else changes until then. */
  protected refreshSoon(): void {
    this.invalidate();
    this.schedule('gather', GATHER_MS, () => this._loadPages());
  }

  /** What is listed may be old; answers under way do not count as fresh. */
  protected invalidate(): void {
    this._generation++;
    this._fresh.clear();
  }

  /** A page came; `isOther` when older pages belong to another listing. */
  protected abstract onPage(
    page: number,
    answer: TaskPage,
    isOther: boolean
  ): void;

  protected abstract onListError(error: ClientError): void;

  private _loadPages(): void {
    if (this.isRequested('page') || this.isScheduled('retry')) {
      return;
    }
    const page = this._nextPage();
    this.update({ refreshing: page >= 0 });
    if (page < 0) {
      return;
    }
    const generation = this._generation;
    const query = {
      ...asQuery(this.state.listing),
      offset: page * PAGE,
      limit: PAGE
    };
    void this.fetch(
      'page',
      signal => this.client.listTasks(this.ws, query, signal),
      answer => {
        if (generation === this._generation) {
          this._fresh.add(page);
        }
        const isOther = this._isOther;
        this._isOther = false;
        this.onPage(page, answer, isOther);
        this._loadPages();
      },
      error => {
        this.update({ refreshing: false });
        this.onListError(error);
        // A filter that is not understood stays so until it is changed.
        if (error.status !== 400) {
          this.schedule('retry', RETRY_MS, () => this._loadPages());
        }
      }
    );
  }

  private _nextPage(): number {
    const { total, rows } = this.state;
    const end = Math.max(0, total - 1);
    const first = Math.floor(this._first / PAGE);
    const last = Math.floor(Math.min(this._last, end) / PAGE);
    for (let page = Math.min(first, last); page <= last; page++) {
      // While changes still gather only what was never loaded is urgent.
      if (
        this.isScheduled('gather')
          ? page * PAGE < total && rows[page * PAGE] === undefined
          : !this._fresh.has(page)
      ) {
        return page;
      }
    }
    return -1;
  }

  private readonly _fresh = new Set<number>();
  private _generation = 0;
  private _isOther = false;
  private _first = 0;
  private _last = PAGE - 1;
}
