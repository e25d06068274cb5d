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
import { allNames, asQuery, GATHER_MS, PAGE, TaskPager } from './taskpager';
import { Position } from './position';
import {
  keepNewer,
  patchRows,
  placePage,
  removeRows,
  sortMayMove
} from './rows';
import { keepEqual } from './store';
import { firstState, mergeColumns, sumOf } from './taskliststate';

/** How long an action may stay unconfirmed by an event. */
const CONFIRM_MS = 4000;

/** What goes with an action, beside the tasks. */
export type ActionOptions = Omit<Partial<ActionRequest>, 'action' | 'names'>;

/** Actions that show in a row before they are confirmed. */
const SHOWING: readonly Action[] = ['run', 'cancel', 'delete'];

/** The tasks of one workspace as the server knows them, kept up to date. */
export class TaskListModel extends TaskPager {
  /**
   * @param client - where the workspace lives
   * @param ws - id of the workspace
   * @param listing - what to list at first
   */
  constructor(client: IClient, ws: string, listing: Partial<IListing> = {}) {
    super(client, ws, firstState(listing));
  }

  override start(): void {
    if (!this._isStarted) {
      this._isStarted = true;
      super.start();
      this._readWorkspace();
    }
  }

  /** Change the search, the statuses or the order. */
  setListing(change: Partial<IListing>): void {
    this.update({ listing: { ...this.state.listing, ...change } });
    this.restart();
  }

  /** Have values of the configuration told; what is shown stays meanwhile. */
  setFields(fields: readonly string[]): void {
    const { listing } = this.state;
    if (fields.join('\n') !== listing.fields.join('\n')) {
      this.update({ listing: { ...listing, fields } });
      this.refresh();
    }
  }

  /** The row of a task when it is loaded. */
  row(name: string): TaskRow | undefined {
    const named = (row: TaskRow | undefined) => row?.name === name;
    return this.state.rows.find(named) ?? this.state.active.find(named);
  }

  // -- selection --------------------------------------------------------

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

  /** Select every task that matches, also those not loaded. */
  async selectAll(): Promise<void> {
    this.select(
      await allNames(this.client, this.ws, this.state.listing),
      'replace'
    );
  }

  // -- actions ----------------------------------------------------------

  /**
   * Ask for an action on tasks, or with `options.query` on all that match it.
   * It shows at once in `pending` and is corrected by what the server says.
   *
   * @returns what was done and what was refused
   * @throws ClientError when nothing was done
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
    if (SHOWING.includes(action)) {
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
    this._setPending(
      result.refused.map(item => item.name),
      null
    );
    if (action === 'delete') {
      this._remove(result.done);
      this.select(result.done, 'remove');
      this._setPending(result.done, null);
      if (result.done.length > 0) {
        this.update({ undo: { names: result.done } });
      }
      this.refreshSoon();
    } else if (SHOWING.includes(action)) {
      this._expect(result.done);
    } else {
      this.refreshSoon();
    }
    return result;
  }

  /** Bring back what was deleted last. */
  async undo(): Promise<ActionResult> {
    const { undo } = this.state;
    const result = await this.act('restore', undo?.names ?? []);
    if (this.state.undo === undo) {
      this.update({ undo: null });
    }
    return result;
  }

  /** Undoing is not offered any more. */
  forgetUndo(): void {
    this.update({ undo: null });
  }

  /**
   * Give a task another name.
   *
   * @throws ClientError when it is refused
   */
  async rename(task: string, name: string): Promise<void> {
    const patch = { name, expected: { name: task } };
    await this.send(() => this.client.changeTask(this.ws, task, patch));
    this.refresh();
  }

  /** The results of the listed tasks, or of those of a query, as a file. */
  exportResults(form: ExportQuery): Promise<IDownload> {
    const { query, status, sort, order } = asQuery(this.state.listing);
    return this.send(() =>
      this.client.exportResults(this.ws, {
        query,
        status,
        sort,
        order,
        ...form
      })
    );
  }

  /** The tasks that match a query. */
  findTasks(query: TaskListQuery): Promise<TaskPage> {
    return this.send(() => this.client.listTasks(this.ws, query));
  }

  /** Create tasks from a configuration, by default the usual one. */
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
    const isLate = this._position.list(answer);
    const old = isOther ? [] : this.state.rows;
    this.noteMessage();
    this.update({
      phase: 'ready',
      error: null,
      queryError: null,
      notices: keepEqual(this.state.notices, answer.notices ?? []),
      rows: placePage(
        old,
        page * PAGE,
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

  /** List the active tasks when there are not as many as there should be. */
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
      // The next change or listing asks again.
      () => undefined
    );
  }

  protected onListError(error: ClientError): void {
    if (error.status === 400) {
      // With nothing listed yet there is nothing to wait for either.
      this.update({ queryError: error, notices: [], phase: 'ready' });
    } else {
      const phase = this.state.phase === 'ready' ? 'ready' : 'error';
      this.update({ error, phase });
    }
  }

  // -- events -----------------------------------------------------------

  protected onHello(message: EventMessage): void {
    if (this._position.greet(message)) {
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
    this._position.hear(message);
    const changed = message.changed ?? [];
    const removed = message.removed ?? [];
    const { rows, listing, total } = this.state;
    const patched = patchRows(rows, changed);
    const kept = removeRows(patched.rows, removed);
    const gone = patched.rows.length - kept.length;
    const pending = new Map(this.state.pending);
    changed.forEach(row => pending.delete(row.name));
    removed.forEach(name => pending.delete(name));
    const selection = new Set(this.state.selection);
    removed.forEach(name => selection.delete(name));
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
      pending:
        pending.size === this.state.pending.size ? this.state.pending : pending,
      selection:
        selection.size === this.state.selection.size
          ? this.state.selection
          : selection
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
      // The listing tells the same failure where it can be seen.
      () => undefined
    );
  }

  // -- what is not confirmed yet ----------------------------------------

  private _setPending(names: readonly string[], action: Action | null): void {
    const pending = new Map(this.state.pending);
    for (const name of names) {
      if (action) {
        pending.set(name, action);
      } else {
        pending.delete(name);
      }
    }
    this.update({ pending });
  }

  /** Events should confirm these; when they do not, the list decides. */
  private _expect(names: readonly string[]): void {
    this.schedule(`confirm ${names.join()}`, CONFIRM_MS, () => {
      if (names.some(name => this.state.pending.has(name))) {
        this._setPending(names, null);
        this.refresh();
      }
    });
  }

  private _remove(names: readonly string[]): void {
    const rows = removeRows(this.state.rows, names);
    this.update({
      rows,
      total: this.state.total - (this.state.rows.length - rows.length)
    });
  }

  private readonly _position = new Position();
  private readonly _activeRows = new ActiveRows();
  private _hasActive = false;
  private _isStarted = false;
}
