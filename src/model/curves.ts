import type { IClient, TaskRow } from '../client/types';
import { partsOf } from './parts';
import { Store } from './store';

/** Values of a small curve. */
export const POINTS = 40;

/** How long changes gather before curves are asked for, in ms. */
const CALM = 150;

/** Pause before the curve of a running task is asked for again, in ms. */
const RUNNING = 4000;

/** Figures that are tried until one has a curve. */
const TRIES = 6;

export interface ICurve {
  readonly values: readonly (number | null)[];
  /** Where each value stands in the whole curve, from 0. */
  readonly places: readonly number[];
}

export interface ICurvesState {
  /** The figure that has curves; null until one is found. */
  readonly key: string | null;
  /** By task. */
  readonly curves: ReadonlyMap<string, ICurve>;
}

interface ISeen {
  stamp: string;
  /** When it was asked for, in milliseconds since the epoch. */
  asked: number;
}

/** Small curves of the tasks in sight, asked for when they come into sight. */
export class CurvesModel extends Store<ICurvesState> {
  constructor(client: Pick<IClient, 'listCurves'>, ws: string) {
    super({ key: null, curves: new Map() });
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

  /**
   * Say which tasks are in sight.
   *
   * @param rows - the tasks
   * @param keys - the figures whose curve may be shown, the best one first
   */
  need(rows: readonly TaskRow[], keys: readonly string[]): void {
    const [first] = keys;
    if (this.state.key !== null && !keys.includes(this.state.key)) {
      this.update({ key: null, curves: new Map() });
      this._seen.clear();
    }
    if (this._first !== first) {
      this._first = first;
      this._tried = 0;
    }
    this._rows = rows;
    this._keys = keys;
    this._schedule(CALM);
  }

  /** Show the curve of another figure. */
  choose(key: string): void {
    if (key !== this.state.key) {
      this._seen.clear();
      this.update({ key, curves: new Map() });
      this._schedule(0);
    }
  }

  private _schedule(delay: number): void {
    if (!this._isDisposed && this._timer === undefined && !this._isAsking) {
      this._timer = setTimeout(() => {
        this._timer = undefined;
        void this._ask();
      }, delay);
    }
  }

  private async _ask(): Promise<void> {
    const key = this.state.key ?? this._keys[this._tried];
    const wanted = key === undefined ? [] : this._wanted(key);
    if (key === undefined || wanted.length === 0) {
      return;
    }
    const now = Date.now();
    this._isAsking = true;
    try {
      const found = await this._client.listCurves(
        this._ws,
        wanted.map(row => row.name),
        [key],
        POINTS
      );
      if (this._isDisposed) {
        return;
      }
      if (this.state.key === null && found.items.length === 0) {
        this._tried = Math.min(this._tried + 1, TRIES);
        if (this._tried < Math.min(TRIES, this._keys.length)) {
          this._isAsking = false;
          this._schedule(0);
        }
        return;
      }
      wanted.forEach(row =>
        this._seen.set(row.name, { stamp: stampOf(row, key), asked: now })
      );
      const curves = new Map(this.state.curves);
      for (const item of found.items) {
        curves.set(item.name, {
          values: item.values,
          places: item.places
        });
      }
      if (this.state.key === null || this.state.key === key) {
        this.update({ key, curves });
      }
    } catch {
      // A picture beside a figure: the table itself tells what is wrong, and
      // asks again when something has changed.
      this._isAsking = false;
      return;
    } finally {
      this._isAsking = false;
    }
    if (this._wanted(this.state.key ?? '').length > 0) {
      this._schedule(CALM);
    }
  }

  /** Tasks in sight whose curve is not known as it is now, as many as fit. */
  private _wanted(key: string): TaskRow[] {
    const wanted = this._rows.filter(row => !this._isFresh(row, key));
    const [part = []] = partsOf(wanted.map(row => row.name));
    return wanted.slice(0, part.length);
  }

  /** Whether the curve of a task is known, or there is none. */
  private _isFresh(row: TaskRow, key: string): boolean {
    if (row.figures[key] === undefined || !row.readable) {
      return true;
    }
    const seen = this._seen.get(row.name);
    return (
      seen !== undefined &&
      (seen.stamp === stampOf(row, key) ||
        (row.status === 'running' && Date.now() - seen.asked <= RUNNING))
    );
  }

  private readonly _client: Pick<IClient, 'listCurves'>;
  private readonly _ws: string;
  private readonly _seen = new Map<string, ISeen>();
  private _rows: readonly TaskRow[] = [];
  private _keys: readonly string[] = [];
  private _first: string | undefined;
  private _tried = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isAsking = false;
  private _isDisposed = false;
}

/** Changes whenever the curve does. */
function stampOf(row: TaskRow, key: string): string {
  return `${row.run} ${row.status} ${String(row.figures[key])}`;
}
