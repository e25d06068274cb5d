import { asClientError } from '../client/errors';
import type {
  EventMessage,
  IClient,
  Study,
  StudyChange,
  StudyDetail,
  Trial
} from '../client/types';
import { Store } from './store';

/** How long changes gather before studies are asked for again, in ms. */
const CALM = 1000;

/** How often an active study is asked for without a sign of change, in ms. */
const EVERY = 5000;

export interface IStudiesState {
  /** The newest first; null before they are known. */
  readonly items: readonly Study[] | null;
  /** A sentence for each study that cannot be read. */
  readonly damaged: readonly string[];
  /** Name of the study that is looked at; '' for the newest. */
  readonly chosen: string;
  readonly detail: StudyDetail | null;
  readonly error: Error | null;
  /** What the last change was refused for. */
  readonly refusal: string | null;
  readonly isBusy: boolean;
}

export interface IStudiesOptions {
  client: Pick<
    IClient,
    'changeStudy' | 'getStudy' | 'listStudies' | 'removeStudy'
  >;
  ws: string;
  /** The study that is looked at first. */
  chosen?: string;
  /** Nobody looks at trials. */
  isBrief?: boolean;
}

/** The adaptive sweeps of a workspace, and one of them with its trials. */
export class StudiesModel extends Store<IStudiesState> {
  constructor(options: IStudiesOptions) {
    super({
      items: null,
      damaged: [],
      chosen: options.chosen ?? '',
      detail: null,
      error: null,
      refusal: null,
      isBusy: false
    });
    this._options = options;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
  }

  start(): void {
    if (!this._isStarted && !this._isDisposed) {
      this._isStarted = true;
      void this._load();
    }
  }

  /** Tasks of the workspace changed. */
  hear({ changed = [], removed = [] }: Partial<EventMessage>): void {
    const isStudied =
      changed.some(row => row.study) ||
      removed.some(name =>
        this.state.detail?.trials.some(trial => trial.task === name)
      );
    if (this._isStarted && isStudied) {
      this._soon(CALM);
    }
  }

  /** Look at a study; returns it once it is known, null if there is none. */
  async choose(name: string): Promise<StudyDetail | null> {
    this._isStarted = true;
    if (name !== this.state.detail?.name) {
      this.update({ chosen: name, detail: null, refusal: null });
      await this._load();
    }
    const { detail } = this.state;
    return detail?.name === name ? detail : null;
  }

  stop(running = false): Promise<void> {
    return this._change({ action: 'stop', running });
  }

  /** Go on until there are `n` trials. */
  resume(n: number): Promise<void> {
    return this._change({ action: 'resume', n });
  }

  /** Forget the study; its tasks stay. */
  async remove(): Promise<void> {
    const { client, ws } = this._options;
    const name = this.state.detail?.name;
    if (name !== undefined) {
      await this._do(() => client.removeStudy(ws, name));
    }
  }

  private async _change(change: StudyChange): Promise<void> {
    const { client, ws } = this._options;
    const name = this.state.detail?.name;
    if (name !== undefined) {
      await this._do(() => client.changeStudy(ws, name, change));
    }
  }

  private async _do(change: () => Promise<unknown>): Promise<void> {
    this.update({ isBusy: true, refusal: null });
    try {
      await change();
      this.update({ isBusy: false });
    } catch (error) {
      const refusal = asClientError(error).message;
      this.update({ isBusy: false, refusal });
    }
    await this._load();
  }

  private _soon(delay: number): void {
    if (this._isDisposed || this._due <= Date.now() + delay) {
      return;
    }
    clearTimeout(this._timer);
    this._due = Date.now() + delay;
    this._timer = setTimeout(() => void this._load(), delay);
  }

  private async _load(): Promise<void> {
    clearTimeout(this._timer);
    this._due = Infinity;
    const turn = ++this._turn;
    const { client, ws } = this._options;
    try {
      const { items, damaged } = await client.listStudies(ws);
      const { chosen } = this.state;
      const found = items.find(item => item.name === chosen) ?? items[0];
      const detail =
        found && !this._options.isBrief
          ? await client.getStudy(ws, found.name)
          : null;
      if (turn === this._turn && !this._isDisposed) {
        this.update({ items, damaged, detail, error: null });
      }
    } catch (error) {
      if (turn === this._turn && !this._isDisposed) {
        this.update({ error: asClientError(error) });
      }
    }
    const isActive = this.state.items?.some(item => item.state === 'active');
    if (turn === this._turn && (isActive || this.state.error)) {
      this._soon(EVERY);
    }
  }

  private readonly _options: IStudiesOptions;
  private _isStarted = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _due = Infinity;
  private _turn = 0;
  private _isDisposed = false;
}

/** A trial that has a value, so far or for good. */
export type ValuedTrial = Trial & { value: number };

export function valuedTrials(study: StudyDetail): ValuedTrial[] {
  return study.trials.filter(
    (trial): trial is ValuedTrial =>
      trial.value !== null && trial.state !== 'failed'
  );
}

/** The best value up to each trial that completed, where it became better. */
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
