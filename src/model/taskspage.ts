import { SparklineModel } from './sparkline';
import { GroupsModel } from './groups';
import { emptyFacts } from './layout';
import type { Goal } from './metrics';
import { Model } from './model';
import type { IRows } from './rows';
import { memoizeLast } from './store';
import { TableLayoutModel } from './tablelayout';
import { TaskDetailModel } from './taskdetail';
import { TrashModel } from './trash';
import type { TaskListModel } from './tasklist';
import { sumOf } from './taskliststate';

export interface ITasksPageState {
  /** The task in the details; '' for none. */
  readonly active: string;
  /** Whether the details are open. */
  readonly details: boolean;
  /** Shown instead of the tasks. */
  readonly trash: TrashModel | null;
}

/** The model of the Tasks page, which keeps its parts up to date. */
export class TasksPageModel extends Model<ITasksPageState> {
  readonly table: TableLayoutModel;
  readonly curves: SparklineModel;
  readonly detail: TaskDetailModel;
  readonly groups: GroupsModel;

  constructor(
    private readonly _list: TaskListModel,
    table?: TableLayoutModel
  ) {
    super({ active: '', details: false, trash: null });
    const { client, ws } = _list;
    this.table = table ?? this.own(new TableLayoutModel({ client, ws }));
    this.curves = this.own(new SparklineModel(client, ws));
    this.detail = this.own(new TaskDetailModel(client, ws));
    this.groups = this.own(new GroupsModel(client, ws));
  }

  /**
   * Begin to update the parts. Not in the constructor: React may repeat a
   * rendering, and the model of the first one is never disposed.
   */
  start(): void {
    this.listen(this._list, () => this._update());
    this.listen(this.table, () => this._update());
    this.listen(this.curves, () => this._update());
    this._list.start();
    this._update();
  }

  readonly setActive = (active: string): void => {
    this.update({ active });
    this._update();
  };

  readonly setDetails = (details: boolean): void => {
    this.update({ details });
    this._update();
  };

  /** Define whether less or more of a metric is better; null removes the definition. */
  async defineMetric(name: string, goal: Goal | null): Promise<void> {
    const { client, ws } = this._list;
    await this.send(() => client.defineMetric(ws, { name, goal }));
    this._list.refresh();
  }

  readonly openTrash = (): void => {
    const { client, ws } = this._list;
    const trash = this.own(new TrashModel(client, ws));
    this.update({ trash });
    void trash.load();
  };

  readonly closeTrash = (): void => {
    this.state.trash?.dispose();
    this.update({ trash: null });
  };

  private _update(): void {
    const list = this._list.getSnapshot();
    const { active, details, trash } = this.state;
    const tasks = list.counts ? sumOf(list.counts) : 0;
    const { key } = this.curves.getSnapshot();
    this.table.setContext(
      list.columns,
      key,
      tasks,
      this._hasHits(list.rows),
      this._emptyFacts(list.rows, list.counts)
    );
    // Without fields at first, so that the first list does not wait.
    const { known, layout } = this.table.getSnapshot();
    const { fields, metrics } = this.table;
    this._list.setFields(
      known ? fields : [],
      known && layout.look === 'table' && !layout.grouping ? metrics : []
    );
    if (details) {
      this.detail.show(active, this._list.row(active));
    }
    if (layout.grouping) {
      this.groups.setContext(layout.grouping, list);
    }
    if (tasks !== this._tasks) {
      // Tasks may have been moved to or from the trash.
      this._tasks = tasks;
      void trash?.load();
    }
  }

  private readonly _hasHits = memoizeLast((rows: IRows) =>
    rows.some(row => row?.hit)
  );
  private readonly _emptyFacts = memoizeLast(emptyFacts);
  private _tasks = 0;
}
