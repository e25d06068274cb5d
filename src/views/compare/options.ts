/** The options of a comparison, which are saved. */
import { asOneOf, asRecord, asTexts } from '../../client/shapes';

export const TABS = [
  'table',
  'curves',
  'parallel',
  'scatter',
  'heatmap',
  'importance',
  'media',
  'failures',
  'search'
] as const;

export type Tab = (typeof TABS)[number];

export const STUDY_PLOTS = [
  'overview',
  'pareto',
  'importance',
  'contour',
  'rank',
  'parallel',
  'edf',
  'timeline'
] as const;

export type StudyPlot = (typeof STUDY_PLOTS)[number];

export type MediaSize = 'small' | 'medium' | 'large';

export interface IOptions {
  tab: Tab;
  /** Width of the list of tasks in pixels; null for the default. */
  listWidth: number | null;
  colouring: 'auto' | 'task' | 'figure';
  /** Whether the table has a column, not a row, per task; null: automatic. */
  isTransposed: boolean | null;
  /** The metrics whose curves are shown; null for the first ones. */
  curves: string[] | null;
  axis: string;
  smoothing: number;
  isLogX: boolean;
  isLogY: boolean;
  /** Columns of the scatter plot; empty for the most useful one. */
  scatterX: string;
  scatterY: string;
  /** Null: automatic. */
  isScatterLogX: boolean | null;
  isScatterLogY: boolean | null;
  heatX: string;
  heatY: string;
  studyPlot: StudyPlot;
  /** Metric of the objective that plots show; empty for the first one. */
  studyObjective: string;
  /** Whether the objective has a log scale; null: automatic. */
  isStudyLog: boolean | null;
  /** Parameters of contour and rank; empty for the most important ones. */
  studyX: string;
  studyY: string;
  /** Objectives of the Pareto front; empty for the first two. */
  paretoX: string;
  paretoY: string;
  /** Studies that are compared with the one that is shown. */
  comparedStudies: string[];
  mediaSize: MediaSize;
}

export const DEFAULT_OPTIONS: IOptions = {
  tab: 'table',
  listWidth: null,
  colouring: 'auto',
  isTransposed: null,
  curves: null,
  axis: '',
  smoothing: 0,
  isLogX: false,
  isLogY: false,
  scatterX: '',
  scatterY: '',
  isScatterLogX: null,
  isScatterLogY: null,
  heatX: '',
  heatY: '',
  studyPlot: 'overview',
  studyObjective: '',
  isStudyLog: null,
  studyX: '',
  studyY: '',
  paretoX: '',
  paretoY: '',
  comparedStudies: [],
  mediaSize: 'medium'
};

/** Options from JupyterLab's state, which are not trusted. */
export function asOptions(value: unknown): IOptions {
  const saved = asRecord(value);
  const options: Record<string, unknown> = { ...DEFAULT_OPTIONS };
  for (const [key, usual] of Object.entries(DEFAULT_OPTIONS)) {
    if (usual !== null && typeof saved[key] === typeof usual) {
      options[key] = saved[key];
    }
  }
  return {
    ...(options as unknown as IOptions),
    tab: asOneOf(saved.tab, TABS, 'table'),
    colouring: asOneOf(saved.colouring, ['task', 'figure'], 'auto'),
    studyPlot: asOneOf(saved.studyPlot, STUDY_PLOTS, 'overview'),
    isStudyLog: flag(saved.isStudyLog),
    comparedStudies: asTexts(saved.comparedStudies),
    mediaSize: asOneOf(saved.mediaSize, ['small', 'large'], 'medium'),
    listWidth:
      typeof saved.listWidth === 'number' && saved.listWidth > 0
        ? saved.listWidth
        : null,
    isTransposed: flag(saved.isTransposed ?? saved.isTurned),
    isScatterLogX: flag(saved.isScatterLogX),
    isScatterLogY: flag(saved.isScatterLogY),
    smoothing: Math.min(0.99, Math.max(0, Number(options.smoothing) || 0)),
    curves: Array.isArray(saved.curves) ? asTexts(saved.curves) : null
  };
}

function flag(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null;
}
