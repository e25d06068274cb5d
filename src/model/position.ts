/** A place in the history of a workspace, as lists and events name it. */
interface IPlace {
  readonly epoch: string;
  readonly revision: number;
}

/**
 * Up to where the history of a workspace is known. Lists and events come by
 * different connections and overtake each other.
 */
export class Position {
  /** Return whether a message belongs to another life of the server. */
  isOther({ epoch }: IPlace): boolean {
    return this._epoch !== null && this._epoch !== epoch;
  }

  /** Take a greeting; return whether a list is needed to come up to it. */
  greet(place: IPlace): boolean {
    if (this._epoch === null) {
      // The first list may be older than this, and no event tells the rest.
      this._set(place);
      return false;
    }
    return this.isOther(place) || place.revision > this._revision;
  }

  /**
   * Take changes.
   *
   * Those older than a list may come after it: what made them old follows.
   */
  hear(place: IPlace): void {
    if (this.isOther(place) || place.revision > this._revision) {
      this._set(place);
    }
  }

  /** Return whether something newer than a list was heard before it came. */
  isLate({ epoch, revision }: IPlace): boolean {
    return this._epoch === epoch && revision < this._revision;
  }

  /** Take a list; return whether it is late. */
  list(place: IPlace): boolean {
    const isLate = this.isLate(place);
    if (!isLate) {
      this._set(place);
    }
    return isLate;
  }

  private _set({ epoch, revision }: IPlace): void {
    this._epoch = epoch;
    this._revision = revision;
  }

  private _epoch: string | null = null;
  private _revision = 0;
}
