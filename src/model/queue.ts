import type { ClientError } from '../client/errors';
import type { IClient, Queue } from '../client/types';
import { Model } from './model';
import { keepEqual } from './store';

/** Delay before the queue is loaded again, to gather changes. */
const GATHER_MS = 400;

/** Interval of loading the queue: no event reports new wait reasons. */
const POLL_MS = 4000;

export interface IQueueState {
  /** Null before it is loaded. */
  readonly queue: Queue | null;
  /** Why the last request failed; null after one succeeded. */
  readonly error: ClientError | null;
  /** The requested state until it is confirmed; else null. */
  readonly pausing: boolean | null;
  /** Whether tasks queued elsewhere are being queued here. */
  readonly requeueing: boolean;
}

type QueueClient = Pick<IClient, 'changeQueue' | 'getQueue'>;

/** The queue of a project, loaded while the model is watched. */
export class QueueModel extends Model<IQueueState> {
  constructor(
    private readonly _client: QueueClient,
    private readonly _ws: string
  ) {
    super({ queue: null, error: null, pausing: null, requeueing: false });
  }

  /**
   * Resolves with the queue when it is loaded.
   *
   * @throws ClientError if it cannot be loaded
   */
  async loaded(): Promise<Queue> {
    await this.until(({ queue, error }) => Boolean(queue ?? error));
    const { queue, error } = this.state;
    if (!queue) {
      throw error;
    }
    return queue;
  }

  /** Load the queue after a delay, because tasks changed. */
  scheduleRefresh(): void {
    this._schedule(GATHER_MS);
  }

  /**
   * Pause or resume the queue; shown at once.
   *
   * @throws ClientError if it is refused
   */
  async pause(paused: boolean): Promise<void> {
    this.update({ pausing: paused });
    await this._change(() =>
      this._client.changeQueue(this._ws, { paused })
    ).finally(() => this.update({ pausing: null }));
  }

  /**
   * Queue here the tasks that were queued elsewhere.
   *
   * @throws ClientError if it is refused
   */
  async requeueForeign(): Promise<void> {
    this.update({ requeueing: true });
    await this._change(() =>
      this._client.changeQueue(this._ws, { requeue: true })
    ).finally(() => this.update({ requeueing: false }));
  }

  protected override onWatched(): void {
    this._schedule(0);
  }

  protected override onUnwatched(): void {
    this.cancel('queue');
  }

  /** Change the queue; the answer replaces that of a pending request. */
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
