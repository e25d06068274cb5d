import { asOneOf, asRecord, asText, asTexts } from '../client/shapes';
import type {
  ComparedValues,
  Comparison,
  EventMessage,
  IClient,
  StudyDetail
} from '../client/types';
import { ComparedCurvesModel } from './comparedcurves';
import { MediaModel } from './media';
import type { Goal, Goals } from './metrics';
import { aggregatedMetric, byWeight, isCounter } from './metrics';
import type { ILiveState } from './livemodel';
import { LiveModel } from './livemodel';
import { changedSet } from './store';
import type { IStudiesOptions } from './studies';
import { StudiesModel } from './studies';

/** How many tasks can be compared. */
export const MAX_COMPARED = 500;

/** How many aggregates of metrics can be compared. */
const MAX_AGGREGATES = 50;

/** Delay before the tasks are compared again, to gather changes. */
const GATHER_MS = 1500;

/** Delay after a failed comparison. */
const RETRY_MS = 4000;

/** What is saved of a comparison. */
export interface ISavedComparison {
  names: string[];
  hidden: string[];
  /** Goals of metrics that the user, or the study, chose here. */
  goals: Goals;
  /** The metric that ranks the tasks; '' for the first one. */
  targetMetric: string;
  /** The study whose trials are added as they are created; '' for none. */
  study: string;
  /** Aggregates of metrics that are compared too. */
  aggregates: string[];
}

export interface ICompareState extends ILiveState {
  readonly names: readonly string[];
  readonly comparison: Comparison | null;
  readonly isLoading: boolean;
  readonly error: Error | null;
  /** Tasks that charts leave out. */
  readonly hidden: ReadonlySet<string>;
  readonly goals: Goals;
  readonly targetMetric: string;
  readonly study: string;
  readonly aggregates: readonly string[];
}

export interface ICompareOptions {
  client: Pick<
    IClient,
    | 'compareManyTasks'
    | 'listCurves'
    | 'listMedia'
    | 'readMedium'
    | 'streamEvents'
  > &
    IStudiesOptions['client'];
  ws: string;
  saved?: Partial<ISavedComparison>;
  save?: (saved: ISavedComparison) => void;
}

/** Compares tasks, and again when one of them changes. */
export class CompareModel extends LiveModel<
  ICompareState,
  ICompareOptions['client']
> {
  /** The studies whose trials can be followed; loaded once they are started. */
  readonly studies: StudiesModel;
  readonly curves: ComparedCurvesModel;
  readonly media: MediaModel;

  constructor(private readonly _options: ICompareOptions) {
    const { client, ws, saved } = _options;
    super(client, ws, {
      names: (saved?.names ?? []).slice(0, MAX_COMPARED),
      comparison: null,
      isLoading: false,
      error: null,
      hidden: new Set(saved?.hidden ?? []),
      goals: saved?.goals ?? {},
      targetMetric: saved?.targetMetric ?? '',
      study: saved?.study ?? '',
      aggregates: saved?.aggregates ?? []
    });
    this._followed = new Set(saved?.names ?? []);
    this.curves = this.own(new ComparedCurvesModel(client, ws));
    this.media = this.own(new MediaModel(client, ws));
    this.studies = this.own(
      new StudiesModel({ client, ws, chosen: saved?.study })
    );
    this.listen(this.studies, () => {
      const { detail } = this.studies.getSnapshot();
      if (detail && detail.name === this.state.study) {
        this.follow(detail);
      }
    });
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
    this.studies.onTasksChanged(message);
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
   * Compare the trials of a study, now and later, by its objectives.
   *
   * @param study - null to follow none any more
   */
  follow(study: StudyDetail | null): void {
    if (!study) {
      this.update({ study: '' });
      this._save();
      return;
    }
    const { objective, objectives } = study;
    const trials = study.trials.map(trial => trial.task);
    if (study.name !== this.state.study) {
      this._followed = new Set();
      this.update({
        goals: {
          ...this.state.goals,
          ...Object.fromEntries(
            objectives.map(({ metric, direction }) => [metric, direction])
          )
        },
        study: study.name,
        targetMetric: objective,
        aggregates: objectives.reduce(
          (known, { metric }) => withAggregate(known, metric),
          this.state.aggregates
        ),
        names: []
      });
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
  flipGoal(column: IColumn): void {
    const { goals } = this.state;
    const goal = goalOf(column, goals) === 'minimize' ? 'maximize' : 'minimize';
    this.update({ goals: { ...goals, [column.key]: goal } });
    this._save();
  }

  setTargetMetric(targetMetric: string): void {
    this.update({ targetMetric });
    this._save();
  }

  /** Compare an aggregate of a metric too, or no longer. */
  setAggregate(aggregate: string, isShown: boolean): void {
    const others = this.state.aggregates.filter(each => each !== aggregate);
    this.update({
      aggregates: isShown ? withAggregate(others, aggregate) : others
    });
    this._save();
    this.refresh();
  }

  private _save(): void {
    const { names, hidden, goals, targetMetric, study, aggregates } =
      this.state;
    this._options.save?.({
      names: [...names],
      hidden: [...hidden],
      goals,
      targetMetric,
      study,
      aggregates: [...aggregates]
    });
  }

  refresh(): void {
    const { names, aggregates } = this.state;
    if (names.length === 0) {
      this.cancel('compare');
      this.update({ comparison: null, isLoading: false, error: null });
      return;
    }
    this.update({ isLoading: true });
    void this.fetch(
      'compare',
      () =>
        this.client.compareManyTasks(this.ws, {
          names: [...names],
          metrics: [...aggregates]
        }),
      comparison => this.update({ comparison, isLoading: false, error: null }),
      error => {
        this.update({ error, isLoading: false });
        this.retryAfter('compare', RETRY_MS, () => this.refresh());
      }
    );
  }

  private _followed: Set<string>;
}

/** Read a saved comparison. */
export function asSavedComparison(value: unknown): ISavedComparison {
  const saved = asRecord(value);
  const goals = Object.entries(asRecord(saved.goals)).flatMap(([key, goal]) => {
    const known = asOneOf(goal, ['minimize', 'maximize'], null);
    return known ? [[key, known] as const] : [];
  });
  return {
    names: asTexts(saved.names),
    hidden: asTexts(saved.hidden),
    goals: Object.fromEntries(goals),
    targetMetric: asText(saved.targetMetric),
    study: asText(saved.study),
    aggregates: asTexts(saved.aggregates).slice(0, MAX_AGGREGATES)
  };
}

function withAggregate(
  known: readonly string[],
  text: string
): readonly string[] {
  const isNew = aggregatedMetric(text) !== null && !known.includes(text);
  return isNew ? [...known, text].slice(-MAX_AGGREGATES) : known;
}

/** The values of a parameter or metric for all compared tasks. */
export interface IColumn {
  readonly key: string;
  readonly kind: 'parameter' | 'metric';
  /** One for each task, in their order. */
  readonly values: readonly unknown[];
  /** The same as numbers, NaN where there is none; null if one is a text. */
  readonly numbers: readonly number[] | null;
  /** The goal of a metric as far as it is known. */
  readonly goal: Goal | null;
  /** Whether any number in a range is possible, not some values only. */
  readonly isContinuous?: boolean;
}

/** The parameters that differ, then the metrics, the most important first. */
export function columnsOf(comparison: Comparison): IColumn[] {
  const make =
    (kind: IColumn['kind']) =>
    ({ key, values, goal = null }: ComparedValues): IColumn => ({
      key,
      kind,
      values,
      numbers: asNumbers(values),
      goal
    });
  const metrics = comparison.figures.map(make('metric'));
  const order = byWeight(
    metrics.map(column => column.key),
    Object.fromEntries(metrics.map(({ key, goal }) => [key, goal]))
  );
  return [
    ...comparison.parameters.map(make('parameter')),
    ...order.flatMap(key => metrics.find(column => column.key === key) ?? [])
  ];
}

const NOT_FINITE: readonly unknown[] = ['NaN', 'Infinity', '-Infinity'];

/** Values as numbers, NaN where there is none; null if one is a text. */
export function asNumbers(values: readonly unknown[]): number[] | null {
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

/** The goal of a metric: as it was chosen here, else as it is known. */
function goalOf({ key, goal }: IColumn, goals: Goals): Goal {
  return goals[key] ?? goal ?? 'maximize';
}

/** Which direction of a metric is better; null if it is not ranked. */
export function betterOf(
  column: IColumn,
  goals: Goals,
  target: IColumn | null
): 'less' | 'more' | null {
  const { key, goal } = column;
  const isRanked = Boolean(goals[key] ?? goal) || key === target?.key;
  if (column.kind !== 'metric' || !column.numbers || !isRanked) {
    return null;
  }
  return goalOf(column, goals) === 'minimize' ? 'less' : 'more';
}

/** The indices of the best values of a column; none if all are equal. */
export function bestOf(
  column: IColumn,
  goals: Goals,
  target: IColumn | null
): ReadonlySet<number> {
  const better = betterOf(column, goals, target);
  const all = column.numbers ?? [];
  const numbers = all.filter(value => !Number.isNaN(value));
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  if (better === null || !(low < high)) {
    return new Set();
  }
  const best = better === 'less' ? low : high;
  return new Set(all.flatMap((value, at) => (value === best ? [at] : [])));
}
