import { asRecord, asText, asTexts } from '../client/shapes';
import type {
  Comparison,
  EventMessage,
  IClient,
  StudyDetail
} from '../client/types';
import { ComparedCurvesModel } from './comparedcurves';
import { byWeight, isCounter, isLessBetter, isResult } from './metrics';
import type { ILiveState } from './livemodel';
import { LiveModel } from './livemodel';
import { changedSet } from './store';
import type { StudiesModel } from './studies';

/** How many tasks can be compared. */
export const MAX_COMPARED = 500;

/** Delay before the tasks are compared again, to gather changes. */
const GATHER_MS = 1500;

/** Delay after a failed comparison. */
const RETRY_MS = 4000;

/** What is saved of a comparison. */
export interface ISavedComparison {
  names: string[];
  hidden: string[];
  /** Metrics whose better direction is not the one that their name suggests. */
  flippedMetrics: string[];
  /** The metric that ranks the tasks; '' for the first one. */
  targetMetric: string;
  /** The study whose trials are added as they are created; '' for none. */
  study: string;
}

export interface ICompareState extends ILiveState {
  readonly names: readonly string[];
  readonly comparison: Comparison | null;
  readonly isLoading: boolean;
  readonly error: Error | null;
  /** Tasks that charts leave out. */
  readonly hidden: ReadonlySet<string>;
  readonly flippedMetrics: ReadonlySet<string>;
  readonly targetMetric: string;
  readonly study: string;
}

export interface ICompareOptions {
  client: Pick<IClient, 'compareManyTasks' | 'listCurves' | 'streamEvents'>;
  ws: string;
  saved?: Partial<ISavedComparison>;
  save?: (saved: ISavedComparison) => void;
  /** Disposed with the model. */
  studies?: StudiesModel;
}

/** Compares tasks, and again when one of them changes. */
export class CompareModel extends LiveModel<
  ICompareState,
  ICompareOptions['client']
> {
  /** The studies whose trials can be followed. */
  readonly studies: StudiesModel | null;
  readonly curves: ComparedCurvesModel;

  constructor(private readonly _options: ICompareOptions) {
    const { client, ws, saved, studies = null } = _options;
    super(client, ws, {
      names: (saved?.names ?? []).slice(0, MAX_COMPARED),
      comparison: null,
      isLoading: false,
      error: null,
      hidden: new Set(saved?.hidden ?? []),
      flippedMetrics: new Set(saved?.flippedMetrics ?? []),
      targetMetric: saved?.targetMetric ?? '',
      study: saved?.study ?? ''
    });
    this._followed = new Set(saved?.names ?? []);
    this.curves = this.own(new ComparedCurvesModel(client, ws));
    this.studies = studies && this.own(studies);
    if (studies) {
      this.listen(studies, () => {
        const { detail } = studies.getSnapshot();
        if (detail && detail.name === this.state.study) {
          this.follow(detail);
        }
      });
    }
  }

  override start(): void {
    super.start();
    this.studies?.start();
  }

  protected onHello(): void {
    // No event reports what changed between the comparison and this message.
    this.onReset();
  }

  protected onReset(): void {
    this.schedule('compare', GATHER_MS, () => this.refresh());
  }

  protected onChanges(message: EventMessage): void {
    const { changed = [], removed = [] } = message;
    this.studies?.onTasksChanged(message);
    const names = new Set(this.state.names);
    if (
      changed.some(row => names.has(row.name)) ||
      removed.some(name => names.has(name))
    ) {
      this.onReset();
    }
  }

  /** Compare these tasks instead. */
  setNames(names: readonly string[]): void {
    this.update({ study: '' });
    this._choose(names);
  }

  /**
   * Compare the trials of a study, now and later, by its objective.
   *
   * @param study - null to follow none any more
   */
  follow(study: StudyDetail | null): void {
    if (!study) {
      this.update({ study: '' });
      this._save();
      return;
    }
    const { objective, direction } = study;
    const trials = study.trials.map(trial => trial.task);
    if (study.name !== this.state.study) {
      this._followed = new Set();
      this._setFlipped(
        objective,
        isLessBetter(objective) !== (direction === 'minimize')
      );
      this.update({ study: study.name, targetMetric: objective, names: [] });
    }
    // Trials that the user removed stay removed.
    const fresh = trials.filter(name => !this._followed.has(name));
    if (fresh.length > 0) {
      fresh.forEach(name => this._followed.add(name));
      this._choose([...this.state.names, ...fresh]);
    }
  }

  private _choose(names: readonly string[]): void {
    const chosen = [...new Set(names)].slice(0, MAX_COMPARED);
    const hidden = chosen.filter(name => this.state.hidden.has(name));
    this.update({ names: chosen, hidden: new Set(hidden) });
    this._save();
    this.refresh();
  }

  remove(name: string): void {
    this._choose(this.state.names.filter(each => each !== name));
  }

  /** Leave tasks out of the charts, or show them again. */
  setHidden(names: readonly string[], isHidden: boolean): void {
    const mode = isHidden ? 'add' : 'remove';
    this.update({ hidden: changedSet(this.state.hidden, names, mode) });
    this._save();
  }

  /** Switch between "higher is better" and "lower is better" for a metric. */
  flipDirection(key: string): void {
    this._setFlipped(key, !this.state.flippedMetrics.has(key));
    this._save();
  }

  setTargetMetric(targetMetric: string): void {
    this.update({ targetMetric });
    this._save();
  }

  private _setFlipped(key: string, isFlipped: boolean): void {
    const mode = isFlipped ? 'add' : 'remove';
    const { flippedMetrics } = this.state;
    this.update({ flippedMetrics: changedSet(flippedMetrics, [key], mode) });
  }

  private _save(): void {
    const { names, hidden, flippedMetrics, targetMetric, study } = this.state;
    this._options.save?.({
      names: [...names],
      hidden: [...hidden],
      flippedMetrics: [...flippedMetrics],
      targetMetric,
      study
    });
  }

  refresh(): void {
    const { names } = this.state;
    if (names.length === 0) {
      this.cancel('compare');
      this.update({ comparison: null, isLoading: false, error: null });
      return;
    }
    this.update({ isLoading: true });
    void this.fetch(
      'compare',
      () => this.client.compareManyTasks(this.ws, { names: [...names] }),
      comparison => this.update({ comparison, isLoading: false, error: null }),
      error => {
        this.update({ error, isLoading: false });
        this.retryAfter('compare', RETRY_MS, () => this.refresh());
      }
    );
  }

  private _followed: Set<string>;
}

/** Read a saved comparison; an earlier version had other names. */
export function asSavedComparison(value: unknown): ISavedComparison {
  const saved = asRecord(value);
  return {
    names: asTexts(saved.names),
    hidden: asTexts(saved.hidden),
    flippedMetrics: asTexts(saved.flippedMetrics ?? saved.turned),
    targetMetric: asText(saved.targetMetric ?? saved.figure),
    study: asText(saved.study)
  };
}

/** The values of a parameter or metric for all compared tasks. */
export interface IColumn {
  readonly key: string;
  readonly kind: 'parameter' | 'metric';
  /** One for each task, in their order. */
  readonly values: readonly unknown[];
  /** The same as numbers, NaN where there is none; null if one is a text. */
  readonly numbers: readonly number[] | null;
}

/** The parameters that differ, then the metrics, the most important first. */
export function columnsOf(comparison: Comparison): IColumn[] {
  const make =
    (kind: IColumn['kind']) =>
    ({ key, values }: { key: string; values: unknown[] }): IColumn => ({
      key,
      kind,
      values,
      numbers: asNumbers(values)
    });
  const metrics = comparison.figures.map(make('metric'));
  const order = byWeight(metrics.map(column => column.key));
  return [
    ...comparison.parameters.map(make('parameter')),
    ...order.flatMap(key => metrics.find(column => column.key === key) ?? [])
  ];
}

const NOT_FINITE: readonly unknown[] = ['NaN', 'Infinity', '-Infinity'];

function asNumbers(values: readonly unknown[]): number[] | null {
  const isNumber = (value: unknown) => typeof value === 'number';
  return values.some(isNumber) &&
    values.every(
      value => value === null || isNumber(value) || NOT_FINITE.includes(value)
    )
    ? values.map(value => (typeof value === 'number' ? value : NaN))
    : null;
}

/** The metrics by which tasks can be ranked. */
export function targetCandidates(columns: readonly IColumn[]): IColumn[] {
  const metrics = columns.filter(
    column => column.kind === 'metric' && column.numbers
  );
  const results = metrics.filter(column => !isCounter(column.key));
  return results.length > 0 ? results : metrics;
}

/** Which direction of a metric is better; null if its name does not tell. */
export function betterOf(
  column: IColumn,
  flippedMetrics: ReadonlySet<string>,
  target: IColumn | null
): 'less' | 'more' | null {
  const isRanked = isResult(column.key) || column.key === target?.key;
  if (column.kind !== 'metric' || !column.numbers || !isRanked) {
    return null;
  }
  return isLessBetter(column.key) !== flippedMetrics.has(column.key)
    ? 'less'
    : 'more';
}

/** The indices of the best values of a column; none if all are equal. */
export function bestOf(
  column: IColumn,
  flippedMetrics: ReadonlySet<string>,
  target: IColumn | null
): ReadonlySet<number> {
  const better = betterOf(column, flippedMetrics, target);
  const all = column.numbers ?? [];
  const numbers = all.filter(value => !Number.isNaN(value));
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  if (better === null || !(low < high)) {
    return new Set();
  }
  const best = better === 'less' ? low : high;
  return new Set(all.flatMap((value, at) => (value === best ? [at] : [])));
}
