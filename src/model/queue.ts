import type { ClientError } from '../client/errors';
import type { IClient, Queue } from '../client/types';
import { Model } from './model';
import { keepEqual } from './store';

/** How long changes gather before the queue is read again. */
const GATHER_MS = 400;

/** Reasons to wait change without an event: how often they are read. */
const POLL_MS = 4000;

export interface IQueueState {
  /** What waits, null until it was heard. */
  readonly queue: Queue | null;
  /** Why the last request failed, null after one succeeded. */
  readonly error: ClientError | null;
  /** What was asked for and is not confirmed yet. */
  readonly pausing: boolean | null;
  /** Whether the tasks from elsewhere are being queued again. */
  readonly requeueing: boolean;
}

type QueueClient = Pick<IClient, 'getQueue' | 'pauseQueue' | 'requeueForeign'>;

/** What waits in a project, and for what; asked for only while somebody looks. */
export class QueueModel extends Model<IQueueState> {
  constructor(
    private readonly _client: QueueClient,
    private readonly _ws: string
  ) {
    super({ queue: null, error: null, pausing: null, requeueing: false });
  }

  /** Something was queued, started or ended. */
  scheduleRefresh(): void {
    this._schedule(GATHER_MS);
  }

  /**
   * Let nothing more start, or go on; it shows at once.
   *
   * @throws ClientError when it is refused
   */
  async pause(paused: boolean): Promise<void> {
    this.update({ pausing: paused });
    await this._change(() => this._client.pauseQueue(this._ws, paused)).finally(
      () => this.update({ pausing: null })
    );
  }

  /**
   * Queue again here the tasks that were queued elsewhere.
   *
   * @throws ClientError when it is refused
   */
  async requeueForeign(): Promise<void> {
    this.update({ requeueing: true });
    await this._change(() => this._client.requeueForeign(this._ws)).finally(
      () => this.update({ requeueing: false })
    );
  }

  protected override onWatched(): void {
    this._schedule(0);
  }

  protected override onUnwatched(): void {
    this.cancel('queue');
  }

  /** A change answers with the queue: what was asked for before is older. */
  private async _change(ask: () => Promise<Queue>): Promise<void> {
    try {
      const queue = await this.request('queue', ask);
      if (queue) {
        this.update({ queue, error: null });
      }
    } finally {
      this._schedule(GATHER_MS);
    }
  }

  private _schedule(delay: number): void {
    if (this.isWatched) {
      this.schedule('queue', delay, () => this._read());
    }
  }

  private async _read(): Promise<void> {
    await this.fetch(
      'queue',
      () => this._client.getQueue(this._ws),
      queue => {
        this.update({ queue: keepEqual(this.state.queue, queue), error: null });
        if (queue.batches.some(batch => !batch.foreign)) {
          this._schedule(POLL_MS);
        }
      },
      error => {
        this.update({ error });
        this._schedule(POLL_MS);
      }
    );
  }
}
