import type { Curve, IClient, TaskRow } from '../client/types';
import { ComparedCurvesModel } from './comparedcurves';
import { Model } from './model';

/** Points of a sparkline. */
const MAX_POINTS = 40;

/** Delay before curves are loaded, to gather changes. */
const GATHER_MS = 150;

/** How many metrics are tried until one has a curve. */
const MAX_TRIES = 6;

export type ISparkline = Pick<Curve, 'places' | 'values'>;

export interface ISparklineState {
  /** The metric that has curves; null until one is found. */
  readonly key: string | null;
  /** By task. */
  readonly curves: ReadonlyMap<string, ISparkline>;
}

const NOTHING: ISparklineState = { key: null, curves: new Map() };

/** Sparklines of the visible tasks, for the first metric that has curves. */
export class SparklineModel extends Model<ISparklineState> {
  constructor(client: Pick<IClient, 'listCurves'>, ws: string) {
    super(NOTHING);
    this._set = this.own(new ComparedCurvesModel(client, ws, MAX_POINTS));
    this.listen(this._set, () => this._take());
  }

  /**
   * Set which tasks are visible.
   *
   * @param rows - the tasks
   * @param keys - the metrics whose curve may be shown, the best one first
   */
  setVisibleTasks(rows: readonly TaskRow[], keys: readonly string[]): void {
    if (this.state.key !== null && !keys.includes(this.state.key)) {
      this.update(NOTHING);
    }
    if (this._keys[0] !== keys[0]) {
      this._tried = 0;
    }
    this._rows = rows;
    this._keys = keys;
    this.schedule('need', GATHER_MS, () => this._read());
  }

  /** Show the curve of another metric. */
  choose(key: string): void {
    if (key !== this.state.key) {
      this.update({ ...NOTHING, key });
      this._read();
    }
  }

  private get _key(): string | undefined {
    return this.state.key ?? this._keys[this._tried];
  }

  private _read(): void {
    const key = this._key;
    if (key !== undefined) {
      const rows = this._rows.filter(row => row.figures[key] !== undefined);
      this._set.setVisibleTasks(rows, [key]);
      this._take();
    }
  }

  private _take(): void {
    const key = this._key ?? '';
    const { curves, waiting } = this._set.getSnapshot();
    const found = curves.get(key);
    if (found && (found.size > 0 || this.state.key !== null)) {
      this.update({ key, curves: found });
    } else if (found && waiting === 0 && this._tried < MAX_TRIES - 1) {
      this._tried++;
      this._read();
    }
  }

  private readonly _set: ComparedCurvesModel;
  private _rows: readonly TaskRow[] = [];
  private _keys: readonly string[] = [];
  private _tried = 0;
}
