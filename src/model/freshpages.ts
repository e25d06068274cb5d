/** How many rows a request loads; it starts at a multiple of that. */
export const PAGE_SIZE = 200;

/** Which pages of a list are visible, and which of them are up to date. */
export class FreshPages {
  /** Changes when all pages become outdated, also those of pending requests. */
  get generation(): number {
    return this._generation;
  }

  /** Set which positions are visible; by default those of the first page. */
  setVisibleRange(first = 0, last = PAGE_SIZE - 1): void {
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
   * Return a visible page that has to be loaded, -1 for none.
   *
   * @param rows - the rows by position, undefined where one is not loaded
   * @param onlyMissing - whether outdated rows can wait
   */
  next(rows: readonly unknown[], onlyMissing: boolean): number {
    const end = Math.max(0, rows.length - 1);
    const first = Math.floor(this._first / PAGE_SIZE);
    const last = Math.floor(Math.min(this._last, end) / PAGE_SIZE);
    for (let page = Math.min(first, last); page <= last; page++) {
      const at = page * PAGE_SIZE;
      if (
        onlyMissing
          ? at < rows.length && rows[at] === undefined
          : !this._fresh.has(page)
      ) {
        return page;
      }
    }
    return -1;
  }

  private readonly _fresh = new Set<number>();
  private _generation = 0;
  private _first = 0;
  private _last = PAGE_SIZE - 1;
}
