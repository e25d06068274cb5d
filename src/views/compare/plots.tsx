/** Scatter plot, heatmap, parallel coordinates, importance. */
import * as React from 'react';

import type { CompareModel, IColumn } from '../../model/compare';
import { targetCandidates } from '../../model/compare';
import { ChartView } from '../shared/chart';
import { Choice, Toggle } from '../shared/choice';
import { useTrans } from '../shared/context';
import { EmptyState } from '../shared/emptystate';
import type { IPlot, PlotTab } from './charts';
import { heatmapAxes, plotOf, scatterAxes } from './charts';
import type { FocusModel } from './focus';
import { FocusChart } from './focus';
import type { IOptions } from './options';
import type { IComparisonView } from './comparisonview';

export interface IPlotProps {
  model: CompareModel;
  tab: PlotTab;
  shown: IComparisonView;
  options: IOptions;
  onOptions: (change: Partial<IOptions>) => void;
  focus: FocusModel;
  onOpenLog: (task: string) => void;
}

/** One plot of all tasks, or why there is none. */
export function Plot(props: IPlotProps): JSX.Element {
  const { tab, shown, options } = props;
  const trans = useTrans();
  const plot = React.useMemo(
    () => plotOf(trans, tab, shown, options),
    [trans, tab, shown, options]
  );
  return (
    <>
      <div className="pyr-controls">
        {tab === 'scatter' ? (
          <ScatterControls {...props} />
        ) : (
          <Choice
            label={trans.__('Metric')}
            value={shown.targetMetric?.key ?? ''}
            options={targetCandidates(shown.columns).map(({ key }) => [
              key,
              key
            ])}
            onChange={key => props.model.setTargetMetric(key)}
          />
        )}
        {tab === 'heatmap' && <HeatmapControls {...props} />}
        <span className="pyr-hint">{plot.hint}</span>
      </div>
      <div
        className={`pyr-plot${tab === 'importance' ? ' pyr-plot-bars' : ''}`}
      >
        <PlotView {...props} plot={plot} />
      </div>
    </>
  );
}

/** The chart of a plot, or why there is none. */
export function PlotView(props: {
  plot: IPlot;
  focus: FocusModel;
  onOpenLog: (task: string) => void;
}): JSX.Element {
  const { chart, label, height, title, wanting } = props.plot;
  const trans = useTrans();
  if (props.plot.isLoading) {
    return <p className="pyr-loading">{trans.__('Loading…')}</p>;
  }
  if (!chart) {
    return (
      <EmptyState
        icon="curve"
        title={title ?? trans.__('Not enough data')}
        text={wanting}
      />
    );
  }
  const common = { chart, label, height };
  return props.plot.hasNoTasks ? (
    <ChartView {...common} />
  ) : (
    <FocusChart {...common} focus={props.focus} onOpen={props.onOpenLog} />
  );
}

/** A choice of parameters and metrics, grouped by kind. */
function ColumnChoice(props: {
  label: string;
  value: string;
  columns: readonly IColumn[];
  onChange: (key: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const kinds = {
    parameter: trans.__('Parameters'),
    metric: trans.__('Metrics')
  };
  return (
    <Choice
      {...props}
      options={props.columns.map(({ key, kind }) => [key, key, kinds[kind]])}
    />
  );
}

function ScatterControls(props: IPlotProps): JSX.Element {
  const { shown, onOptions } = props;
  const trans = useTrans();
  const axes = scatterAxes(shown, props.options);
  return (
    <>
      <ColumnChoice
        label={trans.__('X axis')}
        value={axes?.x.key ?? ''}
        columns={shown.columns}
        onChange={scatterX => onOptions({ scatterX })}
      />
      <Toggle
        label={trans.__('Log x')}
        checked={axes?.isLogX ?? false}
        onChange={isScatterLogX => onOptions({ isScatterLogX })}
      />
      <ColumnChoice
        label={trans.__('Y axis')}
        value={axes?.y.key ?? ''}
        columns={shown.columns.filter(column => column.numbers)}
        onChange={scatterY => onOptions({ scatterY })}
      />
      <Toggle
        label={trans.__('Log y')}
        checked={axes?.isLogY ?? false}
        onChange={isScatterLogY => onOptions({ isScatterLogY })}
      />
    </>
  );
}

function HeatmapControls(props: IPlotProps): JSX.Element {
  const { shown, onOptions } = props;
  const trans = useTrans();
  const axes = heatmapAxes(shown, props.options);
  return (
    <>
      <ColumnChoice
        label={trans.__('X axis')}
        value={axes?.x.key ?? ''}
        columns={shown.parameters}
        onChange={heatX => onOptions({ heatX })}
      />
      <ColumnChoice
        label={trans.__('Y axis')}
        value={axes?.y.key ?? ''}
        columns={shown.parameters}
        onChange={heatY => onOptions({ heatY })}
      />
    </>
  );
}
