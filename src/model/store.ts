/**
 * An immutable state that can be watched, fit for React's
 * `useSyncExternalStore(store.subscribe, store.getSnapshot)` without React.
 */
export interface IStore<S> {
  readonly getSnapshot: () => S;
  /** Call `listener` after every change; returns how to stop that. */
  readonly subscribe: (listener: () => void) => () => void;
}

export class Store<S extends object> implements IStore<S> {
  constructor(initial: S) {
    this._state = initial;
  }

  readonly getSnapshot = (): S => this._state;

  readonly subscribe = (listener: () => void): (() => void) => {
    // A fresh function, so that one listener may subscribe twice.
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

  /** Replace parts of the state; the listeners are called if that changes it. */
  protected update(change: Partial<S>): void {
    if (isPartOf(change, this._state)) {
      return;
    }
    this._state = { ...this._state, ...change };
    for (const listener of [...this._listeners]) {
      listener();
    }
  }

  /** Resolves once the state meets a condition. */
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

  /** The first listener came. */
  protected onWatched(): void {
    // For subclasses that work only while they are watched.
  }

  /** The last listener went. */
  protected onUnwatched(): void {
    // For subclasses that work only while they are watched.
  }

  private _state: S;
  private _listeners = new Set<() => void>();
}

/** Return whether all fields of a change have the same values in a state. */
function isPartOf<S extends object>(change: Partial<S>, state: S): boolean {
  return (Object.keys(change) as (keyof S)[]).every(key =>
    Object.is(change[key], state[key])
  );
}

/** The old value where the new one says the same, so that nothing renders. */
export function keepEqual<T>(old: T, fresh: T): T {
  return JSON.stringify(old) === JSON.stringify(fresh) ? old : fresh;
}

/** A function that remembers its last result, for as long as it gets the same. */
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
