import type { TaskRow } from '../client/types';
import type { IActivityState } from './activity';
import { ActivityModel } from './activity';
import { LogModel } from './log';
import { Model } from './model';
import type { TaskListModel } from './tasklist';

/** How many logs are shown side by side. */
export const MAX_PANES = 4;

export interface IPane {
  readonly id: number;
  readonly log: LogModel;
}

export interface IMonitorState {
  /** At least one, from left to right. */
  readonly panes: readonly IPane[];
  /** Id of the pane that opens the next log. */
  readonly active: number;
}

/** Logs shown side by side. */
export class MonitorModel extends Model<IMonitorState> {
  readonly activity: ActivityModel;

  /** @param list - the tasks to choose from */
  constructor(readonly list: TaskListModel) {
    const first = { id: 0, log: new LogModel(list.client, list.ws) };
    super({ panes: [first], active: first.id });
    this.activity = this.own(new ActivityModel(list.client, list.ws));
    this._listen(first);
    this.listen(list, () => this._noteRows());
    this.listen(this.activity, () => this._noteRows());
  }

  /**
   * List the tasks and follow them.
   *
   * @param opensLatest - whether the latest log is opened until one is chosen
   */
  start(opensLatest = false): void {
    this._isWaiting = opensLatest && this.tasks.length === 0;
    this.list.start();
    this.activity.start();
    this._noteRows();
  }

  /** Connect and load now instead of waiting for the next attempt. */
  retry(): void {
    this.list.retry();
    this.activity.retry();
  }

  /** Return the row of a task that is listed or active. */
  row(name: string): TaskRow | undefined {
    const { active, recent } = this.activity.getSnapshot();
    return (
      this.list.row(name) ??
      [...active, ...recent].find(row => row.name === name)
    );
  }

  override dispose(): void {
    super.dispose();
    this.state.panes.forEach(pane => pane.log.dispose());
  }

  /** The pane that opens the next log. */
  get activePane(): IPane {
    const { panes, active } = this.state;
    return panes.find(pane => pane.id === active) ?? panes[0];
  }

  /** The tasks whose logs are shown, from left to right. */
  get tasks(): string[] {
    return this.state.panes.flatMap(({ log }) => log.getSnapshot().task ?? []);
  }

  activate(id: number): void {
    this.update({ active: id });
  }

  /** Show the log of a task: activate its pane, or use the active one. */
  open(task: string): void {
    this._isWaiting = false;
    const shown = this.state.panes.find(
      pane => pane.log.getSnapshot().task === task
    );
    if (shown) {
      this.activate(shown.id);
    } else {
      this.activePane.log.open(task);
    }
  }

  /** Show the log of a task in a new pane, or in the active one if there is no room. */
  openBeside(task: string): void {
    const { panes } = this.state;
    const isShown = this.tasks.includes(task);
    const isEmpty = panes[0].log.getSnapshot().task === null;
    if (isShown || isEmpty || panes.length >= MAX_PANES) {
      this.open(task);
      return;
    }
    const log = new LogModel(this.list.client, this.list.ws);
    const pane = { id: Math.max(...panes.map(each => each.id)) + 1, log };
    this._listen(pane);
    log.open(task);
    const at = panes.indexOf(this.activePane) + 1;
    this.update({
      panes: [...panes.slice(0, at), pane, ...panes.slice(at)],
      active: pane.id
    });
  }

  close(id: number): void {
    const { panes, active } = this.state;
    const pane = panes.find(each => each.id === id);
    if (!pane) {
      return;
    }
    if (panes.length === 1) {
      pane.log.close();
      return;
    }
    const left = panes.filter(each => each !== pane);
    const beside = left[Math.max(0, panes.indexOf(pane) - 1)];
    this.update({
      panes: left,
      active: active === id ? beside.id : active
    });
    pane.log.dispose();
  }

  /** Pass changed tasks to their logs, which open new runs. */
  private _noteRows(): void {
    const latest = this._isWaiting && latestRun(this.activity.getSnapshot());
    if (latest) {
      this.open(latest.name);
    }
    for (const { log } of this.state.panes) {
      const { task } = log.getSnapshot();
      const row = task === null ? undefined : this.row(task);
      if (row && row !== this._rows.get(log)) {
        this._rows.set(log, row);
        log.setRow(row);
      }
    }
  }

  /** Notify listeners when a pane opens another task. */
  private _listen({ log }: IPane): void {
    let { task } = log.getSnapshot();
    log.subscribe(() => {
      const now = log.getSnapshot().task;
      if (now !== task) {
        task = now;
        this.update({ panes: [...this.state.panes] });
        this._noteRows();
      }
    });
  }

  private readonly _rows = new WeakMap<LogModel, TaskRow>();
  /** Nothing was chosen so far. */
  private _isWaiting = false;
}

/** The running task that started last, else the one that ended last. */
function latestRun(state: IActivityState): TaskRow | undefined {
  const [latest] = state.active
    .filter(row => row.status === 'running')
    .sort((a, b) => (b.started_at ?? 0) - (a.started_at ?? 0));
  return latest ?? state.recent[0];
}
