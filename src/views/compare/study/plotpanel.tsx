/** The plots of a study, of which one is chosen by a tab. */
import * as React from 'react';

import type { StudyDetail } from '../../../client/types';
import type { IStudiesState, StudiesModel } from '../../../model/studies';
import { MAX_COMPARED_STUDIES } from '../../../model/studies';
import { Choice, Toggle } from '../../shared/choice';
import type { ITrans } from '../../shared/context';
import { useTrans } from '../../shared/context';
import { tabId, Tabs } from '../../shared/tabs';
import { chosenParameters } from '../charts';
import type { FocusModel } from '../focus';
import type { IOptions, StudyPlot } from '../options';
import { PlotView } from '../plots';
import { offeredPlots, shownPlots } from './plots';
import type { IStudyPlot, IStudyPlots } from './view';
import { chosenObjectives, otherColour } from './view';

/** The plots that compare studies. */
const COMPARING: readonly StudyPlot[] = ['overview', 'pareto', 'edf'];

/** The plots with an axis, or colours, of the objective. */
const SCALED: readonly StudyPlot[] = ['overview', 'contour', 'edf'];

/** The plots that do not show one of several objectives. */
const OF_ALL_OBJECTIVES: readonly StudyPlot[] = ['pareto', 'timeline'];

export interface IPlotPanelProps {
  studies: StudiesModel;
  state: IStudiesState;
  study: StudyDetail;
  options: IOptions;
  onOptions: (change: Partial<IOptions>) => void;
  isDark: boolean;
  focus: FocusModel;
  onOpenLog: (task: string) => void;
}

export function PlotPanel(props: IPlotPanelProps): JSX.Element {
  const { studies, state, study, options, onOptions, isDark } = props;
  const trans = useTrans();
  const panel = React.useId();
  const { plot, plots, from } = React.useMemo(
    () => shownPlots(trans, state, study, options, isDark),
    [trans, state, study, options, isDark]
  );
  const { objective } = from.view;
  React.useEffect(() => {
    studies.setImportance(plot === 'importance' ? objective : null);
  }, [studies, plot, objective]);
  React.useEffect(() => () => studies.setImportance(null), [studies]);
  React.useEffect(() => {
    studies.setCompared(options.comparedStudies);
  }, [studies, options.comparedStudies]);
  return (
    <>
      <div className="pyr-study-tabs">
        <Tabs
          label={trans.__('Plots')}
          panel={panel}
          value={plot}
          tabs={offeredPlots(study).map(id => ({
            id,
            label: plotName(trans, id)
          }))}
          onChange={studyPlot => onOptions({ studyPlot })}
        />
      </div>
      <div
        className="pyr-column pyr-study-panel"
        id={panel}
        role="tabpanel"
        aria-labelledby={tabId(panel, plot)}
      >
        <Controls {...props} plot={plot} from={from} first={plots[0]} />
        {plots[0].chart && plot === 'overview' ? (
          <div className="pyr-study-plots">
            {plots.map((each, at) => (
              <React.Fragment key={each.name}>
                {at === 1 && (
                  <p className="pyr-hint pyr-study-hint">{each.hint}</p>
                )}
                <figure className={at === 0 ? 'pyr-study-history' : undefined}>
                  <figcaption>
                    {each.name}
                    {at === 0 && <span className="pyr-hint">{each.hint}</span>}
                  </figcaption>
                  <PlotView {...props} plot={each} />
                </figure>
              </React.Fragment>
            ))}
          </div>
        ) : (
          <div
            className={`pyr-plot${plot === 'importance' ? ' pyr-plot-bars' : ''}`}
          >
            <PlotView {...props} plot={plots[0]} />
          </div>
        )}
      </div>
    </>
  );
}

/** What a plot shows, and what its colours stand for. */
function Controls(
  props: IPlotPanelProps & {
    plot: StudyPlot;
    from: IStudyPlots;
    first: IStudyPlot;
  }
): JSX.Element {
  const { plot, from, first, study, options, onOptions } = props;
  const trans = useTrans();
  const { view } = from;
  const metrics = study.objectives.map(({ metric }) => metric);
  const objectives = chosenObjectives(study, options);
  const parameters =
    plot === 'contour' || plot === 'rank'
      ? chosenParameters(view, options.studyX, options.studyY)
      : null;
  return (
    <div className="pyr-controls">
      {metrics.length > 1 && !OF_ALL_OBJECTIVES.includes(plot) && (
        <KeyChoice
          label={trans.__('Objective')}
          value={view.metric}
          keys={metrics}
          onChange={studyObjective => onOptions({ studyObjective })}
        />
      )}
      {plot === 'pareto' && metrics.length > 2 && objectives && (
        <AxisChoices
          x={metrics[objectives.x]}
          y={metrics[objectives.y]}
          keys={metrics}
          onX={paretoX => onOptions({ paretoX })}
          onY={paretoY => onOptions({ paretoY })}
        />
      )}
      {parameters && (
        <AxisChoices
          x={parameters.x.key}
          y={parameters.y.key}
          keys={view.parameters.map(({ key }) => key)}
          onX={studyX => onOptions({ studyX })}
          onY={studyY => onOptions({ studyY })}
        />
      )}
      {SCALED.includes(plot) && (
        <Toggle
          label={trans.__('Log scale')}
          checked={view.isLog}
          onChange={isStudyLog => onOptions({ isStudyLog })}
        />
      )}
      {COMPARING.includes(plot) && <ComparedStudies {...props} />}
      {first.legend?.map(({ name, colour, isCross }) => (
        <span key={name} className="pyr-control pyr-faint">
          {isCross ? (
            <b style={{ color: colour }}>×</b>
          ) : (
            <span className="pyr-swatch" style={{ background: colour }} />
          )}
          {name}
        </span>
      ))}
      {first.hint && plot !== 'overview' && (
        <span className="pyr-hint">{first.hint}</span>
      )}
    </div>
  );
}

function KeyChoice(props: {
  label: string;
  value: string;
  keys: readonly string[];
  onChange: (key: string) => void;
}): JSX.Element {
  return <Choice {...props} options={props.keys.map(key => [key, key])} />;
}

/** The axes of a plot, of which each shows another key. */
function AxisChoices(props: {
  x: string;
  y: string;
  keys: readonly string[];
  onX: (key: string) => void;
  onY: (key: string) => void;
}): JSX.Element {
  const { x, keys } = props;
  const trans = useTrans();
  return (
    <>
      <KeyChoice
        label={trans.__('X axis')}
        value={x}
        keys={keys}
        onChange={props.onX}
      />
      <KeyChoice
        label={trans.__('Y axis')}
        value={props.y}
        keys={keys.filter(key => key !== x)}
        onChange={props.onY}
      />
    </>
  );
}

/** Which other studies of the same objectives are shown too. */
function ComparedStudies(
  props: IPlotPanelProps & { from: IStudyPlots }
): JSX.Element | null {
  const { options, onOptions, isDark } = props;
  const { comparable, others } = props.from;
  const trans = useTrans();
  if (comparable.length === 0) {
    return null;
  }
  const chosen = options.comparedStudies;
  return (
    <div
      className="pyr-control pyr-study-compared"
      role="group"
      aria-label={trans.__('Compare with other studies')}
    >
      <span>{trans.__('Compare with')}</span>
      {comparable.map(({ name }) => {
        const at = others.findIndex(other => other.name === name);
        return (
          <button
            key={name}
            type="button"
            className="pyr-choice-chip"
            aria-pressed={chosen.includes(name)}
            onClick={() =>
              onOptions({
                comparedStudies: chosen.includes(name)
                  ? chosen.filter(each => each !== name)
                  : [...chosen, name].slice(-MAX_COMPARED_STUDIES)
              })
            }
          >
            {at >= 0 && (
              <span
                className="pyr-swatch"
                style={{ background: otherColour(at, isDark) }}
              />
            )}
            {name}
          </button>
        );
      })}
    </div>
  );
}

function plotName(trans: ITrans, plot: StudyPlot): string {
  const words: Record<StudyPlot, string> = {
    overview: trans.__('Overview'),
    pareto: trans.__('Pareto front'),
    importance: trans.__('Importance'),
    contour: trans.__('Contour'),
    rank: trans.__('Rank'),
    parallel: trans.__('Parallel'),
    edf: trans.__('EDF'),
    timeline: trans.__('Timeline')
  };
  return words[plot];
}
