import { asClientError, isAbort } from '../client/errors';
import type {
  Created,
  FieldError,
  IClient,
  RunOptions,
  Study
} from '../client/types';
import type { IDraftState, ISavedDraft } from './draftstate';
import { EMPTY_DRAFT, refusalsOf } from './draftstate';
import { isRunField, withoutEmpty } from './runoptions';
import type { ISearch } from './searchdraft';
import {
  nextName,
  searchPreview,
  searchRequest,
  usualSearch
} from './searchdraft';
import { Store } from './store';
import type { IEntry } from './yamlscan';
import { entriesOf } from './yamlscan';
import { valueText, withValue } from './yamltext';

/** Rows of the expansion that are asked for and shown. */
const ROWS = 200;

/**
 * A configuration in the making: its text, what it would make, and the way to
 * make it. The text is the truth; fields of a form are ranges of it.
 */
export class DraftModel extends Store<IDraftState> {
  constructor(options: DraftModel.IOptions) {
    super(EMPTY_DRAFT);
    this._options = {
      delay: 120,
      saveDelay: 400,
      retryDelay: 2000,
      ...options
    };
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  /** The keys of the configuration where they stand in the text. */
  get entries(): IEntry[] {
    if (this._entriesText !== this.state.text) {
      this._entriesText = this.state.text;
      this._entries =
        this._options.kind === 'shell' ? [] : entriesOf(this.state.text);
    }
    return this._entries;
  }

  /** Mistakes in the draft: of the expansion, then of the last refusal. */
  get errors(): readonly FieldError[] {
    const { preview, refusals } = this.state;
    if (this._errorsOf !== preview || this._refused !== refusals) {
      this._errorsOf = preview;
      this._refused = refusals;
      this._errors = [...(preview?.errors ?? []), ...refusals];
    }
    return this._errors;
  }

  /** The default of a key as it is written in the default template. */
  defaultOf(path: string): string {
    if (this._defaultsText !== this.state.defaults) {
      this._defaultsText = this.state.defaults;
      this._defaults = new Map(
        entriesOf(this.state.defaults)
          .filter(entry => !entry.section)
          .map(entry => [entry.path, entry.text])
      );
    }
    const written = this._defaults.get(path);
    if (written !== undefined) {
      return written;
    }
    const parameter = this.state.parameters?.parameters.find(
      item => item.name === path
    );
    return parameter ? valueText(parameter.default) : '';
  }

  /** Resolved when the draft can be worked with. */
  get ready(): Promise<void> {
    return new Promise(resolve => {
      if (this.state.phase === 'ready') {
        resolve();
        return;
      }
      const leave = this.subscribe(() => {
        if (this.state.phase === 'ready') {
          leave();
          resolve();
        }
      });
    });
  }

  /** Fetch parameters and template, and take up the saved draft if any. */
  async load(): Promise<void> {
    const { client, ws, kind, loadDraft } = this._options;
    this.update({ phase: 'loading', problem: null });
    try {
      const [template, parameters, saved] = await Promise.all([
        client.getTemplate(ws),
        kind === 'shell' ? null : client.getParameters(ws),
        loadDraft ? loadDraft().catch(() => null) : null
      ]);
      if (this._disposed) {
        return;
      }
      this._suggested = template.name;
      this.update({
        phase: 'ready',
        parameters,
        defaults: template.text,
        text: saved?.text ?? template.text,
        name: saved?.name || template.name,
        run: saved?.run ?? { jobs: this._options.jobs ?? 1 },
        template: saved?.template ?? '',
        pinned: saved?.pinned ?? [],
        search: saved?.search ?? null
      });
      this._schedulePreview(0);
      if (this.state.search) {
        void this._askAboutSearching();
      }
    } catch (error) {
      this.update({ phase: 'failed', problem: asClientError(error) });
    }
  }

  setText(text: string): void {
    if (text !== this.state.text) {
      this._edit({ text });
    }
  }

  /** Change the value of a key as it is typed, batch syntax included. */
  setValue(path: string, value: string): void {
    this.setText(withValue(this.state.text, path, value));
  }

  setName(name: string): void {
    if (name !== this.state.name) {
      this._edit({ name });
    }
  }

  setRun(run: RunOptions): void {
    const refusals = this.state.refusals.filter(
      error => !isRunField(error.field)
    );
    this.update({ run, refusals });
    this._scheduleSave();
  }

  /** Search, or (null) make every combination. */
  setSearch(search: ISearch | null): void {
    this._edit({ search });
  }

  /** Search instead of making every combination, as fits what is known. */
  async beginSearching(): Promise<void> {
    if (!this.state.search) {
      this.setSearch(usualSearch(this.state.figures));
    }
    await this._askAboutSearching();
    const { search, figures } = this.state;
    if (search?.objective === '' && figures.length > 0) {
      const { objective, direction } = usualSearch(figures);
      this.setSearch({ ...search, objective, direction });
    }
  }

  /** Put a key above all others in the form, or back in its place. */
  setPinned(path: string, pin: boolean): void {
    const others = this.state.pinned.filter(each => each !== path);
    this.update({ pinned: pin ? [...others, path] : others });
    this._scheduleSave();
  }

  /** Begin again from a file's text; `name` is what it is called. */
  useFile(name: string, text: string): void {
    this._templateTurn++;
    this._begin(name, text, this.state.defaults);
  }

  /** Begin again from the default ('') or from a task's configuration. */
  async useTemplate(task: string): Promise<void> {
    const { client, ws } = this._options;
    const turn = ++this._templateTurn;
    try {
      const template = await client.getTemplate(ws, task || undefined);
      if (this._disposed || turn !== this._templateTurn) {
        return;
      }
      const defaults = task ? this.state.defaults : template.text;
      this._begin(task, template.text, defaults);
    } catch (error) {
      if (turn === this._templateTurn) {
        this.update({ problem: asClientError(error) });
      }
    }
  }

  /** Take back what the last change of the template replaced. */
  undoTemplate(): void {
    const { replaced } = this.state;
    if (replaced) {
      this._edit({ ...replaced, replaced: null });
    }
  }

  /**
   * Create the tasks, and queue them if wanted. Returns what was created, or
   * null when it was refused: then `refusals` says why and nothing was made.
   */
  async create(run: boolean): Promise<Created | null> {
    const { client, ws } = this._options;
    const { text, name } = this.state;
    const options = run ? withoutEmpty(this.state.run) : null;
    const created = await this._make(() =>
      client.createTasks(ws, { text, name, run: options })
    );
    if (created && !this._disposed) {
      void this._renewName(name);
    }
    return created;
  }

  /** Begin the search; as for `create`. */
  async begin(): Promise<Study | null> {
    const { client, ws } = this._options;
    const { text, name, search, run } = this.state;
    if (!search) {
      return null;
    }
    const study = await this._make(() =>
      client.beginStudy(ws, searchRequest(text, name, search, run))
    );
    if (study && this.state.name === name) {
      this.setName(nextName(name));
    }
    return study;
  }

  private async _make<T>(make: () => Promise<T>): Promise<T | null> {
    if (this.state.creating) {
      return null;
    }
    this.update({ creating: true, refusals: [] });
    try {
      const made = await make();
      this.update({ creating: false });
      return made;
    } catch (error) {
      this.update({ creating: false, refusals: refusalsOf(error) });
      return null;
    }
  }

  dispose(): void {
    if (this._disposed) {
      return;
    }
    if (this._saveTimer !== null) {
      this._save();
    }
    this._disposed = true;
    clearTimeout(this._previewTimer ?? undefined);
    this._abort?.abort();
  }

  /** An answer that comes too late changes nothing. */
  protected override update(change: Partial<IDraftState>): void {
    if (!this._disposed) {
      super.update(change);
    }
  }

  private _begin(template: string, text: string, defaults: string): void {
    const { text: before, template: old } = this.state;
    const replaced = text === before ? null : { text: before, template: old };
    this._edit({ text, template, defaults, replaced, problem: null });
  }

  private _edit(change: Partial<IDraftState>): void {
    this.update({ ...change, fresh: false, refusals: [] });
    this._scheduleSave();
    this._schedulePreview(this._options.delay);
  }

  private _schedulePreview(delay: number): void {
    clearTimeout(this._previewTimer ?? undefined);
    // An answer on its way is of an older text: it must not be shown any more.
    this._abort?.abort();
    this._abort = null;
    this._previewTimer = setTimeout(() => void this._preview(), delay);
  }

  private async _preview(): Promise<void> {
    const { client, ws, retryDelay } = this._options;
    const { text, name, search, run } = this.state;
    const abort = new AbortController();
    this._abort = abort;
    try {
      const preview = search
        ? searchPreview(
            await client.previewSearch(
              ws,
              searchRequest(text, name, search, run),
              abort.signal
            ),
            search.n
          )
        : await client.previewSweep(
            ws,
            { text, name, offset: 0, limit: ROWS },
            abort.signal
          );
      if (!abort.signal.aborted) {
        this.update({ preview, fresh: true, previewProblem: null });
      }
    } catch (error) {
      if (abort.signal.aborted || isAbort(error)) {
        return;
      }
      const problem = asClientError(error);
      this.update({ previewProblem: problem });
      if (problem.isUnreachable && !this._disposed) {
        this._previewTimer = setTimeout(() => void this._preview(), retryDelay);
      }
    }
  }

  private async _askAboutSearching(): Promise<void> {
    const { client, ws } = this._options;
    try {
      const [columns, studies] = await Promise.all([
        client.listColumns(ws),
        client.listStudies(ws)
      ]);
      this.update({
        figures: columns.figures.map(column => column.key),
        canSearch: studies.available
      });
    } catch {
      // Then nothing is proposed; what is begun tells what is wrong.
    }
  }

  /** After a creation, the proposed name is taken: ask for the next. */
  private async _renewName(used: string): Promise<void> {
    const { client, ws } = this._options;
    try {
      const template = await client.getTemplate(ws);
      const proposed = this._suggested === used && this.state.name === used;
      this._suggested = template.name;
      if (proposed) {
        this.setName(template.name);
        return;
      }
    } catch {
      // The next expansion says whether the name is still free.
    }
    if (!this._disposed) {
      this._schedulePreview(0);
    }
  }

  private _scheduleSave(): void {
    if (this._options.saveDraft && this._saveTimer === null) {
      this._saveTimer = setTimeout(() => this._save(), this._options.saveDelay);
    }
  }

  private _save(): void {
    clearTimeout(this._saveTimer ?? undefined);
    this._saveTimer = null;
    const { text, name, run, template, pinned, search } = this.state;
    this._options.saveDraft?.({ text, name, run, template, pinned, search });
  }

  private readonly _options: Required<
    Pick<DraftModel.IOptions, 'delay' | 'saveDelay' | 'retryDelay'>
  > &
    DraftModel.IOptions;
  private _disposed = false;
  private _entries: IEntry[] = [];
  private _entriesText: string | null = null;
  private _errors: readonly FieldError[] = [];
  private _errorsOf: IDraftState['preview'] = null;
  private _refused: IDraftState['refusals'] = EMPTY_DRAFT.refusals;
  private _defaults = new Map<string, string>();
  private _defaultsText: string | null = null;
  private _suggested = '';
  private _templateTurn = 0;
  private _abort: AbortController | null = null;
  private _previewTimer: ReturnType<typeof setTimeout> | null = null;
  private _saveTimer: ReturnType<typeof setTimeout> | null = null;
}

export namespace DraftModel {
  export interface IOptions {
    client: Pick<
      IClient,
      | 'beginStudy'
      | 'createTasks'
      | 'getParameters'
      | 'getTemplate'
      | 'listColumns'
      | 'listStudies'
      | 'previewSearch'
      | 'previewSweep'
    >;
    /** Workspace id. */
    ws: string;
    kind: 'script' | 'shell';
    /** How many tasks run at a time, unless the saved draft says it. */
    jobs?: number;
    loadDraft?: () => Promise<ISavedDraft | null>;
    saveDraft?: (draft: ISavedDraft) => void;
    /** Milliseconds of quiet typing before an expansion is asked for. */
    delay?: number;
    saveDelay?: number;
    retryDelay?: number;
  }
}
