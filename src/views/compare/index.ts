export type { ICompareViewProps } from './CompareView';
export { CompareView } from './CompareView';
