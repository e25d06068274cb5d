import type { IClient, Study } from '../client/types';
import { Model } from './model';

/** Delay after a trial: the study finishes later than its last task. */
const GATHER_MS = 2000;

interface IStudyCompletionState {
  /** Workspace and name of the studies that were active when last loaded. */
  readonly active: ReadonlySet<string>;
}

/** Watches for studies that finish. */
export class StudyCompletionWatcher extends Model<IStudyCompletionState> {
  /** @param _onEnd - called when a study has completed or failed */
  constructor(
    private readonly _client: Pick<IClient, 'listStudies'>,
    private readonly _onEnd: (ws: string, study: Study) => void | Promise<void>
  ) {
    super({ active: new Set() });
  }

  /** Load the studies of a workspace, because trials changed. */
  onTrialsChanged(ws: string): void {
    this.schedule(ws, GATHER_MS, () =>
      this.fetch(
        ws,
        () => this._client.listStudies(ws),
        ({ items }) => this._compare(ws, items),
        // The next trial tries again.
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
