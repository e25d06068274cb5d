import { asClientError } from '../client/errors';
import type { Curve, IClient, TaskRow } from '../client/types';
import { Store } from './store';

/** Tasks that one request asks for, and how long their names may be together:
 * proxies take no longer addresses. */
const AT_ONCE = 60;
const LONGEST = 4000;

/** Requests under way at a time. */
const REQUESTS = 2;

/** Pause before the curves of running tasks are asked for again, in ms. */
const PAUSE = 4000;

/** Points of a curve, for few and for many tasks: what a page has pixels for. */
const POINTS = 1000;
const POINTS_OF_MANY = 400;
const MANY = 40;

export interface ICurveSetState {
  /** By key, then by task. */
  readonly curves: ReadonlyMap<string, ReadonlyMap<string, Curve>>;
  /** Requests that are not answered yet. */
  readonly waiting: number;
  readonly error: Error | null;
}

/** The same curves of several tasks, asked for in parts. */
export class CurveSetModel extends Store<ICurveSetState> {
  constructor(client: Pick<IClient, 'listCurves'>, ws: string) {
    super({ curves: new Map(), waiting: 0, error: null });
    this._client = client;
    this._ws = ws;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._queue = [];
    clearTimeout(this._timer);
  }

  /** Say of which tasks which curves are to be seen. */
  need(rows: readonly TaskRow[], keys: readonly string[]): void {
    this._rows = rows;
    this._keys = keys;
    this._plan();
  }

  private _plan(): void {
    if (this._isDisposed) {
      return;
    }
    const points = this._rows.length > MANY ? POINTS_OF_MANY : POINTS;
    const now = Date.now();
    let isLater = false;
    for (const key of this._keys) {
      let part: string[] = [];
      let length = 0;
      const flush = () => {
        if (part.length > 0) {
          this._queue.push({ key, names: part, points });
        }
        [part, length] = [[], 0];
      };
      for (const row of this._rows) {
        const mark = `${key}\n${row.name}`;
        const stamp = `${points} ${row.run} ${row.status} ${String(row.figures[key])}`;
        const seen = this._seen.get(mark);
        if (!row.readable || row.run === 0 || seen?.stamp === stamp) {
          continue;
        }
        if (seen && row.status === 'running' && now - seen.asked < PAUSE) {
          isLater = true;
          continue;
        }
        this._seen.set(mark, { stamp, asked: now });
        length += encodeURIComponent(row.name).length;
        if (part.length === AT_ONCE || (part.length > 0 && length > LONGEST)) {
          flush();
        }
        part.push(row.name);
      }
      flush();
    }
    if (isLater && this._timer === undefined) {
      this._timer = setTimeout(() => {
        this._timer = undefined;
        this._plan();
      }, PAUSE);
    }
    this._pump();
  }

  private _pump(): void {
    while (this._active < REQUESTS && !this._isDisposed) {
      const next = this._queue.shift();
      if (!next) {
        break;
      }
      this._active++;
      void this._ask(next).finally(() => {
        this._active--;
        this._pump();
      });
    }
    const waiting = this._active + this._queue.length;
    if (waiting !== this.state.waiting && !this._isDisposed) {
      this.update({ waiting });
    }
  }

  private async _ask({ key, names, points }: IPart): Promise<void> {
    try {
      const found = await this._client.listCurves(
        this._ws,
        names,
        [key],
        points
      );
      if (this._isDisposed) {
        return;
      }
      const curves = new Map(this.state.curves);
      const ofKey = new Map(curves.get(key));
      names.forEach(name => ofKey.delete(name));
      found.items.forEach(item => ofKey.set(item.name, item));
      curves.set(key, ofKey);
      this.update({ curves, error: null });
    } catch (error) {
      if (!this._isDisposed) {
        // They are asked for again when something changes.
        names.forEach(name => this._seen.delete(`${key}\n${name}`));
        this.update({ error: asClientError(error) });
      }
    }
  }

  private readonly _client: Pick<IClient, 'listCurves'>;
  private readonly _ws: string;
  private readonly _seen = new Map<string, { stamp: string; asked: number }>();
  private _rows: readonly TaskRow[] = [];
  private _keys: readonly string[] = [];
  private _queue: IPart[] = [];
  private _active = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
}

interface IPart {
  key: string;
  names: string[];
  points: number;
}
