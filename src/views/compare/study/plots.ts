/** The plots of a study. */
import type { Study, StudyDetail } from '../../../client/types';
import type { IStudiesState } from '../../../model/studies';
import type { ITrans } from '../../shared/context';
import type { IOptions, StudyPlot } from '../options';
import { STUDY_PLOTS } from '../options';
import {
  contourPlot,
  importancePlot,
  parallelPlot,
  rankPlot,
  slicePlots
} from './parameterplots';
import { edfPlot, historyPlot, paretoPlot, timelinePlot } from './resultplots';
import type { IStudyPlot, IStudyPlots } from './view';
import { objectiveOf, viewOfStudy } from './view';

/** The plots that a study offers. */
export function offeredPlots(study: StudyDetail): readonly StudyPlot[] {
  return STUDY_PLOTS.filter(
    plot => plot !== 'pareto' || study.objectives.length > 1
  );
}

/** The chosen plot, and its charts, for the page and for files. */
export function shownPlots(
  trans: ITrans,
  state: Pick<IStudiesState, 'compared' | 'importance' | 'items'>,
  study: StudyDetail,
  options: IOptions,
  isDark: boolean
): { plot: StudyPlot; plots: readonly IStudyPlot[]; from: IStudyPlots } {
  const view = viewOfStudy(study, options, isDark);
  const [first] = offeredPlots(study);
  const plot =
    offeredPlots(study).find(each => each === options.studyPlot) ?? first;
  const isComparable = (other: Study) =>
    other.name !== study.name &&
    (plot === 'pareto'
      ? haveLikeFronts(study, other)
      : objectiveOf(other, view.metric) >= 0);
  const from = {
    view,
    options,
    others: state.compared.filter(isComparable),
    comparable: (state.items ?? []).filter(isComparable),
    importance: state.importance,
    now: Date.now() / 1000
  };
  return { plot, plots: studyPlots(trans, plot, from), from };
}

/** Whether both fronts are lines over the same two objectives. */
function haveLikeFronts(study: Study, other: Study): boolean {
  return (
    study.objectives.length === 2 &&
    other.objectives.length === 2 &&
    study.objectives.every(({ metric, direction }) =>
      other.objectives.some(
        each => each.metric === metric && each.direction === direction
      )
    )
  );
}

function studyPlots(
  trans: ITrans,
  plot: StudyPlot,
  from: IStudyPlots
): IStudyPlot[] {
  switch (plot) {
    case 'overview':
      return [historyPlot(trans, from), ...slicePlots(trans, from.view)];
    case 'pareto':
      return [paretoPlot(trans, from)];
    case 'importance':
      return [importancePlot(trans, from)];
    case 'contour':
      return [contourPlot(trans, from)];
    case 'rank':
      return [rankPlot(trans, from)];
    case 'parallel':
      return [parallelPlot(trans, from.view)];
    case 'edf':
      return [edfPlot(trans, from)];
    case 'timeline':
      return [timelinePlot(trans, from)];
  }
}
