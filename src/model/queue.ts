import type { ClientError } from '../client/errors';
import { asClientError } from '../client/errors';
import type { IClient, Queue } from '../client/types';
import { Store } from './store';

/** How long changes gather before the queue is asked for again, in ms. */
const CALM = 400;

/** While something waits: what it waits for changes without an event, in ms. */
const WAITING = 4000;

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
export class QueueModel extends Store<IQueueState> {
  constructor(client: QueueClient, ws: string) {
    super({ queue: null, error: null, pausing: null, requeueing: false });
    this._client = client;
    this._ws = ws;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
  }

  /** Something was queued, started or ended. */
  soon(): void {
    this._schedule(CALM);
  }

  /**
   * Let nothing more start, or go on; it shows at once.
   *
   * @throws ClientError when it is refused
   */
  async pause(paused: boolean): Promise<void> {
    this.update({ pausing: paused });
    this._turn++;
    try {
      const queue = await this._client.pauseQueue(this._ws, paused);
      this._turn++; // an answer to what was asked meanwhile is older
      this.update({ queue, error: null, pausing: null });
    } catch (error) {
      this.update({ pausing: null });
      throw asClientError(error);
    } finally {
      this._schedule(CALM);
    }
  }

  /**
   * Queue again here the tasks that were queued elsewhere.
   *
   * @throws ClientError when it is refused
   */
  async requeueForeign(): Promise<void> {
    this.update({ requeueing: true });
    this._turn++;
    try {
      const queue = await this._client.requeueForeign(this._ws);
      this._turn++; // an answer to what was asked meanwhile is older
      this.update({ queue, error: null });
    } catch (error) {
      throw asClientError(error);
    } finally {
      this.update({ requeueing: false });
      this._schedule(CALM);
    }
  }

  protected override onWatched(): void {
    this._isWatched = true;
    this._schedule(0);
  }

  protected override onUnwatched(): void {
    this._isWatched = false;
    clearTimeout(this._timer);
    this._timer = undefined;
  }

  protected override update(change: Partial<IQueueState>): void {
    if (!this._isDisposed) {
      super.update(change);
    }
  }

  private _schedule(delay: number): void {
    if (this._isDisposed || !this._isWatched) {
      return;
    }
    const due = Date.now() + delay;
    if (this._timer !== undefined && this._due <= due) {
      return;
    }
    clearTimeout(this._timer);
    this._due = due;
    this._timer = setTimeout(() => {
      this._timer = undefined;
      void this._ask();
    }, delay);
  }

  private async _ask(): Promise<void> {
    const turn = ++this._turn;
    try {
      const queue = await this._client.getQueue(this._ws);
      if (turn === this._turn) {
        const isSame =
          JSON.stringify(queue) === JSON.stringify(this.state.queue);
        if (!isSame || this.state.error) {
          this.update({ queue, error: null });
        }
      }
      if (queue.batches.some(batch => !batch.foreign)) {
        this._schedule(WAITING);
      }
    } catch (error) {
      if (turn === this._turn) {
        this.update({ error: asClientError(error) });
        this._schedule(WAITING);
      }
    }
  }

  private readonly _client: QueueClient;
  private readonly _ws: string;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _due = 0;
  private _turn = 0;
  private _isWatched = false;
  private _isDisposed = false;
}
