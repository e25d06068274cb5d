import type { Columns, IClient, TaskPage } from '../client/types';
import type { ColumnId, Fact, ILayout } from './layout';
import {
  alwaysShown,
  asWidth,
  automaticColumns,
  DEFAULT_LAYOUT,
  movedColumn,
  parseColumnId,
  RUN_FACTS,
  shownColumns,
  withColumn
} from './layout';
import { aggregatedMetric } from './metrics';
import { Model } from './model';
import type { ISavedTable, ISavedView } from './savedviews';
import { withView } from './savedviews';

/** Delay before the keys are loaded again, to gather changes. */
const GATHER_MS = 1000;

/** Delay after a failed request. */
const RETRY_MS = 4000;

export interface ITableLayoutState {
  readonly layout: ILayout;
  /** All keys of the workspace; null before they are loaded. */
  readonly known: Columns | null;
  readonly views: readonly ISavedView[];
  /** The visible columns, in their order. */
  readonly shown: readonly ColumnId[];
}

/** The layout of the table of tasks, and its saved views. */
export class TableLayoutModel extends Model<ITableLayoutState> {
  constructor(private readonly _options: TableLayoutModel.IOptions) {
    const saved = _options.saved ?? { layout: DEFAULT_LAYOUT, views: [] };
    super({
      layout: saved.layout,
      known: null,
      views: saved.views,
      shown: shownColumns(saved.layout, ['name'])
    });
  }

  /** Keys of the configuration and aggregates that have a column. */
  get fields(): string[] {
    return [...this._keys('config'), ...this.aggregates];
  }

  /** Aggregates of metrics that have a column. */
  get aggregates(): string[] {
    return this.metrics.filter(key => aggregatedMetric(key) !== null);
  }

  /** Metrics and aggregates that have a column. */
  get metrics(): string[] {
    return this._keys('figure');
  }

  private _keys(kind: 'config' | 'figure'): string[] {
    return this.state.shown.flatMap(id => {
      const parts = parseColumnId(id);
      return parts.kind === kind ? [parts.key] : [];
    });
  }

  /**
   * Set what automatic columns depend on.
   *
   * @param seen - swept keys and metrics of the listed tasks
   * @param curve - the metric with curves
   * @param tasks - the number of tasks; keys are loaded again when it changes
   * @param hits - whether the rows have matches in logs
   * @param empty - columns in which no task has a value
   */
  setContext(
    seen: TaskPage['columns'],
    curve: string | null,
    tasks: number,
    hits = false,
    empty: readonly Fact[] = []
  ): void {
    // A column that was filled once stays, so that none comes and goes.
    const stillEmpty = this._empty.filter(fact => empty.includes(fact));
    if (
      seen !== this._seen ||
      curve !== this._curve ||
      hits !== this._hits ||
      stillEmpty.length < this._empty.length
    ) {
      this._seen = seen;
      this._curve = curve;
      this._hits = hits;
      this._empty = stillEmpty;
      this._show();
    }
    if (tasks !== this._tasks) {
      const isFirst = this._tasks === -1;
      this._tasks = tasks;
      this.schedule('columns', isFirst ? 0 : GATHER_MS, () => this._load());
    }
  }

  setLayout(change: Partial<ILayout>): void {
    this.update({ layout: { ...this.state.layout, ...change } });
    this._show();
    this._save();
  }

  showColumn(id: ColumnId, show: boolean): void {
    const always = alwaysShown(this.state.layout).filter(each => each !== id);
    this.setLayout({
      columns: withColumn(this._all, id, show),
      always: show ? [...always, id] : always
    });
  }

  /** Move a column before the one at an index of the shown ones. */
  moveColumn(id: ColumnId, to: number): void {
    const { layout, shown } = this.state;
    const next = shown.filter(each => each !== id)[Math.max(1, to)];
    const others = this._all.filter(each => each !== id);
    const place = next === undefined ? others.length : others.indexOf(next);
    this.setLayout({
      columns: movedColumn(this._all, id, place),
      always: alwaysShown(layout)
    });
  }

  setWidth(id: ColumnId, width: number | null): void {
    const widths = { ...this.state.layout.widths };
    if (width === null) {
      delete widths[id];
    } else {
      widths[id] = asWidth(width);
    }
    this.setLayout({ widths });
  }

  pinColumn(id: ColumnId, pin: boolean): void {
    const others = this.state.layout.pinned.filter(each => each !== id);
    this.setLayout({ pinned: pin ? [...others, id] : others });
  }

  saveView(view: ISavedView): void {
    this.update({ views: withView(this.state.views, view) });
    this._save();
  }

  removeView(name: string): void {
    this.update({ views: this.state.views.filter(each => each.name !== name) });
    this._save();
  }

  private _automatic(known = this.state.known): ColumnId[] {
    const seen = this._seen ?? { swept: [], figures: [] };
    return automaticColumns(seen, known, this._curve);
  }

  /** The shown columns and those that are hidden while they are empty. */
  private get _all(): ColumnId[] {
    return shownColumns(this.state.layout, this._automatic());
  }

  /** Update the keys and the visible columns at once, as a change of either lists the tasks again. */
  private _show(known = this.state.known): void {
    const shown = shownColumns(
      this.state.layout,
      this._automatic(known),
      this._hits,
      this._empty
    );
    const isSame = shown.join('\n') === this.state.shown.join('\n');
    this.update({ known, shown: isSame ? this.state.shown : shown });
  }

  private _load(): Promise<void> {
    return this.fetch(
      'columns',
      () => this._options.client.listColumns(this._options.ws),
      known => this._show(known),
      // Until then only keys of the listed tasks have columns.
      () => this.retryAfter('columns', RETRY_MS, () => this._load())
    );
  }

  private _save(): void {
    const { layout, views } = this.state;
    this._options.save?.({ layout, views });
  }

  private _seen: TaskPage['columns'] | null = null;
  private _curve: string | null = null;
  private _hits = false;
  private _empty: readonly Fact[] = RUN_FACTS;
  private _tasks = -1;
}

export namespace TableLayoutModel {
  export interface IOptions {
    client: Pick<IClient, 'listColumns'>;
    /** Workspace id. */
    ws: string;
    saved?: ISavedTable;
    save?: (table: ISavedTable) => void;
  }
}
