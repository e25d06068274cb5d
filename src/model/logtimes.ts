import type { IClient } from '../client/types';
import { Store } from './store';

/** Pause between two requests for a log that grows, in ms. */
const PAUSE = 1500;

/** Marks that are enough for what is shown. */
const MOST = 5000;

export interface ILogTimesState {
  /** Byte and epoch seconds: all before the byte was written by then. */
  readonly marks: readonly (readonly [number, number])[];
  /** Whether it is known that there are none. */
  readonly isMissing: boolean;
}

const NONE: ILogTimesState = { marks: [], isMissing: false };

/** When the lines of one run's log were written, where somebody looks. */
export class LogTimesModel extends Store<ILogTimesState> {
  constructor(client: Pick<IClient, 'listLogTimes'>, ws: string) {
    super(NONE);
    this._client = client;
    this._ws = ws;
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
  }

  /** Say which part of which log is shown. */
  need(task: string, run: number, start: number, end: number): void {
    const key = `${run} ${task}`;
    if (key !== this._key) {
      this._key = key;
      this._task = task;
      this._run = run;
      this._known = null;
      this.update(NONE);
    }
    this._start = start;
    this._end = end;
    this._look();
  }

  /** Epoch seconds by which a byte was written; null when that is not known. */
  timeOf(offset: number): number | null {
    const { marks } = this.state;
    let low = 0;
    let high = marks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (marks[middle][0] > offset) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low < marks.length ? marks[low][1] : null;
  }

  private _look(): void {
    const known = this._known;
    if (
      this._isDisposed ||
      this._isAsking ||
      this._timer !== undefined ||
      this._end <= this._start ||
      (known && known.start <= this._start && known.end >= this._end)
    ) {
      return;
    }
    // Another part at once; more of the same when some has gathered.
    const isNear = known && known.start <= this._start;
    const delay = isNear ? PAUSE : 0;
    this._timer = setTimeout(() => {
      this._timer = undefined;
      void this._ask();
    }, delay);
  }

  private async _ask(): Promise<void> {
    const key = this._key;
    const [start, end] = [this._start, this._end];
    this._isAsking = true;
    try {
      const { marks } = await this._client.listLogTimes(this._ws, this._task, {
        run: this._run,
        offset: start,
        end,
        limit: MOST
      });
      if (key === this._key && !this._isDisposed) {
        this._known = { start, end };
        this.update({ marks, isMissing: marks.length === 0 });
      }
    } catch {
      // Marks beside lines: the log itself tells what is wrong.
      if (key === this._key) {
        this._known = { start, end };
      }
    } finally {
      this._isAsking = false;
      this._look();
    }
  }

  private readonly _client: Pick<IClient, 'listLogTimes'>;
  private readonly _ws: string;
  private _key = '';
  private _task = '';
  private _run = 0;
  private _start = 0;
  private _end = 0;
  private _known: { start: number; end: number } | null = null;
  private _isAsking = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
}
