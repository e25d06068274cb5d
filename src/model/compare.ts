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
import type { StudiesModel } from './studies';

/** Tasks that can be compared at a time. */
export const MAX_COMPARED = 500;

/** How long changes gather before the tasks are compared again. */
const GATHER_MS = 1500;

/** Pause after a failed comparison. */
const RETRY_MS = 4000;

/** How somebody compares, as it is kept. */
export interface ISavedComparison {
  names: string[];
  hidden: string[];
  /** Figures whose better direction is not the one that their name tells. */
  turned: string[];
  /** The figure that the tasks are judged by; empty for the first one. */
  figure: string;
  /** The adaptive sweep whose trials are compared as they come, '' for none. */
  study: string;
}

export interface ICompareState extends ILiveState {
  readonly names: readonly string[];
  readonly comparison: Comparison | null;
  readonly isLoading: boolean;
  readonly error: Error | null;
  /** Tasks that are left out of charts. */
  readonly hidden: ReadonlySet<string>;
  readonly turned: ReadonlySet<string>;
  readonly figure: string;
  readonly study: string;
}

export interface ICompareOptions {
  client: Pick<IClient, 'compareTasks' | 'listCurves' | 'streamEvents'>;
  ws: string;
  saved?: Partial<ISavedComparison>;
  save?: (saved: ISavedComparison) => void;
  /** Disposed with the model. */
  studies?: StudiesModel;
}

/** Tasks side by side, renewed when one of them changes. */
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
      turned: new Set(saved?.turned ?? []),
      figure: saved?.figure ?? '',
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
   * Compare the trials of a study, and those that come later, by what it
   * optimises; null: follow none any more.
   */
  follow(study: StudyDetail | null): void {
    if (!study) {
      this.update({ study: '' });
      this._keep();
      return;
    }
    const { objective, direction } = study;
    const trials = study.trials.map(trial => trial.task);
    if (study.name !== this.state.study) {
      this._followed = new Set();
      const turned = new Set(this.state.turned);
      if (isLessBetter(objective) === (direction === 'minimize')) {
        turned.delete(objective);
      } else {
        turned.add(objective);
      }
      this.update({ study: study.name, figure: objective, turned, names: [] });
    }
    // Those that somebody took out stay out.
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
    this._keep();
    this.refresh();
  }

  remove(name: string): void {
    this._choose(this.state.names.filter(each => each !== name));
  }

  /** Leave tasks out of the charts, or show them again. */
  setHidden(names: readonly string[], isHidden: boolean): void {
    const hidden = new Set(this.state.hidden);
    names.forEach(name => (isHidden ? hidden.add(name) : hidden.delete(name)));
    this.update({ hidden });
    this._keep();
  }

  /** Take the other direction of a figure as the better one. */
  turn(key: string): void {
    const turned = new Set(this.state.turned);
    if (!turned.delete(key)) {
      turned.add(key);
    }
    this.update({ turned });
    this._keep();
  }

  setFigure(figure: string): void {
    this.update({ figure });
    this._keep();
  }

  private _keep(): void {
    const { names, hidden, turned, figure, study } = this.state;
    this._options.save?.({
      names: [...names],
      hidden: [...hidden],
      turned: [...turned],
      figure,
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
      () => this.client.compareTasks(this.ws, names),
      comparison => this.update({ comparison, isLoading: false, error: null }),
      error => {
        this.update({ error, isLoading: false });
        this.retryAfter('compare', RETRY_MS, () => this.refresh());
      }
    );
  }

  private _followed: Set<string>;
}

/** Out of Lab's state, which anybody may have written. */
export function asSavedComparison(value: unknown): Partial<ISavedComparison> {
  const saved = value as Partial<ISavedComparison> | null | undefined;
  const texts = (list: unknown) =>
    (Array.isArray(list) ? list : []).filter(
      (item): item is string => typeof item === 'string'
    );
  return {
    names: texts(saved?.names),
    hidden: texts(saved?.hidden),
    turned: texts(saved?.turned),
    figure: typeof saved?.figure === 'string' ? saved.figure : '',
    study: typeof saved?.study === 'string' ? saved.study : ''
  };
}

/** One parameter or figure of all compared tasks. */
export interface IColumn {
  readonly key: string;
  readonly kind: 'parameter' | 'figure';
  /** Of each task, in their order. */
  readonly values: readonly unknown[];
  /** The same as numbers, NaN where there is none; null if one is a text. */
  readonly numbers: readonly number[] | null;
}

/** The parameters that differ, then the figures, the most telling first. */
export function columnsOf(comparison: Comparison): IColumn[] {
  const make =
    (kind: IColumn['kind']) =>
    ({ key, values }: { key: string; values: unknown[] }): IColumn => ({
      key,
      kind,
      values,
      numbers: asNumbers(values)
    });
  const figures = comparison.figures.map(make('figure'));
  const order = byWeight(figures.map(column => column.key));
  return [
    ...comparison.parameters.map(make('parameter')),
    ...order.flatMap(key => figures.find(column => column.key === key) ?? [])
  ];
}

function asNumbers(values: readonly unknown[]): number[] | null {
  const isNumeric = values.every(
    value =>
      value === null ||
      typeof value === 'number' ||
      value === 'NaN' ||
      value === 'Infinity' ||
      value === '-Infinity'
  );
  return isNumeric && values.some(value => typeof value === 'number')
    ? values.map(value => (typeof value === 'number' ? value : NaN))
    : null;
}

/** The figures that tasks can be judged by. */
export function targetCandidates(columns: readonly IColumn[]): IColumn[] {
  const figures = columns.filter(
    column => column.kind === 'figure' && column.numbers
  );
  const results = figures.filter(column => !isCounter(column.key));
  return results.length > 0 ? results : figures;
}

/** Whether less or more of a figure is better; null where it says nothing. */
export function betterOf(
  column: IColumn,
  turned: ReadonlySet<string>,
  targetMetric: IColumn | null
): 'less' | 'more' | null {
  const isTarget = isResult(column.key) || column.key === targetMetric?.key;
  if (column.kind !== 'figure' || !column.numbers || !isTarget) {
    return null;
  }
  return isLessBetter(column.key) !== turned.has(column.key) ? 'less' : 'more';
}

/** The places of the best values of a column; none where all are equal. */
export function bestOf(
  column: IColumn,
  turned: ReadonlySet<string>,
  targetMetric: IColumn | null
): ReadonlySet<number> {
  const better = betterOf(column, turned, targetMetric);
  const numbers = (column.numbers ?? []).filter(value => !Number.isNaN(value));
  if (better === null || numbers.length < 2) {
    return new Set();
  }
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const best = better === 'less' ? low : high;
  return new Set(
    low === high
      ? []
      : (column.numbers ?? []).flatMap((value, at) =>
          value === best ? [at] : []
        )
  );
}
