import type { Created, FieldError, RunOptions, Study } from '../client/types';
import { valuesOf } from './configdiff';
import type { DraftClient, IDraftState, ISavedDraft } from './draftstate';
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

/** How many rows of the preview are shown. */
const MAX_ROWS = 200;

const NOTHING: IEntry[] = [];

/** Delay after an edit before the preview is loaded. */
const DEBOUNCE_MS = 120;

/** Delay before changes are saved, to gather them. */
const SAVE_MS = 400;

/** Delay before an unreachable server is tried again. */
const RETRY_MS = 2000;

/**
 * A configuration that is being edited, and a preview of its tasks. The text is
 * authoritative; the fields of a form are ranges of it.
 */
export class DraftModel extends Model<IDraftState> {
  constructor(private readonly _options: DraftModel.IOptions) {
    super(EMPTY_DRAFT);
    this.finder = this.own(new TaskFinder(_options.client, _options.ws));
  }

  /** Finds a task whose configuration can be the template. */
  readonly finder: TaskFinder;

  /** The keys of the configuration and their ranges in the text. */
  get entries(): IEntry[] {
    return this._options.kind === 'shell'
      ? NOTHING
      : this._entries(this.state.text);
  }

  /** Errors of the preview, then of the last creation. */
  get errors(): readonly FieldError[] {
    return this._errors(this.state.preview, this.state.refusals);
  }

  /** Return the default of a key as the default template has it. */
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

  /** Resolves when the draft is loaded. */
  get ready(): Promise<void> {
    return this.until(({ phase }) => phase === 'ready');
  }

  /** Load the parameters, the template and the saved draft. */
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
          void this._loadMetrics();
        }
      },
      problem => this.update({ phase: 'failed', problem })
    );
  }

  /**
   * Ask the script for its parameters: the server runs it up to its parser.
   *
   * @param stubMissing replace missing modules with stubs
   */
  async ask(stubMissing = false): Promise<void> {
    const { client, ws } = this._options;
    this.update({ asking: true, askProblem: null });
    await this.fetch(
      'ask',
      async signal => {
        const result = await client.askScript(
          ws,
          { stub_missing: stubMissing },
          signal
        );
        return [result, await client.getTemplate(ws)] as const;
      },
      ([{ problem, missing, parameters }, template]) => {
        const { text, defaults } = this.state;
        this.update({
          asking: false,
          askProblem: problem === null ? null : { message: problem, missing },
          parameters,
          defaults: template.text
        });
        if (text === defaults) {
          this.setText(template.text);
        }
        this._schedulePreview(0);
      },
      ({ message }) =>
        this.update({ asking: false, askProblem: { message, missing: null } })
    );
  }

  /** Stop asking; the server then kills the script. */
  cancelAsking(): void {
    this.cancel('ask');
    this.update({ asking: false });
  }

  dismissAskProblem(): void {
    this.update({ askProblem: null });
  }

  setText(text: string): void {
    if (text !== this.state.text) {
      this._edit({ text });
    }
  }

  /** Change the value of a key, which may have sweep syntax. */
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

  /** Set the study; null for a sweep. */
  setSearch(search: IStudyForm | null): void {
    this._edit({ search });
  }

  /** Show or hide the command line of each task in the preview. */
  setCommands(commands: boolean): void {
    this.update({ commands });
    this._schedulePreview(0);
  }

  /** Let the script's parser check the command lines of new tasks, or not. */
  setCheck(check: boolean): void {
    this.update({ check, refusals: [] });
  }

  /** Switch to a study, with an objective among the known metrics. */
  async beginSearching(): Promise<void> {
    if (!this.state.search) {
      this.setSearch(defaultStudyForm(this.state.metrics, this.state.goals));
    }
    await this._loadMetrics();
    const { search, metrics, goals } = this.state;
    if (search?.objective === '' && metrics.length > 0) {
      const { objective, direction } = defaultStudyForm(metrics, goals);
      this.setSearch({ ...search, objective, direction });
    }
  }

  /** Pin a key to the top of the form, or unpin it. */
  setPinned(path: string, pin: boolean): void {
    const others = this.state.pinned.filter(each => each !== path);
    this.update({ pinned: pin ? [...others, path] : others });
    this._scheduleSave();
  }

  /** Replace the configuration by the text of a file. */
  useFile(name: string, text: string): void {
    this.cancel('template');
    this._begin(name, text, this.state.defaults);
  }

  /**
   * Replace the configuration by that of a task, ('') the default one, or a
   * sweep over exactly those of several tasks.
   */
  async useTemplate(...names: readonly string[]): Promise<void> {
    const { client, ws } = this._options;
    const [task] = names;
    const isSweep = names.length > 1;
    await this.fetch(
      'template',
      () =>
        isSweep
          ? client.joinConfigurations(ws, { names: [...names] })
          : client.getTemplate(ws, { task }),
      ({ text }) => {
        const { defaults, search } = this.state;
        this.update({ search: isSweep ? null : search });
        this._begin(isSweep ? '' : task, text, task ? defaults : text);
      },
      problem => this.update({ problem })
    );
  }

  /** Restore what the last change of the template replaced. */
  undoTemplate(): void {
    const { replaced } = this.state;
    if (replaced) {
      this._edit({ ...replaced, replaced: null });
    }
  }

  /**
   * Create the tasks, and queue them if `run`.
   *
   * @returns null if the server refused, for the reasons in `refusals`
   */
  async create(run: boolean): Promise<Created | null> {
    const { client, ws } = this._options;
    const { text, name, check } = this.state;
    const options = run ? withoutEmpty(this.state.run) : null;
    const created = await this._make(() =>
      client.createTasks(ws, {
        text,
        name,
        run: options,
        ...(check && { check })
      })
    );
    if (created) {
      void this._renewName(name);
    }
    return created;
  }

  /** Start the study; returns null if the server refused, as `create`. */
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
    // A pending answer is of an older text.
    this.cancel('preview');
    this.schedule('preview', delay, () => this._preview());
  }

  private async _preview(): Promise<void> {
    const { client, ws } = this._options;
    const { text, name, search, run, commands } = this.state;
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
              {
                text,
                name,
                offset: 0,
                limit: MAX_ROWS,
                ...(commands && { commands })
              },
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

  private async _loadMetrics(): Promise<void> {
    const { client, ws } = this._options;
    try {
      const [columns, studies] = await Promise.all([
        client.listColumns(ws),
        client.listStudies(ws)
      ]);
      this.update({
        metrics: columns.figures.map(column => column.key),
        goals: Object.fromEntries(
          columns.figures.flatMap(({ key, goal }) =>
            goal ? [[key, goal] as const] : []
          )
        ),
        canSearch: studies.available
      });
    } catch {
      // Nothing is proposed then, and the study itself reports errors.
    }
  }

  /** Propose another name, since tasks with the last one were created. */
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
      // The next preview reports whether the name is free.
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
  private readonly _defaults = memoizeLast(valuesOf);
  private _suggested = '';
}

export namespace DraftModel {
  export interface IOptions {
    client: DraftClient;
    /** Workspace id. */
    ws: string;
    kind: 'script' | 'shell';
    /** Concurrency, unless it was saved. */
    jobs?: number;
    loadDraft?: () => Promise<ISavedDraft | null>;
    saveDraft?: (draft: ISavedDraft) => void;
    /** Delay before changes are saved, in ms. */
    saveDelay?: number;
  }
}
