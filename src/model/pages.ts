import { asClientError, isAbort } from '../client/errors';
import type { ClientError } from '../client/errors';
import type { IClient, TaskPage, TaskStatus } from '../client/types';

/** Rows a request asks for; requests begin at multiples of it. */
export const PAGE = 200;

/** How long changes gather before the shown rows are listed again, in ms. */
export const CALM = 250;

/** Pause before a failed listing is tried again, in ms. */
const RETRY = 3000;

/** Values of the configuration that the server tells of a task. */
const MOST_FIELDS = 200;

/** What is listed and in which order. */
export interface IListing {
  readonly query: string;
  /** No status means all. */
  readonly statuses: readonly TaskStatus[];
  readonly sort: string;
  readonly order: 'asc' | 'desc';
  /** Keys of the configuration whose values are told with each task. */
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
      ? listing.fields.slice(0, MOST_FIELDS)
      : undefined
  };
}

/** Names that one request asks for. */
const MANY = 1000;

/** The names of all tasks that match. */
export async function allNames(
  client: IClient,
  id: string,
  listing: IListing
): Promise<Set<string>> {
  const names = new Set<string>();
  let total = Infinity;
  for (let offset = 0; offset < total; offset += MANY) {
    const page = await client.listTasks(id, {
      ...asQuery({ ...listing, fields: [] }),
      offset,
      limit: MANY
    });
    page.items.forEach(row => names.add(row.name));
    total = page.total;
  }
  return names;
}

/** Whose pages are loaded. */
export interface IPagesOwner {
  readonly listing: IListing;
  readonly total: number;
  /** Whether the row at a position is loaded, fresh or not. */
  isLoaded(index: number): boolean;
  /** A page came; `isOther` when older pages belong to another listing. */
  onPage(page: number, answer: TaskPage, isOther: boolean): void;
  onError(error: ClientError): void;
  onBusy(isBusy: boolean): void;
}

/** Loads the pages that are shown, one after the other, and keeps them fresh. */
export class Pages {
  constructor(client: IClient, id: string, owner: IPagesOwner) {
    this._client = client;
    this._id = id;
    this._owner = owner;
  }

  dispose(): void {
    this._isDisposed = true;
    this._abort?.abort();
    this._abort = null;
    clearTimeout(this._calm);
    clearTimeout(this._again);
  }

  /** Say which positions are shown, so that they are loaded. */
  need(first: number, last: number): void {
    this._first = Math.max(0, first);
    this._last = Math.max(this._first, last);
    this._load();
  }

  /** List anew what is shown, now. */
  refresh(): void {
    clearTimeout(this._calm);
    this._calm = undefined;
    clearTimeout(this._again);
    this._again = undefined;
    this._abort?.abort();
    this._abort = null;
    this.invalidate();
    this._load();
  }

  /** Another listing: begin at its first page. */
  restart(): void {
    this._isOther = true;
    this._first = 0;
    this._last = PAGE - 1;
    this.refresh();
  }

  /** List again soon, together with what else changes until then. */
  soon(): void {
    this.invalidate();
    if (this._calm === undefined) {
      this._calm = setTimeout(() => {
        this._calm = undefined;
        this._load();
      }, CALM);
    }
  }

  /** What is listed may be old; answers under way do not count as fresh. */
  invalidate(): void {
    this._generation++;
    this._fresh.clear();
  }

  private _load(): void {
    if (this._isDisposed || this._abort || this._again !== undefined) {
      return;
    }
    const page = this._nextPage();
    if (page < 0) {
      this._owner.onBusy(false);
      return;
    }
    const abort = new AbortController();
    const generation = this._generation;
    this._abort = abort;
    this._owner.onBusy(true);
    this._client
      .listTasks(
        this._id,
        { ...asQuery(this._owner.listing), offset: page * PAGE, limit: PAGE },
        abort.signal
      )
      .then(
        answer => {
          if (this._abort === abort) {
            this._abort = null;
            if (generation === this._generation) {
              this._fresh.add(page);
            }
            const isOther = this._isOther;
            this._isOther = false;
            this._owner.onPage(page, answer, isOther);
            this._load();
          }
        },
        error => {
          if (this._abort === abort && !isAbort(error)) {
            this._abort = null;
            this._onError(asClientError(error));
          }
        }
      );
  }

  private _nextPage(): number {
    const end = Math.max(0, this._owner.total - 1);
    const first = Math.floor(this._first / PAGE);
    const last = Math.floor(Math.min(this._last, end) / PAGE);
    for (let page = Math.min(first, last); page <= last; page++) {
      // While changes still gather only what was never loaded is urgent.
      if (
        this._calm === undefined
          ? !this._fresh.has(page)
          : page * PAGE < this._owner.total &&
            !this._owner.isLoaded(page * PAGE)
      ) {
        return page;
      }
    }
    return -1;
  }

  private _onError(error: ClientError): void {
    this._owner.onBusy(false);
    this._owner.onError(error);
    // A search that is not understood stays so until it is changed.
    if (error.status !== 400) {
      this._again = setTimeout(() => {
        this._again = undefined;
        this._load();
      }, RETRY);
    }
  }

  private _client: IClient;
  private _id: string;
  private _owner: IPagesOwner;
  private _abort: AbortController | null = null;
  private _calm: ReturnType<typeof setTimeout> | undefined;
  private _again: ReturnType<typeof setTimeout> | undefined;
  private _fresh = new Set<number>();
  private _generation = 0;
  private _isOther = false;
  private _first = 0;
  private _last = PAGE - 1;
  private _isDisposed = false;
}
