import * as React from 'react';

import type { ILiveState } from '../../model/livemodel';
import type { IStore } from '../../model/store';

/** The state of a store, rendered again when it changes. */
export function useStore<S>(store: IStore<S>): S;
/**
 * What `select` takes of the state, rendered again when that changes.
 *
 * @param isEqual - whether the old selection is kept; by default if it is the
 * same, or an object with the same fields
 */
export function useStore<S, T>(
  store: IStore<S>,
  select: (state: S) => T,
  isEqual?: (old: T, fresh: T) => boolean
): T;
export function useStore<S, T>(
  store: IStore<S>,
  select?: (state: S) => T,
  isEqual: (old: T, fresh: T) => boolean = isShallowEqual
): S | T {
  const last = React.useRef<{ value: T } | null>(null);
  return React.useSyncExternalStore<S | T>(store.subscribe, () => {
    const state = store.getSnapshot();
    if (!select) {
      return state;
    }
    const value = select(state);
    if (!last.current || !isEqual(last.current.value, value)) {
      last.current = { value };
    }
    return last.current.value;
  });
}

/** Whether two values are the same, or objects with the same fields. */
export function isShallowEqual<T>(old: T, fresh: T): boolean {
  if (!(old instanceof Object && fresh instanceof Object)) {
    return Object.is(old, fresh);
  }
  const keys = Object.keys(old) as (keyof T)[];
  return (
    keys.length === Object.keys(fresh).length &&
    keys.every(key => Object.is(old[key], fresh[key]))
  );
}

/**
 * The state of a store while it is looked at; else as it was last, and nobody
 * is told of changes.
 */
export function useStoreWhile<S>(store: IStore<S>, isLooked: boolean): S {
  const last = React.useRef(store.getSnapshot());
  return React.useSyncExternalStore(isLooked ? store.subscribe : NEVER, () => {
    if (isLooked) {
      last.current = store.getSnapshot();
    }
    return last.current;
  });
}

const NEVER = () => () => undefined;

/** Whether the page is visible; true outside of a page. */
export const InFrontContext = React.createContext(true);

/**
 * The time in milliseconds since the epoch, renewed while something moves and
 * the page is in front.
 *
 * @param active - whether anything shown depends on it
 * @param interval - milliseconds between two updates
 */
export function useNow(active: boolean, interval = 1000): number {
  const [now, setNow] = React.useState(() => Date.now());
  const isTicking = React.useContext(InFrontContext) && active;
  React.useEffect(() => {
    if (!isTicking) {
      return;
    }
    let timer: ReturnType<typeof setTimeout>;
    const tick = () => {
      const time = Date.now();
      setNow(time);
      // At whole seconds, so that all clocks show the same time.
      timer = setTimeout(tick, interval - (time % interval));
    };
    tick();
    return () => clearTimeout(timer);
  }, [isTicking, interval]);
  return now;
}

/**
 * The time up to which is known how things stand: while the server does not
 * answer, clocks stand still.
 */
export function useKnownTime(
  source: ILiveState,
  active: boolean,
  interval = 1000
): number {
  const isLost = source.connection === 'lost';
  const now = useNow(active && !isLost, interval);
  return isLost ? Math.max(now, source.lastUpdatedAt ?? 0) : now;
}

/** A model that lives as long as the view; created again when `keys` change. */
export function useOwned<T extends { dispose(): void }>(
  make: () => T,
  keys: React.DependencyList
): T {
  // eslint-disable-next-line react-hooks/exhaustive-deps -- checked at each call
  const model = React.useMemo(make, keys);
  React.useEffect(() => () => model.dispose(), [model]);
  return model;
}

/** The width and height of an element, 0 before it is laid out. */
export function useSize<T extends HTMLElement>(): [
  React.RefObject<T>,
  { width: number; height: number }
] {
  const ref = React.useRef<T>(null);
  const [size, setSize] = React.useState({ width: 0, height: 0 });
  React.useEffect(() => {
    const element = ref.current;
    if (!element || typeof ResizeObserver === 'undefined') {
      return;
    }
    const observer = new ResizeObserver(entries => {
      const box = entries[entries.length - 1].contentRect;
      setSize({ width: box.width, height: box.height });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, size];
}
