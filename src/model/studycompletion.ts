import type { IClient, Study } from '../client/types';
import { Model } from './model';

/** How long a study may take to end after its last task did. */
const GATHER_MS = 2000;

interface IStudyEndsState {
  /** Workspace and name of the studies that were active when last read. */
  readonly active: ReadonlySet<string>;
}

/** Watches for studies that end. */
export class StudyCompletionWatcher extends Model<IStudyEndsState> {
  /** @param _onEnd - called when a study has all its trials, or failed */
  constructor(
    private readonly _client: Pick<IClient, 'listStudies'>,
    private readonly _onEnd: (ws: string, study: Study) => void | Promise<void>
  ) {
    super({ active: new Set() });
  }

  /** Trials of a workspace changed. */
  onTrialsChanged(ws: string): void {
    this.schedule(ws, GATHER_MS, () =>
      this.fetch(
        ws,
        () => this._client.listStudies(ws),
        ({ items }) => this._compare(ws, items),
        // The next trial asks again.
        () => undefined
      )
    );
  }

  private _compare(ws: string, items: readonly Study[]): void {
    const active = new Set(this.state.active);
    for (const study of items) {
      const key = `${ws} ${study.name}`;
      if (study.state === 'active') {
        active.add(key);
      } else if (active.delete(key) && study.state !== 'stopped') {
        void this._onEnd(ws, study);
      }
    }
    this.update({ active });
  }
}
