import type { IClient } from '../client/types';
import { lowerBound } from './lowerbound';
import { Model } from './model';

/** Delay between requests for a log that grows. */
const GATHER_MS = 1500;

/** How many time marks are loaded. */
const MAX_MARKS = 5000;

export interface ILogTimesState {
  /** Offset and epoch seconds: bytes before the offset were written by then. */
  readonly marks: readonly (readonly [number, number])[];
}

const NONE: ILogTimesState = { marks: [] };

/** The times at which the visible lines of a log were written. */
export class LogTimesModel extends Model<ILogTimesState> {
  constructor(
    private readonly _client: Pick<IClient, 'listLogTimes'>,
    private readonly _ws: string
  ) {
    super(NONE);
  }

  /** Set which part of which log is visible. */
  setVisibleRange(task: string, run: number, start: number, end: number): void {
    const key = `${run} ${task}`;
    if (key !== this._key) {
      this._key = key;
      this._task = task;
      this._run = run;
      this._known = null;
      this.cancel('times');
      this.update(NONE);
    }
    this._start = start;
    this._end = end;
    this._scheduleRead();
  }

  /** Return the epoch seconds by which a byte was written; null if unknown. */
  timeOf(offset: number): number | null {
    const { marks } = this.state;
    const next = lowerBound(marks.length, at => marks[at][0] <= offset);
    return marks[next]?.[1] ?? null;
  }

  private _scheduleRead(): void {
    const known = this._known;
    if (
      this._end > this._start &&
      !(known && known.start <= this._start && known.end >= this._end)
    ) {
      // Another part is loaded at once, a longer one after a delay.
      const isNear = known && known.start <= this._start;
      this.schedule('times', isNear ? GATHER_MS : 0, () => this._read());
    }
  }

  private async _read(): Promise<void> {
    const range = { start: this._start, end: this._end };
    const take = (change: Partial<ILogTimesState>) => {
      this._known = range;
      this.update(change);
      this._scheduleRead();
    };
    await this.fetch(
      'times',
      () =>
        this._client.listLogTimes(this._ws, this._task, {
          run: this._run,
          offset: range.start,
          end: range.end,
          limit: MAX_MARKS
        }),
      ({ marks }) => take({ marks }),
      // The log reports the same error.
      () => take({})
    );
  }

  private _key = '';
  private _task = '';
  private _run = 0;
  private _start = 0;
  private _end = 0;
  private _known: { start: number; end: number } | null = null;
}
