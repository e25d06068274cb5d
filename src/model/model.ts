import type { ClientError } from '../client/errors';
import { asClientError } from '../client/errors';
import type { IStore } from './store';
import { Store } from './store';

/** The shape of Lumino's `IDisposable`. */
export interface IDisposable {
  readonly isDisposed: boolean;
  dispose(): void;
}

/**
 * After this a request is not waited for any more: a computer that slept, or a
 * broken connection, may leave it without an answer for many minutes.
 */
const STALLED_MS = 30_000;

interface IRequest {
  abort: AbortController;
  /** In milliseconds since the epoch. */
  since: number;
}

interface ITimer {
  id: ReturnType<typeof setTimeout>;
  /** In milliseconds since the epoch; 0: it must not be brought forward. */
  due: number;
  run: () => unknown;
  /** Its time came while a request of its key was pending. */
  isDue: boolean;
}

/**
 * A state that is kept up to date by requests.
 *
 * Requests and timers have a key. Of the requests of a key only the newest one
 * counts; a timer never interrupts a request of its key but runs after it, so
 * that a slow server is not asked again and again. Dispose ends all of them.
 */
export abstract class Model<S extends object>
  extends Store<S>
  implements IDisposable
{
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    for (const key of [...this._timers.keys(), ...this._requests.keys()]) {
      this.cancel(key);
    }
    for (const resource of this._resources.splice(0).reverse()) {
      resource.dispose();
    }
  }

  protected override update(change: Partial<S>): void {
    if (!this._isDisposed) {
      super.update(change);
    }
  }

  /** Dispose a resource together with the model. */
  protected own<T extends { dispose(): void }>(resource: T): T {
    if (this._isDisposed) {
      resource.dispose();
    } else {
      this._resources.push(resource);
    }
    return resource;
  }

  /** Call `listener` after every change of another store, until disposal. */
  protected listen(store: IStore<unknown>, listener: () => void): void {
    this.own({ dispose: store.subscribe(listener) });
  }

  /**
   * Make a request in place of the pending one and the timer of its key.
   *
   * @returns the answer; null if it is of no interest any more, because another
   * request superseded this one or the model was disposed
   * @throws ClientError unless it is of no interest any more
   */
  protected async request<T>(
    key: string,
    ask: (signal: AbortSignal) => Promise<T>
  ): Promise<T | null> {
    this.cancel(key);
    if (this._isDisposed) {
      return null;
    }
    const abort = new AbortController();
    this._requests.set(key, { abort, since: Date.now() });
    try {
      const answer = await ask(abort.signal);
      return abort.signal.aborted ? null : answer;
    } catch (error) {
      if (abort.signal.aborted) {
        return null;
      }
      throw asClientError(error);
    } finally {
      if (this._requests.get(key)?.abort === abort) {
        this._requests.delete(key);
        const timer = this._timers.get(key);
        if (timer?.isDue) {
          // After what the caller does with the answer.
          this._setTimer(key, 0, timer.due, timer.run);
        }
      }
    }
  }

  /** Make a request that changes something: nothing supersedes it. */
  protected async send<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw asClientError(error);
    }
  }

  /** Make a request and take its answer or failure, unless it is superseded. */
  protected async fetch<T>(
    key: string,
    ask: (signal: AbortSignal) => Promise<T>,
    onAnswer: (answer: T) => void | Promise<void>,
    onError: (error: ClientError) => void
  ): Promise<void> {
    let answer: T | null;
    try {
      answer = await this.request(key, ask);
    } catch (error) {
      onError(error as ClientError);
      return;
    }
    if (answer !== null) {
      await onAnswer(answer);
    }
  }

  /** Run in `delay` ms, unless it is scheduled for earlier: changes gather. */
  protected schedule(key: string, delay: number, run: () => unknown): void {
    const known = this._timers.get(key);
    if (!known || known.due > Date.now() + delay) {
      this._setTimer(key, delay, Date.now() + delay, run);
    }
  }

  /** Run once this was not called for `delay` ms. */
  protected debounce(key: string, delay: number, run: () => unknown): void {
    this._setTimer(key, delay, Date.now() + delay, run);
  }

  /** Run in `delay` ms after a failure, whatever is scheduled meanwhile. */
  protected retryAfter(key: string, delay: number, run: () => unknown): void {
    this._setTimer(key, delay, 0, run);
  }

  /** Give up the pending request and the timer of a key. */
  protected cancel(key: string): void {
    clearTimeout(this._timers.get(key)?.id);
    this._timers.delete(key);
    this._requests.get(key)?.abort.abort();
    this._requests.delete(key);
  }

  protected isScheduled(key: string): boolean {
    return this._timers.has(key);
  }

  /** Return whether an answer is waited for. */
  protected isRequested(key: string): boolean {
    return this._patience(key) > 0;
  }

  /** For how long the pending request of a key is still waited for, in ms. */
  private _patience(key: string): number {
    const request = this._requests.get(key);
    return request ? request.since + STALLED_MS - Date.now() : 0;
  }

  private _setTimer(
    key: string,
    delay: number,
    due: number,
    run: () => unknown
  ): void {
    clearTimeout(this._timers.get(key)?.id);
    if (!this._isDisposed) {
      const id = setTimeout(() => this._fire(key), delay);
      this._timers.set(key, { id, due, run, isDue: false });
    }
  }

  private _fire(key: string): void {
    const timer = this._timers.get(key);
    if (timer && this.isRequested(key)) {
      timer.isDue = true;
      timer.id = setTimeout(() => this._fire(key), this._patience(key));
    } else if (timer) {
      this._timers.delete(key);
      timer.run();
    }
  }

  private _isDisposed = false;
  private readonly _timers = new Map<string, ITimer>();
  private readonly _requests = new Map<string, IRequest>();
  private readonly _resources: { dispose(): void }[] = [];
}
