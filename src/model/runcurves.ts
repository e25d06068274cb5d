import { asClientError } from '../client/errors';
import type { Curve, IClient, TaskRow } from '../client/types';
import { Store } from './store';

/** Values of a curve. */
const POINTS = 600;

/** Pause between two requests for a run that goes on, in ms. */
const PAUSE = 2000;

export interface IRunCurvesState {
  readonly curves: readonly Curve[];
  readonly isLoading: boolean;
  readonly error: Error | null;
}

const NOTHING: IRunCurvesState = { curves: [], isLoading: false, error: null };

/** All curves of one run, renewed while it goes on and somebody looks. */
export class RunCurvesModel extends Store<IRunCurvesState> {
  constructor(client: Pick<IClient, 'listCurves'>, ws: string) {
    super(NOTHING);
    this._client = client;
    this._ws = ws;
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
  }

  /** Say which run's curves are to be seen; null for none. */
  show(task: string | null, run: number | null): void {
    if (task !== this._task || run !== this._run) {
      this._task = task;
      this._run = run;
      this._stamp = '';
      this.update({ ...NOTHING, isLoading: task !== null && run !== null });
      this._soon(0);
    }
  }

  /** How the task stands: what is new is asked for. */
  noteRow(row: TaskRow | undefined): void {
    if (row?.name === this._task && row.run === this._run) {
      const stamp = JSON.stringify([row.status, row.figures]);
      if (stamp !== this._stamp) {
        this._stamp = stamp;
        this._isOld = true;
        this._soon(PAUSE);
      }
    }
  }

  private _soon(delay: number): void {
    if (delay === 0) {
      clearTimeout(this._timer);
      this._timer = undefined;
      this._isOld = true;
    }
    if (this._timer === undefined && !this._isDisposed) {
      this._timer = setTimeout(() => {
        this._timer = undefined;
        void this._ask();
      }, delay);
    }
  }

  private async _ask(): Promise<void> {
    const { _task: task, _run: run } = this;
    if (task === null || run === null || !this._isOld || this._isAsking) {
      return;
    }
    this._isOld = false;
    this._isAsking = true;
    let change: Partial<IRunCurvesState>;
    try {
      const names = [task];
      const found = await this._client.listCurves(
        this._ws,
        names,
        [],
        POINTS,
        run
      );
      change = { curves: found.items, error: null };
    } catch (error) {
      change = { error: asClientError(error) };
    }
    this._isAsking = false;
    if (this._isDisposed) {
      return;
    }
    if (task === this._task && run === this._run) {
      this.update({ ...change, isLoading: false });
    }
    if (this._isOld) {
      this._soon(task === this._task ? PAUSE : 0);
    }
  }

  private readonly _client: Pick<IClient, 'listCurves'>;
  private readonly _ws: string;
  private _task: string | null = null;
  private _run: number | null = null;
  private _stamp = '';
  private _isOld = false;
  private _isAsking = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
}
