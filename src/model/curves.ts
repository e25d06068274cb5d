import type { IClient, TaskRow } from '../client/types';
import { Model } from './model';
import { partsOf } from './parts';

/** Values of a small curve. */
export const POINTS = 40;

/** How long changes gather before curves are asked for. */
const GATHER_MS = 150;

/** Pause before the curve of a running task is asked for again. */
const RUNNING_MS = 4000;

/** Figures that are tried until one has a curve. */
const MAX_TRIES = 6;

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
export class CurvesModel extends Model<ICurvesState> {
  constructor(
    private readonly _client: Pick<IClient, 'listCurves'>,
    private readonly _ws: string
  ) {
    super({ key: null, curves: new Map() });
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
    this._schedule(GATHER_MS);
  }

  /** Show the curve of another figure. */
  choose(key: string): void {
    if (key !== this.state.key) {
      this._seen.clear();
      this.update({ key, curves: new Map() });
      void this._read();
    }
  }

  private _schedule(delay: number): void {
    this.schedule('curves', delay, () => this._read());
  }

  private async _read(): Promise<void> {
    const key = this.state.key ?? this._keys[this._tried];
    const wanted = key === undefined ? [] : this._wanted(key);
    if (key === undefined || wanted.length === 0) {
      return;
    }
    const asked = Date.now();
    const names = wanted.map(row => row.name);
    await this.fetch(
      'curves',
      () => this._client.listCurves(this._ws, names, [key], POINTS),
      ({ items }) => {
        if (this.state.key === null && items.length === 0) {
          this._tried = Math.min(this._tried + 1, MAX_TRIES);
          if (this._tried < Math.min(MAX_TRIES, this._keys.length)) {
            this._schedule(0);
          }
          return;
        }
        wanted.forEach(row =>
          this._seen.set(row.name, { stamp: stampOf(row, key), asked })
        );
        const curves = new Map(this.state.curves);
        for (const { name, values, places } of items) {
          curves.set(name, { values, places });
        }
        this.update({ key, curves });
        if (this._wanted(key).length > 0) {
          this._schedule(GATHER_MS);
        }
      },
      // The table reports what is wrong, and asks again when tasks change.
      () => undefined
    );
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
        (row.status === 'running' && Date.now() - seen.asked <= RUNNING_MS))
    );
  }

  private readonly _seen = new Map<string, ISeen>();
  private _rows: readonly TaskRow[] = [];
  private _keys: readonly string[] = [];
  private _first: string | undefined;
  private _tried = 0;
}

/** Changes whenever the curve does. */
function stampOf(row: TaskRow, key: string): string {
  return `${row.run} ${row.status} ${String(row.figures[key])}`;
}
