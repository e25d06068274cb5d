import type {
  EventMessage,
  IClient,
  Study,
  StudyChange,
  StudyDetail,
  Trial
} from '../client/types';
import { Model } from './model';

/** Delay before the studies are loaded again, to gather changes. */
const GATHER_MS = 1000;

/** Interval of loading active studies, also without events. */
const POLL_MS = 5000;

export interface IStudiesState {
  /** The newest first; null before they are loaded. */
  readonly items: readonly Study[] | null;
  /** A message for each study that cannot be read. */
  readonly damaged: readonly string[];
  /** Name of the shown study; '' for the newest. */
  readonly chosen: string;
  readonly detail: StudyDetail | null;
  readonly error: Error | null;
  readonly isBusy: boolean;
}

export interface IStudiesOptions {
  client: Pick<
    IClient,
    'changeStudy' | 'getStudy' | 'listStudies' | 'removeStudy'
  >;
  ws: string;
  /** The study that is shown first. */
  chosen?: string;
  /** Whether to load no trials. */
  isBrief?: boolean;
}

/** The studies of a workspace, and one of them with its trials. */
export class StudiesModel extends Model<IStudiesState> {
  constructor(private readonly _options: IStudiesOptions) {
    super({
      items: null,
      damaged: [],
      chosen: _options.chosen ?? '',
      detail: null,
      error: null,
      isBusy: false
    });
  }

  start(): void {
    if (!this._isStarted) {
      this._isStarted = true;
      void this._load();
    }
  }

  /** Load the studies after a delay if their trials changed. */
  onTasksChanged({ changed = [], removed = [] }: Partial<EventMessage>): void {
    const isStudied =
      changed.some(row => row.study) ||
      removed.some(name =>
        this.state.detail?.trials.some(trial => trial.task === name)
      );
    if (this._isStarted && isStudied) {
      this._schedule(GATHER_MS);
    }
  }

  /** Show a study; resolves with null if it does not exist. */
  async choose(name: string): Promise<StudyDetail | null> {
    this._isStarted = true;
    if (name !== this.state.detail?.name) {
      this.update({ chosen: name, detail: null });
      await this._load();
    }
    const { detail } = this.state;
    return detail?.name === name ? detail : null;
  }

  /**
   * Stop or resume the study that is shown.
   *
   * @throws ClientError if it is refused
   */
  change(change: StudyChange): Promise<void> {
    return this._do((client, ...study) => client.changeStudy(...study, change));
  }

  /**
   * Delete the study that is shown; its tasks are kept.
   *
   * @throws ClientError if it is refused
   */
  remove(): Promise<void> {
    return this._do((client, ...study) => client.removeStudy(...study));
  }

  private async _do(
    change: (
      client: IStudiesOptions['client'],
      ws: string,
      name: string
    ) => Promise<unknown>
  ): Promise<void> {
    const { client, ws } = this._options;
    const name = this.state.detail?.name;
    if (name === undefined) {
      return;
    }
    this.update({ isBusy: true });
    try {
      await this.send(() => change(client, ws, name));
    } finally {
      this.update({ isBusy: false });
      await this._load();
    }
  }

  private _schedule(delay: number): void {
    this.schedule('studies', delay, () => this._load());
  }

  private async _load(): Promise<void> {
    const { client, ws, isBrief } = this._options;
    await this.fetch(
      'studies',
      async () => {
        const { items, damaged } = await client.listStudies(ws);
        const { chosen } = this.state;
        const found = items.find(item => item.name === chosen) ?? items[0];
        const detail =
          found && !isBrief ? await client.getStudy(ws, found.name) : null;
        return { items, damaged, detail };
      },
      found => {
        this.update({ ...found, error: null });
        if (found.items.some(item => item.state === 'active')) {
          this._schedule(POLL_MS);
        }
      },
      error => {
        this.update({ error });
        this._schedule(POLL_MS);
      }
    );
  }

  private _isStarted = false;
}

/** A trial with a value, which may be preliminary. */
export type ValuedTrial = Trial & { value: number };

export function valuedTrials(study: StudyDetail): ValuedTrial[] {
  return study.trials.filter(
    (trial): trial is ValuedTrial =>
      trial.value !== null && trial.state !== 'failed'
  );
}

/** Return the completed trials that are better than all before them. */
export function records(study: StudyDetail): ValuedTrial[] {
  const isBetter = (value: number, than: number) =>
    study.direction === 'maximize' ? value > than : value < than;
  const found: ValuedTrial[] = [];
  for (const trial of valuedTrials(study)) {
    const last = found[found.length - 1];
    if (
      trial.state === 'complete' &&
      (last === undefined || isBetter(trial.value, last.value))
    ) {
      found.push(trial);
    }
  }
  return found;
}
