import type { Curve, IClient, TaskRow } from '../client/types';
import { Model } from './model';

/** Values of a curve. */
const MAX_POINTS = 600;

/** Pause between two requests for a run that goes on. */
const GATHER_MS = 2000;

export interface IRunCurvesState {
  readonly curves: readonly Curve[];
  readonly isLoading: boolean;
  readonly error: Error | null;
}

const NOTHING: IRunCurvesState = { curves: [], isLoading: false, error: null };

/** All curves of one run, read while the model is watched. */
export class RunCurvesModel extends Model<IRunCurvesState> {
  constructor(
    private readonly _client: Pick<IClient, 'listCurves'>,
    private readonly _ws: string
  ) {
    super(NOTHING);
  }

  /** Say which run's curves are to be seen; null for none. */
  show(task: string | null, run: number | null): void {
    if (task !== this._task || run !== this._run) {
      this._task = task;
      this._run = run;
      this._stamp = '';
      this.cancel('curves');
      this.update({ ...NOTHING, isLoading: task !== null && run !== null });
      this._schedule(0);
    }
  }

  /** How the task stands: what is new is asked for. */
  setRow(row: TaskRow): void {
    if (row.name === this._task && row.run === this._run) {
      const stamp = JSON.stringify([row.status, row.figures]);
      if (stamp !== this._stamp) {
        this._stamp = stamp;
        this._schedule(GATHER_MS);
      }
    }
  }

  protected override onWatched(): void {
    this._schedule(0);
  }

  protected override onUnwatched(): void {
    this.cancel('curves');
  }

  private _schedule(delay: number): void {
    const { _task: task, _run: run } = this;
    if (this.isWatched && task !== null && run !== null) {
      this.schedule('curves', delay, () =>
        this.fetch(
          'curves',
          () => this._client.listCurves(this._ws, [task], [], MAX_POINTS, run),
          ({ items }) =>
            this.update({ curves: items, isLoading: false, error: null }),
          error => this.update({ error, isLoading: false })
        )
      );
    }
  }

  private _task: string | null = null;
  private _run: number | null = null;
  private _stamp = '';
}
