import { asClientError, isAbort } from '../client/errors';
import type { IClient, LogHits } from '../client/types';
import type { IHit } from './log';
import { Store } from './store';

/** Hits that are enough; the server gives no more. */
export const MOST_HITS = 10_000;

/** How long typing may pause before the search begins, in ms. */
const CALM = 200;

/** Pause before what was added to a log is searched too, in ms. */
const AGAIN = 1000;

export interface IPattern {
  readonly text: string;
  readonly isRegex: boolean;
  readonly isCase: boolean;
}

export interface ILogSearchState {
  readonly pattern: IPattern;
  readonly hits: readonly IHit[];
  /** Which hit is shown, from 0; -1 for none. */
  readonly current: number;
  readonly isBusy: boolean;
  /** There are more hits than are told. */
  readonly isCut: boolean;
  /** Why the search ended early, or what is wrong with the pattern. */
  readonly message: string | null;
}

const NOTHING = {
  hits: [],
  current: -1,
  isBusy: false,
  isCut: false,
  message: null
};

/** The places in one run's log at which something is found. */
export class LogSearchModel extends Store<ILogSearchState> {
  /**
   * @param client - where the log is
   * @param ws - its workspace
   * @param onShow - called with the hit that is to be seen
   * @param place - the offset that is seen now, near which the first hit is shown
   */
  constructor(
    client: Pick<IClient, 'searchLog'>,
    ws: string,
    onShow: (hit: IHit) => void,
    place: () => number
  ) {
    super({
      pattern: { text: '', isRegex: false, isCase: false },
      ...NOTHING
    });
    this._client = client;
    this._ws = ws;
    this._onShow = onShow;
    this._place = place;
  }

  dispose(): void {
    this._stop();
  }

  /** Search the log of another run, or nothing. */
  setLog(task: string | null, run: number | null): void {
    if (task !== this._task || run !== this._run) {
      this._task = task;
      this._run = run;
      this._restart(0);
    }
  }

  setPattern(change: Partial<IPattern>): void {
    this.update({ pattern: { ...this.state.pattern, ...change } });
    this._restart('text' in change ? CALM : 0);
  }

  /** The log is so long now: what was added is searched too. */
  setSize(size: number): void {
    this._size = size;
    const { isBusy, isCut, message } = this.state;
    if (
      size > this._searched &&
      this.state.pattern.text !== '' &&
      this._timer === undefined &&
      !isBusy &&
      !isCut &&
      message === null
    ) {
      this._later(AGAIN);
    }
  }

  /** Show the next hit or, with -1, the one before; at an end the other one. */
  step(by: 1 | -1): void {
    const { hits, current } = this.state;
    if (hits.length > 0) {
      this._show((current + by + hits.length) % hits.length);
    }
  }

  private _restart(delay: number): void {
    this._stop();
    this._searched = 0;
    this._isChosen = false;
    this.update(NOTHING);
    if (this.state.pattern.text !== '' && this._task !== null) {
      this.update({ isBusy: true });
      this._later(delay);
    }
  }

  private _stop(): void {
    clearTimeout(this._timer);
    this._timer = undefined;
    this._abort?.abort();
    this._abort = null;
  }

  private _later(delay: number): void {
    this._timer = setTimeout(() => {
      this._timer = undefined;
      void this._search();
    }, delay);
  }

  private async _search(): Promise<void> {
    const { pattern, hits } = this.state;
    if (this._task === null) {
      return;
    }
    const abort = new AbortController();
    this._abort = abort;
    this.update({ isBusy: true });
    try {
      await this._client.searchLog(
        this._ws,
        this._task,
        {
          run: this._run ?? undefined,
          pattern: pattern.text,
          literal: !pattern.isRegex,
          ignore_case: !pattern.isCase,
          offset: this._searched,
          limit: Math.max(1, MOST_HITS - hits.length)
        },
        found => {
          if (this._abort === abort) {
            this._take(found);
          }
        },
        abort.signal
      );
    } catch (error) {
      if (this._abort === abort && !isAbort(error)) {
        this.update({ message: asClientError(error).message });
      }
    } finally {
      if (this._abort === abort) {
        this._abort = null;
        this.update({ isBusy: false });
        this._choose();
        this.setSize(this._size);
      }
    }
  }

  private _take(found: LogHits): void {
    const added = found.hits.map(([offset, length, line, text]) => ({
      offset,
      length,
      line,
      text
    }));
    const hits =
      added.length > 0 ? [...this.state.hits, ...added] : this.state.hits;
    this._searched = found.searched ?? this._searched;
    this.update({
      hits,
      isCut: hits.length >= MOST_HITS,
      message: found.message ?? null
    });
  }

  /** Show the last hit before the end of what is seen, once all are known. */
  private _choose(): void {
    const { hits } = this.state;
    if (this._isChosen || hits.length === 0) {
      return;
    }
    this._isChosen = true;
    const place = this._place();
    let index = hits.findIndex(hit => hit.offset > place) - 1;
    if (index === -2) {
      index = hits.length - 1;
    }
    this._show(Math.max(0, index));
  }

  private _show(index: number): void {
    this._isChosen = true;
    this.update({ current: index });
    this._onShow(this.state.hits[index]);
  }

  private readonly _client: Pick<IClient, 'searchLog'>;
  private readonly _ws: string;
  private readonly _onShow: (hit: IHit) => void;
  private readonly _place: () => number;
  private _task: string | null = null;
  private _run: number | null = null;
  private _searched = 0;
  private _size = 0;
  private _isChosen = false;
  private _abort: AbortController | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}
