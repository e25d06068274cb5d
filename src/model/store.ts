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

  /** Replace parts of the state and tell the listeners. */
  protected update(change: Partial<S>): void {
    this._state = { ...this._state, ...change };
    for (const listener of [...this._listeners]) {
      listener();
    }
  }

  protected get state(): S {
    return this._state;
  }

  /** The first listener came. */
  protected onWatched(): void {
    // For subclasses that work only while somebody looks.
  }

  /** The last listener went. */
  protected onUnwatched(): void {
    // For subclasses that work only while somebody looks.
  }

  private _state: S;
  private _listeners = new Set<() => void>();
}
