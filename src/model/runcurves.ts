import type { Curve, IClient, TaskRow } from '../client/types';
import { Model } from './model';

/** Points of a curve. */
const MAX_POINTS = 600;

/** Delay between requests for a run that is still running. */
const GATHER_MS = 2000;

/** The same for system metrics, no event reports their changes. */
const SYSTEM_MS = 10_000;

export interface IRunCurvesState {
  readonly curves: readonly Curve[];
  /** About metric files that were not read, or not completely. */
  readonly messages: readonly string[];
  readonly isLoading: boolean;
  readonly error: Error | null;
}

const NOTHING: IRunCurvesState = {
  curves: [],
  messages: [],
  isLoading: false,
  error: null
};

/** All curves of one run, loaded while the model is watched. */
export class RunCurvesModel extends Model<IRunCurvesState> {
  constructor(
    private readonly _client: Pick<IClient, 'listCurves'>,
    private readonly _ws: string
  ) {
    super(NOTHING);
  }

  /** Show the curves of a run; null for none. */
  show(task: string | null, run: number | null): void {
    if (task !== this._task || run !== this._run) {
      this._task = task;
      this._run = run;
      this._stamp = '';
      this._isRunning = false;
      this.cancel('curves');
      this.update({ ...NOTHING, isLoading: task !== null && run !== null });
      this._schedule(0);
    }
  }

  /** Note a change of the task: load new points. */
  setRow(row: TaskRow): void {
    if (row.name === this._task && row.run === this._run) {
      this._isRunning = row.status === 'running';
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
          () =>
            this._client.listCurves(this._ws, {
              name: [task],
              points: MAX_POINTS,
              run
            }),
          ({ items, messages = [] }) => {
            this.update({
              curves: items,
              messages,
              isLoading: false,
              error: null
            });
            if (this._isRunning) {
              this._schedule(SYSTEM_MS);
            }
          },
          error => this.update({ error, isLoading: false })
        )
      );
    }
  }

  private _task: string | null = null;
  private _run: number | null = null;
  private _stamp = '';
  private _isRunning = false;
}
