import type { IClient } from '../client/types';
import { ActivityModel } from './activity';
import { Model } from './model';
import { QueueModel } from './queue';
import { StudiesModel } from './studies';
import { SystemModel } from './system';

/** The model of the page with the machine and the queue of a workspace. */
export class DashboardModel extends Model<object> {
  readonly activity: ActivityModel;
  readonly queue: QueueModel;
  readonly studies: StudiesModel;
  readonly system: SystemModel;

  /** @param system - shared with other pages; by default a new one */
  constructor(client: IClient, ws: string, system?: SystemModel) {
    super({});
    this.activity = this.own(new ActivityModel(client, ws));
    this.queue = this.own(new QueueModel(client, ws));
    this.studies = this.own(new StudiesModel({ client, ws, isBrief: true }));
    this.system = system ?? this.own(new SystemModel(client));
    this.listen(this.activity, () => this._onActivity());
  }

  start(): void {
    this.activity.start();
    this.studies.start();
  }

  retry(): void {
    this.activity.retry();
    this.system.retry();
  }

  private _onActivity(): void {
    const { active, recent } = this.activity.getSnapshot();
    const changed = [...active, ...recent.slice(0, 1)];
    // The progress of a run does not change the queue.
    const stamp = changed.map(row => `${row.status} ${row.name}`).join('\n');
    if (stamp !== this._stamp) {
      this._stamp = stamp;
      this.queue.scheduleRefresh();
    }
    this.studies.onTasksChanged({ changed });
  }

  private _stamp = '';
}
