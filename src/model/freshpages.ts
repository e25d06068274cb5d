/** How many rows a request loads; it starts at a multiple of that. */
export const PAGE_SIZE = 200;

/** How many rows before and after the visible ones are loaded, so that scrolling seldom comes to rows not loaded. */
const AHEAD = PAGE_SIZE / 2;

/** Which pages of a list are visible, and which of them are up to date. */
export class FreshPages {
  /** Changes when all pages become outdated, also those of pending requests. */
  get generation(): number {
    return this._generation;
  }

  /** Set which positions are visible; by default the first. */
  setVisibleRange(first = 0, last = 0): void {
    this._first = Math.max(0, first);
    this._last = Math.max(this._first, last);
  }

  /** Mark all pages as outdated. */
  invalidate(): void {
    this._generation++;
    this._fresh.clear();
  }

  /** Note a page that was requested in a generation. */
  add(page: number, generation: number): void {
    if (generation === this._generation) {
      this._fresh.add(page);
    }
  }

  /**
   * Return a page that has to be loaded, -1 for none: a visible one, or one
   * beside it that is missing.
   *
   * @param rows - the rows by position, undefined where one is not loaded
   * @param onlyMissing - whether outdated rows can wait
   */
  next(rows: readonly unknown[], onlyMissing: boolean): number {
    const isMissing = (page: number) =>
      page * PAGE_SIZE < rows.length && rows[page * PAGE_SIZE] === undefined;
    const end = Math.max(0, rows.length - 1);
    const pageOf = (row: number) =>
      Math.floor(Math.max(0, Math.min(row, end)) / PAGE_SIZE);
    for (let page = pageOf(this._first); page <= pageOf(this._last); page++) {
      if (onlyMissing ? isMissing(page) : !this._fresh.has(page)) {
        return page;
      }
    }
    return (
      [pageOf(this._last + AHEAD), pageOf(this._first - AHEAD)].find(
        page => isMissing(page) && !this._fresh.has(page)
      ) ?? -1
    );
  }

  private readonly _fresh = new Set<number>();
  private _generation = 0;
  private _first = 0;
  private _last = 0;
}
