import { abortError } from '../client/errors';
import type { IClient, Medium, TaskRow } from '../client/types';
import { Model } from './model';
import { keepEqual, memoizeLast } from './store';

/** How many tasks are asked for; the server refuses more. */
export const MAX_MEDIA_TASKS = 100;

/** Delay before the media of running tasks are listed again. */
const RUNNING_MS = 8000;

/** Delay before changes of tasks are followed. */
const GATHER_MS = 3000;

/** Delay before the rest of large event files is asked for. */
const PENDING_MS = 500;

/** Files that are loaded at the same time. */
const MAX_REQUESTS = 4;

/** Bytes of files that are kept, to show them again without loading them. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;

export interface IMediaState {
  /** Null before they are loaded. */
  readonly items: readonly Medium[] | null;
  /** Whether the list is incomplete because there are too many. */
  readonly isCut: boolean;
  readonly error: Error | null;
}

/** The media of one name, in several tasks. */
export interface IMediaRow {
  readonly key: string;
  readonly name: string;
  readonly kind: Medium['kind'];
  /** By task, sorted by step. */
  readonly byTask: ReadonlyMap<string, readonly Medium[]>;
}

/** The images and other media of several tasks. */
export class MediaModel extends Model<IMediaState> {
  constructor(
    private readonly _client: Pick<IClient, 'listMedia' | 'readMedium'>,
    private readonly _ws: string
  ) {
    super({ items: null, isCut: false, error: null });
  }

  /** List the media of these tasks, and again when the tasks change. */
  setVisibleTasks(rows: readonly TaskRow[]): void {
    const started = rows
      .filter(row => row.readable && row.run > 0)
      .slice(0, MAX_MEDIA_TASKS);
    this._names = started.map(row => row.name);
    this._isRunning = started.some(row => row.status === 'running');
    const tasks = JSON.stringify(started.map(row => [row.name, row.run]));
    const stamp = JSON.stringify(started.map(row => [row.status, row.figures]));
    if (tasks !== this._tasks) {
      this._tasks = tasks;
      this._stamp = stamp;
      this.refresh();
    } else if (stamp !== this._stamp) {
      this._stamp = stamp;
      this.schedule('list', GATHER_MS, () => this.refresh());
    } else if (this._isRunning) {
      this.schedule('list', RUNNING_MS, () => this.refresh());
    }
  }

  /** List nothing more until `setVisibleTasks` is called. */
  pause(): void {
    this.cancel('list');
    // What changes meanwhile is listed then.
    this._tasks = '';
  }

  refresh(): void {
    if (this._names.length === 0) {
      this.cancel('list');
      this.update({ items: [], isCut: false, error: null });
      return;
    }
    void this.fetch(
      'list',
      signal =>
        this._client.listMedia(this._ws, { names: this._names }, signal),
      ({ items, cut, pending }) => {
        this.update({
          items: keepEqual<readonly Medium[] | null>(this.state.items, items),
          isCut: cut,
          error: null
        });
        if (pending || this._isRunning) {
          this.schedule('list', pending ? PENDING_MS : RUNNING_MS, () =>
            this.refresh()
          );
        }
      },
      error => {
        this.update({ error });
        this.retryAfter('list', RUNNING_MS, () => this.refresh());
      }
    );
  }

  /**
   * Load a file, or its first `most` bytes. Those loaded last are kept.
   *
   * @param signal - a file that is not wanted any more is not loaded
   */
  read(medium: Medium, most: number, signal: AbortSignal): Promise<Blob> {
    const key = JSON.stringify(medium);
    const kept = this._kept.get(key);
    if (kept) {
      this._kept.delete(key);
      this._kept.set(key, kept);
      return Promise.resolve(kept);
    }
    return new Promise((resolve, reject) => {
      const read = async (): Promise<void> => {
        if (signal.aborted) {
          reject(abortError());
          return;
        }
        try {
          const whole = medium.size <= most;
          const blob = await this._client.readMedium(
            this._ws,
            medium,
            whole ? undefined : most
          );
          this._keep(key, blob);
          resolve(blob);
        } catch (error) {
          reject(error as Error);
        }
      };
      this._queue.push(read);
      this._pump();
    });
  }

  private _keep(key: string, blob: Blob): void {
    this._keptBytes += blob.size - (this._kept.get(key)?.size ?? 0);
    this._kept.set(key, blob);
    for (const [old, { size }] of this._kept) {
      if (this._keptBytes <= MAX_KEPT_BYTES) {
        break;
      }
      this._kept.delete(old);
      this._keptBytes -= size;
    }
  }

  private _pump(): void {
    while (this._active < MAX_REQUESTS) {
      const next = this._queue.shift();
      if (!next) {
        break;
      }
      this._active++;
      void next().finally(() => {
        this._active--;
        this._pump();
      });
    }
  }

  /** The names as rows, in their order. */
  readonly rowsOf = memoizeLast(mediaRows);

  private _names: string[] = [];
  private _tasks = '';
  private _stamp = '';
  private _isRunning = false;
  private readonly _queue: (() => Promise<void>)[] = [];
  private _active = 0;
  /** By medium, the one that was used last at the end. */
  private readonly _kept = new Map<string, Blob>();
  private _keptBytes = 0;
}

/** Group media by name and kind; their order is kept. */
export function mediaRows(items: readonly Medium[]): IMediaRow[] {
  const rows = new Map<string, IMediaRow & { byTask: Map<string, Medium[]> }>();
  for (const medium of items) {
    const { task, name, kind } = medium;
    const key = `${kind} ${name}`;
    const row = rows.get(key) ?? { key, name, kind, byTask: new Map() };
    const ofTask = row.byTask.get(task) ?? [];
    rows.set(key, row);
    row.byTask.set(task, ofTask);
    ofTask.push(medium);
  }
  return [...rows.values()];
}

/** All steps of some rows, in ascending order. */
export function stepsOf(rows: readonly IMediaRow[]): number[] {
  const steps = rows.flatMap(({ byTask }) =>
    [...byTask.values()].flat().flatMap(({ step }) => step ?? [])
  );
  return [...new Set(steps)].sort((a, b) => a - b);
}

/**
 * The last medium at or before a step; one without a step is at all steps.
 *
 * @param media - sorted by step
 * @param step - null for the last one
 */
export function mediumAt(
  media: readonly Medium[],
  step: number | null
): Medium | null {
  for (let at = media.length - 1; at >= 0; at--) {
    const one = media[at];
    if (step === null || one.step === null || one.step <= step) {
      return one;
    }
  }
  return null;
}
