/** A revision of a workspace, as in lists and events. */
interface IRevision {
  readonly epoch: string;
  readonly revision: number;
}

/**
 * The newest known revision of a workspace. Lists and events arrive over
 * different connections and may overtake each other.
 */
export class Position {
  /** Return whether a message is from before or after a restart of the server. */
  isOther({ epoch }: IRevision): boolean {
    return this._epoch !== null && this._epoch !== epoch;
  }

  /** Note a hello message; return whether changes were missed: list again. */
  noteHello(message: IRevision): boolean {
    if (this._epoch === null) {
      // The first list may be older, and no event reports what changed since.
      this._set(message);
      return false;
    }
    return this.isOther(message) || message.revision > this._revision;
  }

  /** Note changes; they may arrive after a newer list. */
  noteChanges(message: IRevision): void {
    if (this.isOther(message) || message.revision > this._revision) {
      this._set(message);
    }
  }

  /** Return whether newer changes arrived before a list. */
  isLate({ epoch, revision }: IRevision): boolean {
    return this._epoch === epoch && revision < this._revision;
  }

  /** Note a list; return whether it is late. */
  noteList(list: IRevision): boolean {
    const isLate = this.isLate(list);
    if (!isLate) {
      this._set(list);
    }
    return isLate;
  }

  private _set({ epoch, revision }: IRevision): void {
    this._epoch = epoch;
    this._revision = revision;
  }

  private _epoch: string | null = null;
  private _revision = 0;
}
