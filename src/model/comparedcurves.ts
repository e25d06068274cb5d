import type { Curve, IClient, TaskRow } from '../client/types';
import { Model } from './model';
import { keepEqual } from './store';
import {
  isSystemMetric,
  sortedSystemMetrics,
  SYSTEM_PREFIX
} from './systemmetrics';

/** How many requests are pending at the same time. */
const MAX_REQUESTS = 2;

/** How many tasks a request names. */
const MAX_NAMES = 60;

/** Length of the encoded names of a request: proxies limit that of an address. */
const MAX_NAMES_LENGTH = 4000;

/** Delay before the curves of running tasks are loaded again. */
const RUNNING_MS = 4000;

/** Delay before the system metrics of running tasks are loaded again. */
const SYSTEM_MS = 10_000;

/** Delay before later answers are shown, to gather them. */
const SHOW_MS = 1000;

/** Points of a curve, with few and with many tasks. */
const MAX_POINTS = 1000;
const MAX_POINTS_OF_MANY = 400;
const MANY_TASKS = 40;

/** How many tasks are kept, unless more are visible. */
const MAX_TASKS = 600;

/** Points that are enough to know that there is a curve. */
const FEWEST_POINTS = 2;

export interface IComparedCurvesState {
  /** Which metrics have a curve, then system metrics; null until that is known. */
  readonly keys: readonly string[] | null;
  /** By key, then by task. */
  readonly curves: ReadonlyMap<string, ReadonlyMap<string, Curve>>;
  /** Number of pending and queued requests. */
  readonly waiting: number;
  readonly error: Error | null;
}

/** The same curves of several tasks, loaded in several requests. */
export class ComparedCurvesModel extends Model<IComparedCurvesState> {
  constructor(
    private readonly _client: Pick<IClient, 'listCurves'>,
    private readonly _ws: string,
    /** Points of a curve; by default as many as a page has pixels for. */
    private readonly _points?: number
  ) {
    super({ keys: null, curves: new Map(), waiting: 0, error: null });
  }

  /** Set which curves of which tasks are visible. */
  setVisibleTasks(rows: readonly TaskRow[], keys: readonly string[]): void {
    this._rows = rows;
    this._keys = keys;
    this._forget();
    this._plan();
  }

  /** Determine which of some metrics have a curve in any of these tasks. */
  findKeys(rows: readonly TaskRow[], metrics: readonly string[]): void {
    const started = rows.filter(row => row.readable && row.run > 0);
    const names = started.map(row => row.name);
    const runs = started.map(row => [row.run, row.status]);
    const asked = JSON.stringify([metrics, names, runs]);
    if (asked !== this._asked) {
      this._asked = asked;
      void this._findKeys(asked, names, metrics);
    }
  }

  private async _findKeys(
    asked: string,
    names: readonly string[],
    metrics: readonly string[]
  ): Promise<void> {
    let keys = metrics.filter(key => this.state.keys?.includes(key));
    let system = this.state.keys?.filter(isSystemMetric) ?? [];
    try {
      // Most of them are in the first part; the others ask for the rest only.
      for (const [index, chunk] of chunksOf(names).entries()) {
        const missing = metrics.filter(key => !keys.includes(key));
        if (index === 0) {
          missing.push(SYSTEM_PREFIX);
        } else if (missing.length === 0) {
          break;
        }
        const { items } = await this.send(() =>
          this._client.listCurves(this._ws, {
            name: chunk,
            key: missing,
            points: FEWEST_POINTS
          })
        );
        if (asked !== this._asked) {
          return;
        }
        const found = new Set([...keys, ...items.map(item => item.key)]);
        keys = metrics.filter(key => found.has(key));
        if (index === 0) {
          system = sortedSystemMetrics(
            [...found].filter(
              key => isSystemMetric(key) && !metrics.includes(key)
            )
          );
        }
      }
    } catch {
      // Each of them may have one then.
      this._asked = '';
      keys = [...metrics];
    }
    this.update({ keys: keepEqual(this.state.keys, [...keys, ...system]) });
  }

  /** Remove tasks that are not visible any more, if there are many. */
  private _forget(): void {
    const needed = new Set(this._rows.map(row => row.name));
    if (this._seen.size <= Math.max(MAX_TASKS, needed.size)) {
      return;
    }
    for (const name of this._seen.keys()) {
      if (!needed.has(name)) {
        this._seen.delete(name);
      }
    }
    const known = this._arrived ?? this.state.curves;
    this._arrived = null;
    this.update({
      curves: new Map(
        [...known].map(([key, ofKey]) => [
          key,
          new Map([...ofKey].filter(([name]) => needed.has(name)))
        ])
      )
    });
  }

  private _plan(): void {
    const points =
      this._points ??
      (this._rows.length > MANY_TASKS ? MAX_POINTS_OF_MANY : MAX_POINTS);
    const now = Date.now();
    let isLater = false;
    // One request for all tasks with the same keys: the server reads the files
    // of each task only once.
    const groups = new Map<string, { keys: string[]; names: string[] }>();
    for (const row of this._rows) {
      if (!row.readable || row.run === 0) {
        continue;
      }
      const ofTask = this._seen.get(row.name) ?? new Map<string, ISeen>();
      this._seen.set(row.name, ofTask);
      const keys = this._keys.filter(key => {
        let stamp = `${points} ${row.run} ${row.status} ${String(row.figures[key])}`;
        if (row.status === 'running' && isSystemMetric(key)) {
          stamp += ` ${Math.floor(now / SYSTEM_MS)}`;
          isLater = true;
        }
        const seen = ofTask.get(key);
        if (seen?.stamp === stamp) {
          return false;
        }
        if (seen && row.status === 'running' && now - seen.asked < RUNNING_MS) {
          isLater = true;
          return false;
        }
        const answered = seen?.answered ?? 0;
        ofTask.set(key, { stamp, asked: now, answered });
        return true;
      });
      if (keys.length > 0) {
        const group = groups.get(keys.join('\n')) ?? { keys, names: [] };
        group.names.push(row.name);
        groups.set(keys.join('\n'), group);
      }
    }
    this._plans++;
    for (const { keys, names } of groups.values()) {
      for (const chunk of chunksOf(names)) {
        this._queue.push({ plan: this._plans, keys, names: chunk, points });
      }
    }
    if (isLater) {
      this.schedule('plan', RUNNING_MS, () => this._plan());
    }
    this._pump();
  }

  private _pump(): void {
    while (this._active < MAX_REQUESTS && !this.isDisposed) {
      const next = this._queue.shift();
      if (!next) {
        break;
      }
      this._active++;
      void this._read(next).finally(() => {
        this._active--;
        this._show();
        this._pump();
      });
    }
    this.update({ waiting: this._active + this._queue.length });
  }

  private async _read({ plan, keys, names, points }: IRequest): Promise<void> {
    try {
      const { items } = await this.send(() =>
        this._client.listCurves(this._ws, { name: names, key: keys, points })
      );
      const curves = new Map(this._arrived ?? this.state.curves);
      for (const key of keys) {
        const ofKey = new Map(curves.get(key));
        // Answers may overtake each other; tasks may be forgotten meanwhile.
        const fresh = new Set<string>();
        for (const name of names) {
          const seen = this._seen.get(name)?.get(key);
          if (seen && seen.answered < plan) {
            seen.answered = plan;
            fresh.add(name);
            ofKey.delete(name);
          }
        }
        for (const item of items) {
          if (item.key === key && fresh.has(item.name)) {
            ofKey.set(item.name, item);
          }
        }
        curves.set(key, ofKey);
      }
      this._arrived = curves;
      this.update({ error: null });
    } catch (error) {
      // They are loaded again after the next change.
      for (const key of keys) {
        for (const name of names) {
          const seen = this._seen.get(name)?.get(key);
          if (seen && seen.answered < plan) {
            seen.stamp = '';
            seen.asked = 0;
          }
        }
      }
      this.update({ error: error as Error });
    }
  }

  /**
   * Show the answers: the first one at once, the others together, since it
   * takes a while to paint hundreds of curves.
   */
  private _show(): void {
    const isLast = this._active + this._queue.length === 0;
    const now = Date.now();
    if (this._arrived && (isLast || now - this._shownAt > SHOW_MS)) {
      this._shownAt = now;
      this.update({ curves: this._arrived });
      this._arrived = null;
    }
  }

  /** The last request of `findKeys`. */
  private _asked = '';
  /** Requested curves, by task and key. */
  private readonly _seen = new Map<string, Map<string, ISeen>>();
  private _rows: readonly TaskRow[] = [];
  private _keys: readonly string[] = [];
  private _queue: IRequest[] = [];
  private _arrived: IComparedCurvesState['curves'] | null = null;
  private _shownAt = -Infinity;
  private _active = 0;
  private _plans = 0;
}

interface ISeen {
  stamp: string;
  asked: number;
  /** The last plan whose answer arrived, 0 if none has. */
  answered: number;
}

interface IRequest {
  /** Number of the plan: later requests have higher ones. */
  plan: number;
  keys: string[];
  names: string[];
  points: number;
}

/** Split names so that those of each chunk fit into an address. */
function chunksOf(names: readonly string[]): string[][] {
  const chunks: string[][] = [];
  let length = 0;
  for (const name of names) {
    const size = encodeURIComponent(name).length;
    const last = chunks[chunks.length - 1];
    if (
      !last ||
      last.length === MAX_NAMES ||
      length + size > MAX_NAMES_LENGTH
    ) {
      chunks.push([name]);
      length = size;
    } else {
      last.push(name);
      length += size;
    }
  }
  return chunks;
}
