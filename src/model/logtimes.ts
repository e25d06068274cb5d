import type { IClient } from '../client/types';
import { lowerBound } from './lowerbound';
import { Model } from './model';

/** Pause between two requests for a log that grows. */
const GATHER_MS = 1500;

/** Marks that are enough for what is shown. */
const MAX_MARKS = 5000;

export interface ILogTimesState {
  /** Byte and epoch seconds: all before the byte was written by then. */
  readonly marks: readonly (readonly [number, number])[];
  /** Whether it is known that there are none. */
  readonly isMissing: boolean;
}

const NONE: ILogTimesState = { marks: [], isMissing: false };

/** When the lines of one run's log were written, where somebody looks. */
export class LogTimesModel extends Model<ILogTimesState> {
  constructor(
    private readonly _client: Pick<IClient, 'listLogTimes'>,
    private readonly _ws: string
  ) {
    super(NONE);
  }

  /** Say which part of which log is shown. */
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
    this._look();
  }

  /** Epoch seconds by which a byte was written; null when that is not known. */
  timeOf(offset: number): number | null {
    const { marks } = this.state;
    const next = lowerBound(marks.length, at => marks[at][0] <= offset);
    return marks[next]?.[1] ?? null;
  }

  private _look(): void {
    const known = this._known;
    if (
      this._end > this._start &&
      !(known && known.start <= this._start && known.end >= this._end)
    ) {
      // Another part at once; more of the same when some has gathered.
      const isNear = known && known.start <= this._start;
      this.schedule('times', isNear ? GATHER_MS : 0, () => this._read());
    }
  }

  private async _read(): Promise<void> {
    const part = { start: this._start, end: this._end };
    const take = (change: Partial<ILogTimesState>) => {
      this._known = part;
      this.update(change);
      this._look();
    };
    await this.fetch(
      'times',
      () =>
        this._client.listLogTimes(this._ws, this._task, {
          run: this._run,
          offset: part.start,
          end: part.end,
          limit: MAX_MARKS
        }),
      ({ marks }) => take({ marks, isMissing: marks.length === 0 }),
      // The log itself reports what is wrong.
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
