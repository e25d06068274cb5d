import type {
  EventMessage,
  IClient,
  Study,
  StudyChange,
  StudyDetail,
  StudyImportance,
  Trial
} from '../client/types';
import { Model } from './model';

/** Delay before the studies are loaded again, to gather changes. */
const GATHER_MS = 1000;

/** Interval of loading active studies, also without events. */
const POLL_MS = 5000;

/** Least time between two computations of the importance. */
const IMPORTANCE_MS = 15_000;

/** How many other studies can be compared: as many as have distinct colors. */
export const MAX_COMPARED_STUDIES = 8;

export interface IStudiesState {
  /** The newest first; null before they are loaded. */
  readonly items: readonly Study[] | null;
  /** A message for each study that cannot be read. */
  readonly damaged: readonly string[];
  /** Name of the shown study; '' for the newest. */
  readonly chosen: string;
  readonly detail: StudyDetail | null;
  /** Other studies that are compared with it. */
  readonly compared: readonly StudyDetail[];
  /** The importance of the parameters of the shown study, once requested. */
  readonly importance: StudyImportance | Error | null;
  readonly error: Error | null;
  readonly isBusy: boolean;
}

export interface IStudiesOptions {
  client: Pick<
    IClient,
    | 'changeStudy'
    | 'getStudy'
    | 'getStudyImportance'
    | 'listStudies'
    | 'removeStudy'
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
      compared: [],
      importance: null,
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
    const gone = new Set(removed);
    const isStudied =
      changed.some(row => row.study) ||
      (this.state.detail?.trials.some(trial => gone.has(trial.task)) ?? false);
    if (this._isStarted && isStudied) {
      this._schedule(GATHER_MS);
    }
  }

  /** Show a study; resolves with null if it does not exist. */
  async choose(name: string): Promise<StudyDetail | null> {
    this._isStarted = true;
    if (name !== this.state.detail?.name) {
      this.update({ chosen: name, detail: null, importance: null });
      await this._load();
    }
    const { detail } = this.state;
    return detail?.name === name ? detail : null;
  }

  /** Load other studies too, to compare them with the one that is shown. */
  setCompared(names: readonly string[]): void {
    const chosen = names.slice(0, MAX_COMPARED_STUDIES);
    if (chosen.join('\n') !== this._compared.join('\n')) {
      this._compared = chosen;
      void this._load();
    }
  }

  /**
   * Load the importance of the parameters for an objective, now and after more
   * trials are complete.
   *
   * @param objective - its index; null to load none any more
   */
  setImportance(objective: number | null): void {
    if (objective !== this._objective) {
      this._objective = objective;
      this.update({ importance: null });
    }
    this._loadImportance();
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
        const compared = await Promise.all(
          this._compared
            .filter(name => name !== found?.name)
            .filter(name => items.some(item => item.name === name))
            .map(name => client.getStudy(ws, name))
        );
        return { items, damaged, detail, compared };
      },
      found => {
        this.update({ ...found, error: null });
        this._loadImportance();
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

  private _loadImportance(): void {
    const { detail } = this.state;
    const objective = this._objective;
    if (!detail || objective === null) {
      this.cancel('importance');
      this._weighed = '';
      return;
    }
    const study = `${detail.name} ${objective}`;
    const known = `${study} ${detail.counts.complete}`;
    if (known === this._weighed) {
      return;
    }
    const isFirst = !this._weighed.startsWith(`${study} `);
    this._weighed = known;
    const load = () =>
      this.fetch(
        'importance',
        () =>
          this._options.client.getStudyImportance(
            this._options.ws,
            detail.name,
            { objective }
          ),
        importance => this.update({ importance }),
        importance => this.update({ importance })
      );
    if (isFirst) {
      this.update({ importance: null }); // it is that of another study
      void load();
    } else {
      this.schedule('importance', IMPORTANCE_MS, load);
    }
  }

  private _isStarted = false;
  private _compared: readonly string[] = [];
  /** The objective whose importance is loaded. */
  private _objective: number | null = null;
  /** Study, objective and number of trials of the last importance. */
  private _weighed = '';
}

/** A trial with a value of an objective, which may be preliminary. */
export type ValuedTrial = Trial & { value: number };

/**
 * Return the trials that have a value of an objective and did not fail.
 *
 * @param objective - its index
 */
export function valuedTrials(
  study: StudyDetail,
  objective: number
): ValuedTrial[] {
  return study.trials.flatMap(trial => {
    const value = trial.objective_values[objective] ?? null;
    return value === null || trial.state === 'failed'
      ? []
      : [{ ...trial, value }];
  });
}

/** Whether a trial does not meet all constraints, or never will. */
export function isInfeasible(trial: Trial): boolean {
  const { is_feasible: isFeasible, state } = trial;
  // A complete trial without a metric of a constraint does not get it any more.
  return isFeasible === false || (isFeasible === null && state === 'complete');
}

/**
 * Return the feasible complete trials that are better than all before them.
 *
 * @param objective - its index
 */
export function records(study: StudyDetail, objective: number): ValuedTrial[] {
  const { direction } = study.objectives[objective];
  const isBetter = (value: number, than: number) =>
    direction === 'maximize' ? value > than : value < than;
  const found: ValuedTrial[] = [];
  for (const trial of valuedTrials(study, objective)) {
    const last = found[found.length - 1];
    if (
      trial.state === 'complete' &&
      !isInfeasible(trial) &&
      (last === undefined || isBetter(trial.value, last.value))
    ) {
      found.push(trial);
    }
  }
  return found;
}
