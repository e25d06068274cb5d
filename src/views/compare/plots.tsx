/** Scatter plot, heatmap, parallel coordinates, importance. */
import * as React from 'react';

import type { CompareModel, IColumn } from '../../model/compare';
import { targetCandidates } from '../../model/compare';
import type { Chart } from '../shared/chart';
import { barsHeight, ChartView, rampColour } from '../shared/chart';
import { Choice, Toggle } from '../shared/choice';
import { useTrans } from '../shared/context';
import { EmptyState } from '../shared/emptystate';
import {
  heatmapAxes,
  heatmapOf,
  importanceChart,
  importances,
  parallelOf,
  scatterAxes,
  scatterOf
} from './charts';
import type { FocusModel } from './focus';
import { FocusChart } from './focus';
import type { IOptions } from './options';
import type { IShown } from './shown';

export interface IPlotProps {
  model: CompareModel;
  shown: IShown;
  options: IOptions;
  onOptions: (change: Partial<IOptions>) => void;
  focus: FocusModel;
  onOpenLog: (task: string) => void;
}

/** By which figure tasks are judged. */
function Judge({ model, shown }: IPlotProps): JSX.Element {
  const trans = useTrans();
  return (
    <Choice
      label={trans.__('Figure')}
      value={shown.judge?.key ?? ''}
      options={targetCandidates(shown.columns).map(({ key }) => [key, key])}
      onChange={key => model.setTargetMetric(key)}
    />
  );
}

/** Parameters and figures to choose from, each kind under its name. */
function ColumnChoice(props: {
  label: string;
  value: string;
  columns: readonly IColumn[];
  onChange: (key: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const kinds = {
    parameter: trans.__('Parameters'),
    metric: trans.__('Figures')
  };
  return (
    <Choice
      {...props}
      options={props.columns.map(({ key, kind }) => [key, key, kinds[kind]])}
    />
  );
}

/** A chart of tasks, or why there is none. */
function Plot(props: {
  chart: Chart | null;
  label: string;
  /** What is wanting where there is no chart. */
  wanting: string;
  height?: number;
  /** Tasks are picked in it. */
  picks?: IPlotProps;
}): JSX.Element {
  const { chart, label, wanting, height, picks } = props;
  const trans = useTrans();
  return (
    <div className={`pyr-plot${height === undefined ? '' : ' pyr-plot-bars'}`}>
      {chart && picks ? (
        <FocusChart
          chart={chart}
          label={label}
          height={height}
          focus={picks.focus}
          onOpen={picks.onOpenLog}
        />
      ) : chart ? (
        <ChartView chart={chart} label={label} height={height} />
      ) : (
        <EmptyState
          icon="curve"
          title={trans.__('Not enough to show')}
          text={wanting}
        />
      )}
    </div>
  );
}

export function ParallelTab(props: IPlotProps): JSX.Element {
  const { shown } = props;
  const trans = useTrans();
  const chart = React.useMemo(() => parallelOf(shown), [shown]);
  return (
    <>
      <div className="pyr-controls">
        <Judge {...props} />
        <span className="pyr-hint">
          {trans.__('The most important parameters stand next to the figure.')}
        </span>
      </div>
      <Plot
        chart={chart}
        label={trans.__('Parallel coordinates of %1 tasks', shown.tasks.length)}
        wanting={trans.__(
          'The tasks have to differ in a parameter and have a figure.'
        )}
        picks={props}
      />
    </>
  );
}

export function ScatterTab(props: IPlotProps): JSX.Element {
  const { shown, options, onOptions } = props;
  const trans = useTrans();
  const axes = React.useMemo(
    () => scatterAxes(shown, options),
    [shown, options]
  );
  const chart = React.useMemo(
    () => axes && scatterOf(shown, axes),
    [shown, axes]
  );
  return (
    <>
      <div className="pyr-controls">
        <ColumnChoice
          label={trans.__('Across')}
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
          label={trans.__('Up')}
          value={axes?.y.key ?? ''}
          columns={shown.columns.filter(column => column.numbers)}
          onChange={scatterY => onOptions({ scatterY })}
        />
        <Toggle
          label={trans.__('Log y')}
          checked={axes?.isLogY ?? false}
          onChange={isScatterLogY => onOptions({ isScatterLogY })}
        />
      </div>
      <Plot
        chart={chart}
        label={
          axes
            ? trans.__(
                '%1 over %2 of %3 tasks',
                axes.y.key,
                axes.x.key,
                shown.tasks.length
              )
            : ''
        }
        wanting={trans.__(
          'The tasks have to differ in a parameter and have a figure.'
        )}
        picks={props}
      />
    </>
  );
}

export function HeatmapTab(props: IPlotProps): JSX.Element {
  const { shown, options, onOptions } = props;
  const trans = useTrans();
  const axes = React.useMemo(
    () => heatmapAxes(shown, options),
    [shown, options]
  );
  const chart = React.useMemo(
    () => axes && heatmapOf(shown, axes),
    [shown, axes]
  );
  return (
    <>
      <div className="pyr-controls">
        <Judge {...props} />
        <ColumnChoice
          label={trans.__('Across')}
          value={axes?.x.key ?? ''}
          columns={shown.parameters}
          onChange={heatX => onOptions({ heatX })}
        />
        <ColumnChoice
          label={trans.__('Up')}
          value={axes?.y.key ?? ''}
          columns={shown.parameters}
          onChange={heatY => onOptions({ heatY })}
        />
        <span className="pyr-hint">
          {trans.__('The mean of all tasks with both values.')}
        </span>
      </div>
      <Plot
        chart={chart}
        label={
          axes
            ? trans.__(
                'Mean of %1 over %2 and %3',
                shown.judge?.key ?? '',
                axes.x.key,
                axes.y.key
              )
            : ''
        }
        wanting={trans.__(
          'The tasks have to differ in two parameters and have a figure.'
        )}
      />
    </>
  );
}

export function ImportanceTab(props: IPlotProps): JSX.Element {
  const { shown } = props;
  const trans = useTrans();
  const found = React.useMemo(() => importances(shown), [shown]);
  const chart = React.useMemo(
    () => importanceChart(trans, found, rampColour(0.4)),
    [trans, found]
  );
  return (
    <>
      <div className="pyr-controls">
        <Judge {...props} />
        <span className="pyr-hint">
          {trans.__(
            'How much of the differences each parameter explains alone (ε², Kelley 1935); parameters that work together may have more.'
          )}
        </span>
      </div>
      <Plot
        chart={found.length > 0 ? chart : null}
        label={found
          .map(each => `${each.key} ${Math.round(100 * each.part)}%`)
          .join(', ')}
        wanting={trans.__(
          'At least three tasks with the figure are needed, and a parameter with fewer values than tasks.'
        )}
        height={barsHeight(found.length)}
      />
    </>
  );
}
