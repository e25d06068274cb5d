/** An immutable state, as React's `useSyncExternalStore` needs it. */
export interface IStore<S> {
  readonly getSnapshot: () => S;
  /** Call `listener` after every change; returns a function that ends that. */
  readonly subscribe: (listener: () => void) => () => void;
}

export class Store<S extends object> implements IStore<S> {
  constructor(initial: S) {
    this._state = initial;
  }

  readonly getSnapshot = (): S => this._state;

  readonly subscribe = (listener: () => void): (() => void) => {
    // Wrapped, so that one listener may subscribe twice.
    const entry = () => listener();
    this._listeners.add(entry);
    if (this._listeners.size === 1) {
      this.onWatched();
    }
    return () => {
      if (this._listeners.delete(entry) && this._listeners.size === 0) {
        this.onUnwatched();
      }
    };
  };

  /** Replace parts of the state; listeners are called if that changes it. */
  protected update(change: Partial<S>): void {
    const keys = Object.keys(change) as (keyof S)[];
    if (keys.every(key => Object.is(change[key], this._state[key]))) {
      return;
    }
    this._state = { ...this._state, ...change };
    for (const listener of [...this._listeners]) {
      listener();
    }
  }

  /** Resolves when the state meets a condition. */
  protected async until(isMet: (state: S) => boolean): Promise<void> {
    while (!isMet(this._state)) {
      await new Promise<void>(resolve => {
        const leave = this.subscribe(() => {
          leave();
          resolve();
        });
      });
    }
  }

  protected get state(): S {
    return this._state;
  }

  protected get isWatched(): boolean {
    return this._listeners.size > 0;
  }

  /** Called for the first listener. */
  protected onWatched(): void {
    // For subclasses that work only while they are watched.
  }

  /** Called when the last listener has gone. */
  protected onUnwatched(): void {
    // For subclasses that work only while they are watched.
  }

  private _state: S;
  private _listeners = new Set<() => void>();
}

/** Return the old value if the new one is equal, so that nothing renders. */
export function keepEqual<T>(old: T, fresh: T): T {
  return JSON.stringify(old) === JSON.stringify(fresh) ? old : fresh;
}

/** How names are selected: instead of, or with, those selected before. */
export type SelectMode = 'replace' | 'add' | 'remove';

/** Return a set with items added, removed or replaced; the same if it is equal. */
export function changedSet<T>(
  old: ReadonlySet<T>,
  items: Iterable<T>,
  mode: SelectMode
): ReadonlySet<T> {
  const changed = new Set(mode === 'replace' ? [] : old);
  for (const item of items) {
    if (mode === 'remove') {
      changed.delete(item);
    } else {
      changed.add(item);
    }
  }
  return changed.size === old.size && [...changed].every(item => old.has(item))
    ? old
    : changed;
}

/** Return a function that keeps its last result while its arguments are the same. */
export function memoizeLast<A extends unknown[], R>(
  compute: (...args: A) => R
): (...args: A) => R {
  let last: { args: A; result: R } | null = null;
  return (...args) => {
    if (!last || args.some((arg, at) => arg !== last?.args[at])) {
      last = { args, result: compute(...args) };
    }
    return last.result;
  };
}
