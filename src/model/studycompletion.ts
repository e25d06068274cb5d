import type { IClient, Study, TaskRow } from '../client/types';
import { isActive } from './active';
import { Model } from './model';

/** Delay after a trial: the study finishes later than its last task. */
const GATHER_MS = 2000;

interface IKnownStudy {
  readonly isActive: boolean;
  /** The number of trials so far. */
  readonly trials: number;
}

interface IStudyCompletionState {
  /** By workspace and name. */
  readonly studies: ReadonlyMap<string, IKnownStudy>;
}

/** Watches for studies that finish. */
export class StudyCompletionWatcher extends Model<IStudyCompletionState> {
  /** @param _onEnd - called when a study has completed or failed */
  constructor(
    private readonly _client: Pick<IClient, 'listStudies'>,
    private readonly _onEnd: (ws: string, study: Study) => void | Promise<void>
  ) {
    super({ studies: new Map() });
  }

  /** Load the studies of a workspace later, because trials changed. */
  onTrialsChanged(ws: string, trials: readonly TaskRow[]): void {
    const studies = new Map(this.state.studies);
    for (const { study, status } of trials) {
      const key = `${ws} ${study?.name}`;
      const known = studies.get(key);
      // A short study is over before it is loaded. To run a trial again does not continue its study.
      if (study && isActive(status) && study.number > (known?.trials ?? 0)) {
        studies.set(key, { isActive: true, trials: study.number });
      }
    }
    this.update({ studies });
    this._load(ws);
  }

  private _load(ws: string): void {
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
    const studies = new Map(this.state.studies);
    for (const study of items) {
      const key = `${ws} ${study.name}`;
      const { open, complete, pruned, failed } = study.counts;
      const isOn = study.state === 'active';
      if (!isOn && study.state !== 'stopped' && studies.get(key)?.isActive) {
        void this._onEnd(ws, study);
      }
      studies.set(key, {
        isActive: isOn,
        trials: open + complete + pruned + failed
      });
      if (isOn && open === 0 && study.driven) {
        this._load(ws); // There may be no further trial that reports the end.
      }
    }
    this.update({ studies });
  }
}
