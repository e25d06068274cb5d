import type { ClientError } from '../client/errors';
import { asClientError } from '../client/errors';
import type {
  Action,
  ActionResult,
  ConnectionState,
  Created,
  CreateRequest,
  EventMessage,
  ExportQuery,
  IClient,
  IDownload,
  TaskListQuery,
  TaskPage,
  TaskRow
} from '../client/types';
import { FreshPages, PAGE_SIZE } from './freshpages';
import { LiveModel } from './livemodel';
import { Position } from './position';
import {
  keepNewer,
  metricsDiffer,
  patchRows,
  placePage,
  removeRows,
  sortMayMove
} from './rows';
import type { SelectMode } from './store';
import { changedSet, keepEqual } from './store';
import type { ActionOptions, IListing, ITaskListState } from './taskliststate';
import {
  asQuery,
  columnsOf,
  aggregatesDelay,
  asExportQuery,
  initialState,
  mergeColumns,
  SHOWN_AS_PENDING,
  stateOfPage,
  withBetter,
  sumOf,
  withPending
} from './taskliststate';

/** How many names a request lists. */
const MAX_NAMES = 1000;

/** Delay before the visible rows are listed again, to gather changes. */
const GATHER_MS = 250;

/** Delay after a failed list. */
const RETRY_MS = 3000;

/** Timeout for the event that confirms an action. */
const CONFIRM_MS = 4000;

/** A live list of the tasks of a workspace. */
export class TaskListModel extends LiveModel<ITaskListState> {
  /**
   * @param client - the client of the server
   * @param ws - id of the workspace
   * @param listing - the first listing
   */
  constructor(client: IClient, ws: string, listing: Partial<IListing> = {}) {
    super(client, ws, initialState(listing));
  }

  override start(): void {
    if (!this._isStarted) {
      this._isStarted = true;
      super.start();
      this._readWorkspace();
    }
  }

  /** Change the query, the statuses or the order. */
  setListing(change: Partial<IListing>): void {
    this.cancel('all');
    this.update({ listing: { ...this.state.listing, ...change } });
    this._isOther = true;
    this._pages.setVisibleRange();
    this.refresh();
  }

  /** Set which fields, and whose best values, are listed; rows stay meanwhile. */
  setFields(fields: readonly string[], best: readonly string[] = []): void {
    const { listing } = this.state;
    const next = keepEqual(listing, { ...listing, fields, best });
    if (next !== listing) {
      this.update({ listing: next });
      this.refresh();
    }
  }

  /** Return the row of a task if it is loaded. */
  row(name: string): TaskRow | undefined {
    return this.state.rows.find(row => row?.name === name);
  }

  // -- selection --------------------------------------------------------

  select(names: Iterable<string>, mode: SelectMode): void {
    this.cancel('all');
    this.update({ selection: changedSet(this.state.selection, names, mode) });
  }

  /**
   * Select all tasks that match, also those not loaded, unless the selection or
   * the listing changes before they are known.
   */
  async selectAll(): Promise<void> {
    const query = asQuery({ ...this.state.listing, fields: [], best: [] });
    const names = await this.request('all', async signal => {
      const found: string[] = [];
      let total = Infinity;
      for (let offset = 0; offset < total; offset += MAX_NAMES) {
        const page = await this.client.listTasks(
          this.ws,
          { ...query, offset, limit: MAX_NAMES },
          signal
        );
        found.push(...page.items.map(row => row.name));
        total = page.total;
      }
      return found;
    });
    if (names) {
      this.select(names, 'replace');
    }
  }

  // -- actions ----------------------------------------------------------

  /**
   * Request an action on tasks, or with `options.query` on all that match it.
   * It is in `pending` until the server confirms it.
   *
   * @returns the tasks that were changed, and those refused
   * @throws ClientError if nothing was done
   */
  async act(
    action: Action,
    names: readonly string[],
    options: ActionOptions = {}
  ): Promise<ActionResult> {
    if (options.query) {
      return this.send(() =>
        this.client.actOnTasks(this.ws, { action, ...options })
      );
    }
    if (names.length === 0) {
      return { done: [], refused: [], made: [] };
    }
    const isShown = SHOWN_AS_PENDING.includes(action);
    if (isShown) {
      this._setPending(names, action);
    }
    let result: ActionResult;
    try {
      result = await this.send(() =>
        this.client.actOnTasks(this.ws, {
          action,
          names: [...names],
          ...options
        })
      );
    } catch (error) {
      this._setPending(names, null);
      throw error;
    }
    const { done, refused } = result;
    this._setPending(
      refused.map(item => item.name),
      null
    );
    if (isShown && action !== 'delete') {
      this._expectEvent(done);
      return result;
    }
    if (action === 'delete' && done.length > 0) {
      const rows = removeRows(this.state.rows, done);
      const gone = this.state.rows.length - rows.length;
      this.update({ rows, total: this.state.total - gone });
      this.select(done, 'remove');
      this._setPending(done, null);
      this.update({ undo: { names: result.made } });
    }
    this._refreshSoon();
    return result;
  }

  /** Restore the tasks that were deleted last. */
  async undo(): Promise<ActionResult> {
    const { undo } = this.state;
    const result = await this.act('restore', undo?.names ?? []);
    if (this.state.undo === undo) {
      this.update({ undo: null });
    }
    return result;
  }

  /** Stop offering to undo the last deletion. */
  forgetUndo(): void {
    this.update({ undo: null });
  }

  /**
   * Rename a task.
   *
   * @throws ClientError if it is refused
   */
  async rename(task: string, name: string): Promise<void> {
    const patch = { name, expected: { name: task } };
    await this.send(() => this.client.changeTask(this.ws, task, patch));
    this.refresh();
  }

  /** Export the results of the listed tasks, or of those that match a query. */
  exportResults(form: ExportQuery): Promise<IDownload> {
    const query = { ...asExportQuery(this.state.listing), ...form };
    return this.send(() => this.client.exportResults(this.ws, query));
  }

  /** List the tasks that match a query. */
  findTasks(query: TaskListQuery): Promise<TaskPage> {
    return this.send(() => this.client.listTasks(this.ws, query));
  }

  /** Create tasks from a configuration, by default that of the template. */
  async createTasks(request: Partial<CreateRequest>): Promise<Created> {
    const { text, name, run = null } = request;
    const template =
      text === undefined || name === undefined
        ? await this.send(() => this.client.getTemplate(this.ws))
        : { text, name };
    return this.send(() =>
      this.client.createTasks(this.ws, {
        text: text ?? template.text,
        name: name ?? template.name,
        run
      })
    );
  }

  // -- listing ----------------------------------------------------------

  /** Set which positions are visible and have to be loaded. */
  setVisibleRange(first: number, last: number): void {
    this._pages.setVisibleRange(first, last);
    this._loadPages();
  }

  /** List the visible rows again, now. */
  refresh(): void {
    this.cancel('page');
    this.cancel('gather');
    this.cancel('retry');
    this._pages.invalidate();
    this._loadPages();
  }

  /** List the visible rows again after a delay. */
  private _refreshSoon(): void {
    this._pages.invalidate();
    this.schedule('gather', GATHER_MS, () => this._loadPages());
  }

  private _loadPages(): void {
    if (this.isRequested('page') || this.isScheduled('retry')) {
      return;
    }
    // While changes are being gathered, only missing rows are urgent.
    const page = this._pages.next(this.state.rows, this.isScheduled('gather'));
    this.update({ refreshing: page >= 0 });
    if (page < 0) {
      return;
    }
    const { generation } = this._pages;
    const query = {
      ...asQuery(this.state.listing),
      offset: page * PAGE_SIZE,
      limit: PAGE_SIZE
    };
    void this.fetch(
      'page',
      signal => this.client.listTasks(this.ws, query, signal),
      answer => {
        this._pages.add(page, generation);
        const isOther = this._isOther;
        this._isOther = false;
        this._onPage(page, answer, isOther);
        this._loadPages();
      },
      error => {
        this.update({ refreshing: false });
        this._onListError(error);
        // An invalid query stays invalid until it is changed.
        if (error.status !== 400) {
          this.schedule('retry', RETRY_MS, () => this._loadPages());
        }
      }
    );
  }

  private _onPage(page: number, answer: TaskPage, isOther: boolean): void {
    if (this._position.isOther(answer)) {
      this._pages.invalidate();
    }
    const isLate = this._position.noteList(answer);
    const old = isOther ? [] : this.state.rows;
    this.noteMessage();
    this.update({
      ...stateOfPage(this.state, answer, isLate),
      rows: placePage(
        old,
        page * PAGE_SIZE,
        isLate ? keepNewer(old, answer.items) : answer.items,
        answer.total
      )
    });
    if (isLate) {
      this._refreshSoon();
    }
  }

  private _onListError(error: ClientError): void {
    if (error.status === 400) {
      // The query has to be corrected: there is no list to wait for.
      this.update({ queryError: error, notices: [], phase: 'ready' });
    } else {
      const phase = this.state.phase === 'ready' ? 'ready' : 'error';
      this.update({ error, phase });
    }
  }

  // -- events -----------------------------------------------------------

  protected onHello(message: EventMessage): void {
    if (this._position.noteHello(message)) {
      this._refreshSoon();
    }
  }

  protected onReset(): void {
    // Rows outside the visible pages are not listed again: they are dropped.
    this._isOther = true;
    this._refreshSoon();
    this._readWorkspace();
  }

  protected onChanges(message: EventMessage): void {
    if (this._position.isOther(message)) {
      this.onReset();
      return;
    }
    this._position.noteChanges(message);
    const changed = message.changed ?? [];
    const removed = message.removed ?? [];
    const { rows, listing, total } = this.state;
    const patched = patchRows(rows, changed);
    const kept = removeRows(patched.rows, removed);
    const gone = patched.rows.length - kept.length;
    const counts = keepEqual(
      this.state.counts,
      message.counts ?? this.state.counts
    );
    const filtered = listing.query !== '' || listing.statuses.length > 0;
    const { best } = this.state;
    this.update({
      rows: kept,
      total: total - gone,
      counts,
      best: filtered ? best : withBetter(best, changed),
      columns: mergeColumns(this.state.columns, columnsOf(changed)),
      pending: withPending(
        this.state.pending,
        [...changed.map(row => row.name), ...removed],
        null
      ),
      selection: changedSet(this.state.selection, removed, 'remove')
    });
    if (
      filtered ||
      removed.length > 0 ||
      (counts !== null && sumOf(counts) !== total - gone) ||
      sortMayMove(listing.sort, patched.before, patched.after, patched.missed)
    ) {
      this._refreshSoon();
      return;
    }
    const delay = aggregatesDelay(listing);
    if (delay !== null && metricsDiffer(patched)) {
      this.schedule('aggregates', delay, () => this._refreshSoon());
    }
  }

  protected override onConnection(connection: ConnectionState): void {
    if (connection === 'open') {
      this.noteMessage();
    }
    super.onConnection(connection);
    if (connection === 'open' && this.state.error) {
      this.refresh();
    }
  }

  protected override onStreamError(error: Error): void {
    if (this.state.phase !== 'ready') {
      this.update({ error: asClientError(error) });
    }
  }

  private _readWorkspace(): void {
    void this.fetch(
      'workspace',
      () => this.client.getWorkspace(this.ws),
      workspace => this.update({ workspace }),
      // The list reports the same error.
      () => undefined
    );
  }

  // -- unconfirmed actions ----------------------------------------------

  private _setPending(names: readonly string[], action: Action | null): void {
    this.update({ pending: withPending(this.state.pending, names, action) });
  }

  /** Refresh the list if no event confirms an action on these tasks in time. */
  private _expectEvent(names: readonly string[]): void {
    this.schedule(`confirm ${names.join()}`, CONFIRM_MS, () => {
      if (names.some(name => this.state.pending.has(name))) {
        this._setPending(names, null);
        this.refresh();
      }
    });
  }

  private readonly _position = new Position();
  private readonly _pages = new FreshPages();
  private _isOther = false;
  private _isStarted = false;
}
