import type { ClientError } from '../client/errors';
import type { IClient, TaskPage, TaskStatus } from '../client/types';
import { LiveModel } from './livemodel';
import type { ITaskListState } from './taskliststate';

/** How many rows a request loads; it starts at a multiple of that. */
export const PAGE_SIZE = 200;

/** Delay before the visible rows are listed again, to gather changes. */
export const GATHER_MS = 250;

/** Delay after a failed list. */
const RETRY_MS = 3000;

/** How many values of the configuration the server lists with a task. */
const MAX_FIELDS = 200;

/** Which tasks are listed and in which order. */
export interface IListing {
  readonly query: string;
  /** Empty for all. */
  readonly statuses: readonly TaskStatus[];
  readonly sort: string;
  readonly order: 'asc' | 'desc';
  /** Configuration keys whose values are listed with each task. */
  readonly fields: readonly string[];
}

export const DEFAULT_LISTING: IListing = {
  query: '',
  statuses: [],
  sort: 'created',
  order: 'desc',
  fields: []
};

/** Return a listing as parameters of a request. */
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

/** How many names a request lists. */
const MAX_NAMES = 1000;

/** List the names of all tasks that match. */
export async function allNames(
  client: IClient,
  ws: string,
  listing: IListing
): Promise<Set<string>> {
  const names = new Set<string>();
  let total = Infinity;
  for (let offset = 0; offset < total; offset += MAX_NAMES) {
    const page = await client.listTasks(ws, {
      ...asQuery({ ...listing, fields: [] }),
      offset,
      limit: MAX_NAMES
    });
    page.items.forEach(row => names.add(row.name));
    total = page.total;
  }
  return names;
}

/** Loads the visible pages, one after the other, and keeps them fresh. */
export abstract class TaskPager extends LiveModel<ITaskListState> {
  /** Set which positions are visible and have to be loaded. */
  setVisibleRange(first: number, last: number): void {
    this._first = Math.max(0, first);
    this._last = Math.max(this._first, last);
    this._loadPages();
  }

  /** List the visible rows again, now. */
  refresh(): void {
    this.cancel('page');
    this.cancel('gather');
    this.cancel('retry');
    this.invalidate();
    this._loadPages();
  }

  /** Load the first page of another listing. */
  protected restart(): void {
    this._isOther = true;
    this._first = 0;
    this._last = PAGE_SIZE - 1;
    this.refresh();
  }

  /** List the visible rows again after a delay. */
  protected refreshSoon(): void {
    this.invalidate();
    this.schedule('gather', GATHER_MS, () => this._loadPages());
  }

  /** Mark all pages as outdated, also those of pending requests. */
  protected invalidate(): void {
    this._generation++;
    this._fresh.clear();
  }

  /** Called with a page; `isOther` if older pages are of another listing. */
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
      offset: page * PAGE_SIZE,
      limit: PAGE_SIZE
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
        // An invalid query stays invalid until it is changed.
        if (error.status !== 400) {
          this.schedule('retry', RETRY_MS, () => this._loadPages());
        }
      }
    );
  }

  private _nextPage(): number {
    const { total, rows } = this.state;
    const end = Math.max(0, total - 1);
    const first = Math.floor(this._first / PAGE_SIZE);
    const last = Math.floor(Math.min(this._last, end) / PAGE_SIZE);
    for (let page = Math.min(first, last); page <= last; page++) {
      // While changes are being gathered, only missing rows are urgent.
      if (
        this.isScheduled('gather')
          ? page * PAGE_SIZE < total && rows[page * PAGE_SIZE] === undefined
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
  private _last = PAGE_SIZE - 1;
}
