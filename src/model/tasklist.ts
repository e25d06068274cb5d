import type { ClientError } from '../client/errors';
import { asClientError } from '../client/errors';
import type {
  Action,
  ActionRequest,
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
import { ACTIVE_TASKS, ActiveRows } from './active';
import type { IListing } from './taskpager';
import {
  allNames,
  asQuery,
  GATHER_MS,
  PAGE_SIZE,
  TaskPager
} from './taskpager';
import { Position } from './position';
import {
  keepNewer,
  patchRows,
  placePage,
  removeRows,
  sortMayMove
} from './rows';
import type { SelectMode } from './store';
import { changedSet, keepEqual } from './store';
import type { ITaskListState } from './taskliststate';
import { initialState, mergeColumns, sumOf } from './taskliststate';

/** Timeout for the event that confirms an action. */
const CONFIRM_MS = 4000;

/** Options of an action, without its tasks. */
export type ActionOptions = Omit<Partial<ActionRequest>, 'action' | 'names'>;

/** Actions that a row shows before they are confirmed. */
const SHOWN_AS_PENDING: readonly Action[] = ['run', 'cancel', 'delete'];

/** A live list of the tasks of a workspace. */
export class TaskListModel extends TaskPager {
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
    this.update({ listing: { ...this.state.listing, ...change } });
    this.restart();
  }

  /** Set which values of the configuration are listed; rows stay meanwhile. */
  setFields(fields: readonly string[]): void {
    const { listing } = this.state;
    if (fields.join('\n') !== listing.fields.join('\n')) {
      this.update({ listing: { ...listing, fields } });
      this.refresh();
    }
  }

  /** Return the row of a task if it is loaded. */
  row(name: string): TaskRow | undefined {
    const named = (row: TaskRow | undefined) => row?.name === name;
    return this.state.rows.find(named) ?? this.state.active.find(named);
  }

  // -- selection --------------------------------------------------------

  select(names: Iterable<string>, mode: SelectMode): void {
    this.update({ selection: changedSet(this.state.selection, names, mode) });
  }

  /** Select all tasks that match, also those not loaded. */
  async selectAll(): Promise<void> {
    const names = await allNames(this.client, this.ws, this.state.listing);
    this.select(names, 'replace');
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
      this.update({ undo: { names: done } });
    }
    this.refreshSoon();
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
    const { query, status, sort, order } = asQuery(this.state.listing);
    return this.send(() =>
      this.client.exportResults(this.ws, {
        ...{ query, status, sort, order },
        ...form
      })
    );
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

  protected onPage(page: number, answer: TaskPage, isOther: boolean): void {
    if (this._position.isOther(answer)) {
      this.invalidate();
    }
    const isLate = this._position.noteList(answer);
    const old = isOther ? [] : this.state.rows;
    this.noteMessage();
    this.update({
      phase: 'ready',
      error: null,
      queryError: null,
      notices: keepEqual(this.state.notices, answer.notices ?? []),
      rows: placePage(
        old,
        page * PAGE_SIZE,
        isLate ? keepNewer(old, answer.items) : answer.items,
        answer.total
      ),
      total: answer.total,
      counts: isLate ? this.state.counts : answer.counts,
      columns: mergeColumns(this.state.columns, answer.columns),
      typical: answer.typical_duration
    });
    this._checkActive();
    if (isLate) {
      this.refreshSoon();
    }
  }

  /** List the active tasks if they do not fit the counts. */
  private _checkActive(): void {
    const { counts } = this.state;
    if (
      !this.isRequested('active') &&
      counts !== null &&
      this._activeRows.needsList(counts)
    ) {
      this.schedule('active', this._hasActive ? GATHER_MS : 0, () =>
        this._listActive()
      );
    }
  }

  private _listActive(): void {
    this._hasActive = true;
    void this.fetch(
      'active',
      signal => this.client.listTasks(this.ws, ACTIVE_TASKS, signal),
      page => {
        this._activeRows.list(page);
        this.update({ active: this._activeRows.rows });
        if (this._position.isLate(page)) {
          this.schedule('active', GATHER_MS, () => this._listActive());
        }
      },
      // The next change or list tries again.
      () => undefined
    );
  }

  protected onListError(error: ClientError): void {
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
      this.refreshSoon();
    }
  }

  protected onReset(): void {
    this.refreshSoon();
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
    this._activeRows.patch(changed, removed);
    const counts = keepEqual(
      this.state.counts,
      message.counts ?? this.state.counts
    );
    this.update({
      rows: kept,
      total: total - gone,
      counts,
      active: this._activeRows.rows,
      columns: mergeColumns(this.state.columns, {
        swept: changed.flatMap(row => Object.keys(row.swept)),
        figures: changed.flatMap(row => Object.keys(row.figures))
      }),
      pending: this._withPending(
        [...changed.map(row => row.name), ...removed],
        null
      ),
      selection: changedSet(this.state.selection, removed, 'remove')
    });
    this._checkActive();
    const filtered = listing.query !== '' || listing.statuses.length > 0;
    if (
      filtered ||
      removed.length > 0 ||
      (counts !== null && sumOf(counts) !== total - gone) ||
      sortMayMove(listing.sort, patched.before, patched.after, patched.missed)
    ) {
      this.refreshSoon();
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
    this.update({ pending: this._withPending(names, action) });
  }

  /** The pending actions with other ones of some tasks; the same if equal. */
  private _withPending(
    names: readonly string[],
    action: Action | null
  ): ITaskListState['pending'] {
    const { pending } = this.state;
    const changed = new Set(names);
    const others = [...pending].filter(([name]) => !changed.has(name));
    return action
      ? new Map([...others, ...names.map(name => [name, action] as const)])
      : others.length < pending.size
        ? new Map(others)
        : pending;
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
  private readonly _activeRows = new ActiveRows();
  private _hasActive = false;
  private _isStarted = false;
}
