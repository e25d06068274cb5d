import type {
  Created,
  FieldError,
  IClient,
  RunOptions,
  Study
} from '../client/types';
import type { IDraftState, ISavedDraft } from './draftstate';
import { EMPTY_DRAFT, refusalsOf } from './draftstate';
import { Model } from './model';
import { isRunField, withoutEmpty } from './runoptions';
import type { IStudyForm } from './studyform';
import {
  defaultStudyForm,
  nextName,
  studyPreview,
  studyRequest
} from './studyform';
import { memoizeLast } from './store';
import { TaskFinder } from './taskfinder';
import type { IEntry } from './yamlscan';
import { entriesOf } from './yamlscan';
import { valueText, withValue } from './yamltext';

/** Rows of the expansion that are asked for and shown. */
const MAX_ROWS = 200;

const NOTHING: IEntry[] = [];

/** How long typing may pause before an expansion is asked for. */
const DEBOUNCE_MS = 120;

/** How long changes gather before they are saved. */
const SAVE_MS = 400;

/** Pause before an unreachable server is asked again. */
const RETRY_MS = 2000;

/**
 * A configuration in the making: its text, what it would make, and the way to
 * make it. The text is the truth; fields of a form are ranges of it.
 */
export class DraftModel extends Model<IDraftState> {
  constructor(private readonly _options: DraftModel.IOptions) {
    super(EMPTY_DRAFT);
    this.finder = this.own(new TaskFinder(_options.client, _options.ws));
  }

  /** Finds the task whose configuration is the template. */
  readonly finder: TaskFinder;

  /** The keys of the configuration where they stand in the text. */
  get entries(): IEntry[] {
    return this._options.kind === 'shell'
      ? NOTHING
      : this._entries(this.state.text);
  }

  /** Mistakes in the draft: of the expansion, then of the last refusal. */
  get errors(): readonly FieldError[] {
    return this._errors(this.state.preview, this.state.refusals);
  }

  /** The default of a key as it is written in the default template. */
  defaultOf(path: string): string {
    const written = this._defaults(this.state.defaults).get(path);
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
    return this.until(({ phase }) => phase === 'ready');
  }

  /** Fetch parameters and template, and take up the saved draft if any. */
  async load(): Promise<void> {
    const { client, ws, kind, loadDraft } = this._options;
    this.update({ phase: 'loading', problem: null });
    await this.fetch(
      'load',
      () =>
        Promise.all([
          client.getTemplate(ws),
          kind === 'shell' ? null : client.getParameters(ws),
          loadDraft ? loadDraft().catch(() => null) : null
        ]),
      ([template, parameters, saved]) => {
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
      },
      problem => this.update({ phase: 'failed', problem })
    );
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
  setSearch(search: IStudyForm | null): void {
    this._edit({ search });
  }

  /** Search instead of making every combination, as fits what is known. */
  async beginSearching(): Promise<void> {
    if (!this.state.search) {
      this.setSearch(defaultStudyForm(this.state.figures));
    }
    await this._askAboutSearching();
    const { search, figures } = this.state;
    if (search?.objective === '' && figures.length > 0) {
      const { objective, direction } = defaultStudyForm(figures);
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
    this.cancel('template');
    this._begin(name, text, this.state.defaults);
  }

  /** Begin again from the default ('') or from a task's configuration. */
  async useTemplate(task: string): Promise<void> {
    const { client, ws } = this._options;
    await this.fetch(
      'template',
      () => client.getTemplate(ws, task || undefined),
      ({ text }) => this._begin(task, text, task ? this.state.defaults : text),
      problem => this.update({ problem })
    );
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
    if (created) {
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
      client.beginStudy(ws, studyRequest(text, name, search, run))
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

  override dispose(): void {
    if (this.isScheduled('save')) {
      this._save();
    }
    super.dispose();
  }

  private _begin(template: string, text: string, defaults: string): void {
    const { text: before, template: old } = this.state;
    const replaced = text === before ? null : { text: before, template: old };
    this._edit({ text, template, defaults, replaced, problem: null });
  }

  private _edit(change: Partial<IDraftState>): void {
    this.update({ ...change, fresh: false, refusals: [] });
    this._scheduleSave();
    this._schedulePreview(DEBOUNCE_MS);
  }

  private _schedulePreview(delay: number): void {
    // An answer on its way is of an older text: it must not be shown any more.
    this.cancel('preview');
    this.schedule('preview', delay, () => this._preview());
  }

  private async _preview(): Promise<void> {
    const { client, ws } = this._options;
    const { text, name, search, run } = this.state;
    await this.fetch(
      'preview',
      async signal =>
        search
          ? studyPreview(
              await client.previewSearch(
                ws,
                studyRequest(text, name, search, run),
                signal
              ),
              search.n
            )
          : client.previewSweep(
              ws,
              { text, name, offset: 0, limit: MAX_ROWS },
              signal
            ),
      preview => this.update({ preview, fresh: true, previewProblem: null }),
      problem => {
        this.update({ previewProblem: problem });
        if (problem.isUnreachable) {
          this.schedule('preview', RETRY_MS, () => this._preview());
        }
      }
    );
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
    this._schedulePreview(0);
  }

  private _scheduleSave(): void {
    if (this._options.saveDraft) {
      const { saveDelay = SAVE_MS } = this._options;
      this.schedule('save', saveDelay, () => this._save());
    }
  }

  private _save(): void {
    const { text, name, run, template, pinned, search } = this.state;
    this._options.saveDraft?.({ text, name, run, template, pinned, search });
  }

  private readonly _entries = memoizeLast(entriesOf);
  private readonly _errors = memoizeLast(
    (
      preview: IDraftState['preview'],
      refusals: IDraftState['refusals']
    ): readonly FieldError[] => [...(preview?.errors ?? []), ...refusals]
  );
  private readonly _defaults = memoizeLast(
    (text: string) =>
      new Map(
        entriesOf(text)
          .filter(entry => !entry.section)
          .map(entry => [entry.path, entry.text])
      )
  );
  private _suggested = '';
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
      | 'listTasks'
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
    /** How long changes gather before they are saved, in ms. */
    saveDelay?: number;
  }
}
