export type { ILine, ILinesSpec } from './lines';
export { linesChart } from './lines';
export { axisName, axisText } from './names';
export type { Chart } from './scene';
export { toSvg } from './scene';
export { PAPER, seriesColour } from './theme';
export { ChartView, useChartTheme } from './view';
