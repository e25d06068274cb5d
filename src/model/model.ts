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
 * A request without an answer does not block timers any longer than this: after
 * sleep, or on a broken connection, it may take many minutes.
 */
const TIMEOUT_MS = 30_000;

interface IRequest {
  abort: AbortController;
  /** In milliseconds since the epoch. */
  since: number;
}

interface ITimer {
  id: ReturnType<typeof setTimeout>;
  /** In milliseconds since the epoch; 0 if `schedule` must not shorten it. */
  due: number;
  run: () => unknown;
  /** Whether it is due, but waits for a request of its key. */
  isDue: boolean;
}

/**
 * A state that is kept up to date by requests.
 *
 * Requests and timers have a key. A new request aborts the pending one of its
 * key. A timer that is due during a request of its key runs after it, so that a
 * slow server is not flooded. Disposal cancels all of them.
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
   * Make a request; it replaces the pending request and the timer of its key.
   *
   * @returns the answer; null if the request was replaced or cancelled
   * @throws ClientError unless the request was replaced or cancelled
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
          // Later, so that the caller handles the answer first.
          this._setTimer(key, 0, timer.due, timer.run);
        }
      }
    }
  }

  /** Make a request that changes something, and is never aborted. */
  protected async send<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw asClientError(error);
    }
  }

  /** Make a request and handle its answer or error, unless it is replaced. */
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

  /** Run in `delay` ms, unless the timer of the key is due earlier. */
  protected schedule(key: string, delay: number, run: () => unknown): void {
    const known = this._timers.get(key);
    if (!known || known.due > Date.now() + delay) {
      this._setTimer(key, delay, Date.now() + delay, run);
    }
  }

  /** Run when this was not called again for `delay` ms. */
  protected debounce(key: string, delay: number, run: () => unknown): void {
    this._setTimer(key, delay, Date.now() + delay, run);
  }

  /** Run in `delay` ms after a failure; `schedule` does not shorten that. */
  protected retryAfter(key: string, delay: number, run: () => unknown): void {
    this._setTimer(key, delay, 0, run);
  }

  /** Cancel the pending request and the timer of a key. */
  protected cancel(key: string): void {
    clearTimeout(this._timers.get(key)?.id);
    this._timers.delete(key);
    this._requests.get(key)?.abort.abort();
    this._requests.delete(key);
  }

  protected isScheduled(key: string): boolean {
    return this._timers.has(key);
  }

  /** Return whether a request of a key is pending, and not too old. */
  protected isRequested(key: string): boolean {
    return this._timeout(key) > 0;
  }

  /** Remaining time of the pending request of a key, in ms. */
  private _timeout(key: string): number {
    const request = this._requests.get(key);
    return request ? request.since + TIMEOUT_MS - Date.now() : 0;
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
      timer.id = setTimeout(() => this._fire(key), this._timeout(key));
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
