/** The plots of a study that show its parameters. */
import type { IColumn } from '../../../model/compare';
import type { Chart, IDot } from '../../shared/chart';
import { rampColour, scatterChart } from '../../shared/chart';
import type { ITrans } from '../../shared/context';
import { formatNumber } from '../../shared/format';
import { serverSentence } from '../../shared/serversentences';
import { chosenParameters, importanceBars, parallelOf } from '../charts';
import type {
  IParameterAxis,
  IPlottedTrial,
  IStudyPlot,
  IStudyPlots,
  IStudyView
} from './view';
import { dotOf, levelsOf, parameterAxis } from './view';

/** In pixels. */
const SLICE_HEIGHT = 200;

/**
 * The objective over each parameter; later trials have more contrast with the
 * background.
 */
export function slicePlots(trans: ITrans, view: IStudyView): IStudyPlot[] {
  const { metric, isLog, isDark, tasks } = view;
  const last = Math.max(1, ...tasks.map(({ trial }) => trial.number));
  return view.parameters.flatMap(column => {
    const axis = parameterAxis(view, column);
    const dots = tasks.flatMap(({ trial, at }): IDot[] => {
      const age = trial.number / last;
      const dot = dotOf(trans, view, trial, []);
      return Number.isNaN(axis.places[at])
        ? []
        : [
            {
              ...dot,
              x: axis.places[at],
              y: trial.value,
              colour: dot.mark
                ? dot.colour
                : rampColour(isDark ? 0.25 + 0.75 * age : 0.9 - 0.9 * age),
              details: () => [
                { name: trans.__('trial'), value: String(trial.number) }
              ]
            }
          ];
    });
    return dots.length === 0
      ? []
      : [
          {
            name: axis.key,
            label: trans.__('%1 over %2', metric, axis.key),
            hint: isDark
              ? trans.__(
                  'Objective by parameter. Lighter dots are later trials.'
                )
              : trans.__(
                  'Objective by parameter. Darker dots are later trials.'
                ),
            wanting: '',
            height: SLICE_HEIGHT,
            chart: scatterChart({
              xName: axis.key,
              yName: metric,
              xLabels: axis.labels,
              isLogX: axis.isLog,
              isWholeX: axis.isWhole,
              isLogY: isLog,
              dots
            })
          }
        ];
  });
}

export function importancePlot(
  trans: ITrans,
  { view, importance }: IStudyPlots
): IStudyPlot {
  const found =
    importance && !(importance instanceof Error) ? importance.parameters : [];
  return {
    ...importanceBars(
      trans,
      view.metric,
      found.map(({ key, importance: fraction }) => ({
        key,
        fraction,
        rises: null
      }))
    ),
    hint: trans.__(
      'Share of the objective’s variance that each parameter explains (fANOVA). Parameters with a condition are left out.'
    ),
    isLoading: importance === null,
    title:
      importance instanceof Error
        ? trans.__('Importance not available')
        : undefined,
    wanting: serverSentence(trans, importance?.message ?? '')
  };
}

/** The dots of the trials that have both parameters. */
function dotsOver(
  trans: ITrans,
  view: IStudyView,
  x: IParameterAxis,
  y: IParameterAxis,
  levelOf: (plotted: IPlottedTrial) => number | null
): IDot[] {
  return view.tasks.flatMap((plotted): IDot[] => {
    const { trial, at, rank } = plotted;
    const level = rank === null ? null : levelOf(plotted);
    const place = { x: x.places[at], y: y.places[at] };
    const dot = dotOf(trans, view, trial, [x.key, y.key]);
    return Number.isNaN(place.x) || Number.isNaN(place.y)
      ? []
      : [
          {
            ...dot,
            ...place,
            ...(level !== null && { level, colour: rampColour(level) })
          }
        ];
  });
}

function overParameters(
  trans: ITrans,
  { view, options }: IStudyPlots,
  chart: (axes: { x: IParameterAxis; y: IParameterAxis }) => Chart | null
): Pick<IStudyPlot, 'chart' | 'wanting'> & { x: string; y: string } {
  const chosen = chosenParameters(view, options.studyX, options.studyY);
  const axisOf = (column: IColumn) => parameterAxis(view, column);
  return {
    x: chosen?.x.key ?? '',
    y: chosen?.y.key ?? '',
    wanting: !chosen
      ? trans.__('The study has only one parameter; this plot needs two.')
      : view.tasks.length > 0
        ? trans.__(
            'No feasible complete trial has both %1 and %2.',
            chosen.x.key,
            chosen.y.key
          )
        : trans.__(
            'Waiting for the first complete trial with %1.',
            view.metric
          ),
    chart:
      chosen && view.tasks.length > 0
        ? chart({ x: axisOf(chosen.x), y: axisOf(chosen.y) })
        : null
  };
}

/** What the two parameter axes of a chart are like. */
function axesSpec(x: IParameterAxis, y: IParameterAxis) {
  return {
    xName: x.key,
    yName: y.key,
    xLabels: x.labels,
    yLabels: y.labels,
    isLogX: x.isLog,
    isLogY: y.isLog,
    isWholeX: x.isWhole,
    isWholeY: y.isWhole
  };
}

export function contourPlot(trans: ITrans, from: IStudyPlots): IStudyPlot {
  const { view } = from;
  const { low, high, levelOf } = levelsOf(view);
  const [worst, best] = view.goal === 'maximize' ? [low, high] : [high, low];
  const { x, y, ...plot } = overParameters(trans, from, axes => {
    const dots = dotsOver(trans, view, axes.x, axes.y, ({ trial }) =>
      levelOf(trial.value)
    );
    return dots.some(({ level }) => level !== undefined)
      ? scatterChart({
          ...axesSpec(axes.x, axes.y),
          dots,
          isFilled: true,
          ramp: {
            name: view.metric,
            low: formatNumber(worst),
            high: formatNumber(best)
          }
        })
      : null;
  });
  return {
    ...plot,
    name: `${x} × ${y}`,
    label: trans.__('%1 over %2 and %3', view.metric, x, y),
    hint: trans.__(
      'Interpolated between the trials (inverse distance weighting). Lighter is better.'
    )
  };
}

export function rankPlot(trans: ITrans, from: IStudyPlots): IStudyPlot {
  const { view } = from;
  const { x, y, ...plot } = overParameters(trans, from, axes => {
    const dots = dotsOver(trans, view, axes.x, axes.y, ({ rank }) => rank);
    return dots.length > 0
      ? scatterChart({
          ...axesSpec(axes.x, axes.y),
          // The best ones are on top.
          dots: [...dots].sort((a, b) => (a.level ?? -1) - (b.level ?? -1)),
          ramp: {
            name: trans.__('Rank'),
            low: trans.__('worst'),
            high: trans.__('best')
          }
        })
      : null;
  });
  return {
    ...plot,
    name: `${x} × ${y}`,
    label: trans.__(
      'Rank of the trials by %1 over %2 and %3',
      view.metric,
      x,
      y
    ),
    hint: trans.__('Lighter is better.')
  };
}

export function parallelPlot(trans: ITrans, view: IStudyView): IStudyPlot {
  return {
    name: trans.__('Parallel coordinates'),
    label: trans.__('Parallel coordinates of %1 trials', view.tasks.length),
    hint: trans.__('The most important parameters are next to the metric.'),
    wanting: trans.__(
      'Waiting for the first complete trial with %1.',
      view.metric
    ),
    chart: parallelOf({
      ...view,
      // The best ones are on top.
      tasks: [...view.tasks].sort((a, b) => (a.rank ?? -1) - (b.rank ?? -1))
    })
  };
}
