/** The options of a comparison, which are saved. */
import { asOneOf, asRecord, asTexts } from '../../client/shapes';

export type Tab =
  | 'table'
  | 'curves'
  | 'parallel'
  | 'scatter'
  | 'heatmap'
  | 'importance'
  | 'failures'
  | 'search';

export const TABS: readonly Tab[] = [
  'table',
  'curves',
  'parallel',
  'scatter',
  'heatmap',
  'importance',
  'failures',
  'search'
];

export interface IOptions {
  tab: Tab;
  colouring: 'auto' | 'task' | 'figure';
  /** Tasks stand beside each other, not below. */
  isTurned: boolean | null;
  /** Of the curves: which are shown; null for the first ones. */
  curves: string[] | null;
  axis: string;
  smoothing: number;
  isLogX: boolean;
  isLogY: boolean;
  /** Of the scatter plot: keys of columns; empty for the first that fits. */
  scatterX: string;
  scatterY: string;
  /** Null: where only logarithms show the differences. */
  isScatterLogX: boolean | null;
  isScatterLogY: boolean | null;
  heatX: string;
  heatY: string;
}

export const DEFAULT_OPTIONS: IOptions = {
  tab: 'table',
  colouring: 'auto',
  isTurned: null,
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
  heatY: ''
};

/** Out of Lab's state, which anybody may have written. */
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
    isTurned: flag(saved.isTurned),
    isScatterLogX: flag(saved.isScatterLogX),
    isScatterLogY: flag(saved.isScatterLogY),
    smoothing: Math.min(0.99, Math.max(0, Number(options.smoothing) || 0)),
    curves: Array.isArray(saved.curves) ? asTexts(saved.curves) : null
  };
}

function flag(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null;
}
