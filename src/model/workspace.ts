import type { ClientError } from '../client/errors';
import { asClientError } from '../client/errors';
import type {
  Action,
  ActionRequest,
  ActionResult,
  ConnectionState,
  EventMessage,
  IClient,
  IEventStream,
  TaskPage,
  TaskRow
} from '../client/types';
import { ACTIVE_TASKS, ActiveRows } from './active';
import type { IListing } from './pages';
import { allNames, CALM, PAGE, Pages } from './pages';
import { Position } from './position';
import {
  keepNewer,
  patchRows,
  placePage,
  removeRows,
  sortMayMove
} from './rows';
import { Store } from './store';
import type { IWorkspaceState } from './workspacestate';
import { firstState, mergeColumns, sameNotices, sumOf } from './workspacestate';

/** How long an action may stay unconfirmed by an event, in ms. */
const PATIENCE = 4000;

/** What goes with an action, beside the tasks. */
export type ActionOptions = Omit<Partial<ActionRequest>, 'action' | 'names'>;

/** Actions that show in a row before they are confirmed. */
const SHOWING: readonly Action[] = ['run', 'cancel', 'delete'];

/** The tasks of one workspace as the server knows them, kept up to date. */
export class WorkspaceModel extends Store<IWorkspaceState> {
  /**
   * @param client - where the workspace lives
   * @param id - id of the workspace
   * @param listing - what to list at first
   */
  constructor(client: IClient, id: string, listing: Partial<IListing> = {}) {
    super(firstState(listing));
    this.client = client;
    this.id = id;
    const store = this.getSnapshot;
    this._pages = new Pages(client, id, {
      get listing() {
        return store().listing;
      },
      get total() {
        return store().total;
      },
      isLoaded: index => store().rows[index] !== undefined,
      onPage: (page, answer, isOther) => this._onPage(page, answer, isOther),
      onError: error => this._onListError(error),
      onBusy: refreshing => {
        if (refreshing !== store().refreshing) {
          this.update({ refreshing });
        }
      }
    });
  }

  readonly client: IClient;
  readonly id: string;

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Begin to list and to listen; a second call does nothing. */
  start(): void {
    if (this._stream || this._isDisposed) {
      return;
    }
    this._stream = this.client.streamEvents(this.id, {
      onHello: message => this._onHello(message),
      onChanges: message => this._onChanges(message),
      onReset: () => this._onReset(),
      onState: connection => this._onConnection(connection),
      onError: error => this._onFailure(error)
    });
    this.refresh();
    this._readWorkspace();
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._stream?.dispose();
    this._stream = null;
    this._pages.dispose();
    clearTimeout(this._active);
    for (const timer of this._impatience) {
      clearTimeout(timer);
    }
  }

  /** Connect and list now instead of waiting for the next attempt. */
  retry(): void {
    this._stream?.retry();
    this.refresh();
  }

  /** List anew what is shown. */
  refresh(): void {
    this._pages.refresh();
  }

  /** Change the search, the statuses or the order. */
  setListing(change: Partial<IListing>): void {
    this.update({ listing: { ...this.state.listing, ...change } });
    this._pages.restart();
  }

  /** Have values of the configuration told; what is shown stays meanwhile. */
  setFields(fields: readonly string[]): void {
    const { listing } = this.state;
    if (fields.join('\n') !== listing.fields.join('\n')) {
      this.update({ listing: { ...listing, fields } });
      this._pages.refresh();
    }
  }

  /** Say which positions are shown, so that they are loaded. */
  need(first: number, last: number): void {
    this._pages.need(first, last);
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
      await allNames(this.client, this.id, this.state.listing),
      'replace'
    );
  }

  // -- actions ----------------------------------------------------------

  /**
   * Ask for an action; it shows at once in `pending` and is corrected by what
   * the server says.
   *
   * @returns what was done and what was refused
   * @throws ClientError when nothing was done
   */
  async act(
    action: Action,
    names: readonly string[],
    options: ActionOptions = {}
  ): Promise<ActionResult> {
    if (names.length === 0) {
      return { done: [], refused: [], made: [] };
    }
    if (SHOWING.includes(action)) {
      this._setPending(names, action);
    }
    let result: ActionResult;
    try {
      result = await this.client.actOnTasks(this.id, {
        action,
        names: [...names],
        ...options
      });
    } catch (error) {
      this._setPending(names, null);
      throw asClientError(error);
    }
    if (this._isDisposed) {
      return result;
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
      this._pages.soon();
    } else if (SHOWING.includes(action)) {
      this._expect(result.done);
    } else {
      this._pages.soon();
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

  // -- listing ----------------------------------------------------------

  private _onPage(page: number, answer: TaskPage, isOther: boolean): void {
    if (this._position.isOther(answer)) {
      this._pages.invalidate();
    }
    const isLate = this._position.list(answer);
    const old = isOther ? [] : this.state.rows;
    this.update({
      phase: 'ready',
      error: null,
      queryError: null,
      notices: sameNotices(this.state.notices, answer.notices),
      rows: placePage(
        old,
        page * PAGE,
        isLate ? keepNewer(old, answer.items) : answer.items,
        answer.total
      ),
      total: answer.total,
      counts: isLate ? this.state.counts : answer.counts,
      columns: mergeColumns(this.state.columns, answer.columns),
      typical: answer.typical_duration,
      heard: Date.now()
    });
    this._checkActive();
    if (isLate) {
      this._pages.soon();
    }
  }

  /** List the active tasks when there are not as many as there should be. */
  private _checkActive(): void {
    const { counts } = this.state;
    if (
      this._active === undefined &&
      counts !== null &&
      this._activeRows.needsList(counts)
    ) {
      const pause = this._hasActive ? CALM : 0;
      this._active = setTimeout(() => this._listActive(), pause);
    }
  }

  private _listActive(): void {
    this._hasActive = true;
    this.client.listTasks(this.id, ACTIVE_TASKS).then(
      page => {
        this._active = undefined;
        if (!this._isDisposed) {
          this._activeRows.list(page);
          this.update({ active: this._activeRows.rows });
          if (this._position.isLate(page)) {
            this._active = setTimeout(() => this._listActive(), CALM);
          }
        }
      },
      // The next change or listing asks again.
      () => {
        this._active = undefined;
      }
    );
  }

  private _onListError(error: ClientError): void {
    if (error.status === 400) {
      // With nothing listed yet there is nothing to wait for either.
      this.update({ queryError: error, notices: [], phase: 'ready' });
    } else {
      const phase = this.state.phase === 'ready' ? 'ready' : 'error';
      this.update({ error, phase });
    }
  }

  // -- events -----------------------------------------------------------

  private _onHello(message: EventMessage): void {
    this.update({ heard: Date.now() });
    if (this._position.greet(message)) {
      this._pages.soon();
    }
  }

  private _onReset(): void {
    this._pages.soon();
    this._readWorkspace();
  }

  private _onChanges(message: EventMessage): void {
    if (this._position.isOther(message)) {
      this._onReset();
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
    const counts = message.counts ?? this.state.counts;
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
          : selection,
      heard: Date.now()
    });
    this._checkActive();
    const filtered = listing.query !== '' || listing.statuses.length > 0;
    if (
      filtered ||
      removed.length > 0 ||
      (counts !== null && sumOf(counts) !== total - gone) ||
      sortMayMove(listing.sort, patched.before, patched.after, patched.missed)
    ) {
      this._pages.soon();
    }
  }

  private _onConnection(connection: ConnectionState): void {
    if (connection === 'open') {
      this.update({ connection, heard: Date.now() });
      if (this.state.error) {
        this.refresh();
      }
    } else {
      this.update({ connection });
    }
  }

  private _onFailure(error: Error): void {
    if (this.state.phase !== 'ready') {
      this.update({ error: asClientError(error) });
    }
  }

  private _readWorkspace(): void {
    this.client.getWorkspace(this.id).then(
      workspace => {
        if (!this._isDisposed) {
          this.update({ workspace });
        }
      },
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
    const timer = setTimeout(() => {
      this._impatience.delete(timer);
      if (names.some(name => this.state.pending.has(name))) {
        this._setPending(names, null);
        this.refresh();
      }
    }, PATIENCE);
    this._impatience.add(timer);
  }

  private _remove(names: readonly string[]): void {
    const rows = removeRows(this.state.rows, names);
    this.update({
      rows,
      total: this.state.total - (this.state.rows.length - rows.length)
    });
  }

  private readonly _position = new Position();
  private _pages: Pages;
  private _stream: IEventStream | null = null;
  private _active: ReturnType<typeof setTimeout> | undefined;
  private _hasActive = false;
  private readonly _activeRows = new ActiveRows();
  private _impatience = new Set<ReturnType<typeof setTimeout>>();
  private _isDisposed = false;
}
