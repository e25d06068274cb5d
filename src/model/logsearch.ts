import type { IClient, LogHits } from '../client/types';
import type { IHit } from './logstate';
import { Model } from './model';

/** How many matches are listed. */
export const MAX_HITS = 10_000;

/** Delay after the last keystroke. */
const DEBOUNCE_MS = 200;

/** Delay before new bytes of a log are searched. */
const GATHER_MS = 1000;

export interface IPattern {
  readonly text: string;
  readonly isRegex: boolean;
  readonly isCase: boolean;
}

export interface ILogSearchState {
  readonly pattern: IPattern;
  readonly hits: readonly IHit[];
  /** Index of the current match; -1 for none. */
  readonly current: number;
  readonly isBusy: boolean;
  /** Whether there may be more matches. */
  readonly isCut: boolean;
  /** Why the search stopped early, or what is wrong with the pattern. */
  readonly message: string | null;
}

const NOTHING = {
  hits: [],
  current: -1,
  isBusy: false,
  isCut: false,
  message: null
};

/** Finds text in the log of one run. */
export class LogSearchModel extends Model<ILogSearchState> {
  /**
   * @param _client - the client of the server
   * @param _ws - id of the workspace
   * @param _onShow - called with the match to show
   * @param _place - returns the visible offset, from which the first match is chosen
   */
  constructor(
    private readonly _client: Pick<IClient, 'searchLog'>,
    private readonly _ws: string,
    private readonly _onShow: (hit: IHit) => void,
    private readonly _place: () => number
  ) {
    super({
      pattern: { text: '', isRegex: false, isCase: false },
      ...NOTHING
    });
  }

  /** Start or stop searching. */
  setActive(isActive: boolean): void {
    if (isActive !== this._isActive) {
      this._isActive = isActive;
      this._restart(0);
    }
  }

  /** Search the log of another run; null for none. */
  setLog(task: string | null, run: number | null): void {
    if (task !== this._task || run !== this._run) {
      this._task = task;
      this._run = run;
      this._restart(0);
    }
  }

  setPattern(change: Partial<IPattern>): void {
    this.update({ pattern: { ...this.state.pattern, ...change } });
    this._restart('text' in change ? DEBOUNCE_MS : 0);
  }

  /** Note the length of the log: search new bytes. */
  setSize(size: number): void {
    this._size = size;
    const { isBusy, isCut, message } = this.state;
    if (
      size > this._searched &&
      this.state.pattern.text !== '' &&
      this._isActive &&
      !isBusy &&
      !isCut &&
      message === null
    ) {
      this.schedule('search', GATHER_MS, () => this._search());
    }
  }

  /** Show the next or (-1) previous match, across the ends. */
  step(by: 1 | -1): void {
    const { hits, current } = this.state;
    if (hits.length > 0) {
      this._show((current + by + hits.length) % hits.length);
    }
  }

  private _restart(delay: number): void {
    this.cancel('search');
    this._searched = 0;
    this._isChosen = false;
    this.update(NOTHING);
    if (this._isActive && this.state.pattern.text !== '' && this._task) {
      this.update({ isBusy: true });
      this.schedule('search', delay, () => this._search());
    }
  }

  private async _search(): Promise<void> {
    const { pattern, hits } = this.state;
    const task = this._task;
    if (task === null) {
      return;
    }
    const end = (message: string | null = this.state.message) => {
      this.update({ isBusy: false, message });
      this._choose();
      this.setSize(this._size);
    };
    this.update({ isBusy: true });
    await this.fetch(
      'search',
      signal =>
        this._client.searchLog(
          this._ws,
          task,
          {
            run: this._run ?? undefined,
            pattern: pattern.text,
            literal: !pattern.isRegex,
            ignore_case: !pattern.isCase,
            offset: this._searched,
            limit: Math.max(1, MAX_HITS - hits.length)
          },
          found => {
            if (!signal.aborted) {
              this._take(found);
            }
          },
          signal
        ),
      () => end(),
      error => end(error.message)
    );
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
      isCut: hits.length >= MAX_HITS,
      message: found.message ?? null
    });
  }

  /** Show the last match before the visible end of the log. */
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

  private _isActive = true;
  private _task: string | null = null;
  private _run: number | null = null;
  private _searched = 0;
  private _size = 0;
  private _isChosen = false;
}
