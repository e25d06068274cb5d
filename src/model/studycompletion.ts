import type { IClient, Study, TaskRow } from '../client/types';
import { isActive } from './active';
import { Model } from './model';

/** Delay after a trial: the study finishes later than its last task. */
const GATHER_MS = 2000;

/** Delay after a failed load. */
const RETRY_MS = 5000;

interface IKnownStudy {
  readonly isActive: boolean;
  /** Whether a driver worked on it when it was last loaded. */
  readonly isDriven: boolean;
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
        studies.set(key, {
          isActive: true,
          isDriven: true,
          trials: study.number
        });
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
        () => this.retryAfter(ws, RETRY_MS, () => this._load(ws))
      )
    );
  }

  private _compare(ws: string, items: readonly Study[]): void {
    const studies = new Map(this.state.studies);
    for (const study of items) {
      const key = `${ws} ${study.name}`;
      const { open, complete, pruned, failed } = study.counts;
      const isOn = study.state === 'active';
      const known = studies.get(key);
      if (!isOn && study.state !== 'stopped' && known?.isActive) {
        void this._onEnd(ws, study);
      }
      studies.set(key, {
        isActive: isOn,
        isDriven: study.driven,
        trials: open + complete + pruned + failed
      });
      // There may be no further trial that reports the end, and the driver may have ended while this was read.
      if (isOn && open === 0 && (study.driven || known?.isDriven)) {
        this._load(ws);
      }
    }
    this.update({ studies });
  }
}
