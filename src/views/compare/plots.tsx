/** Scatter plot, heatmap, parallel coordinates, importance. */
import * as React from 'react';

import type { CompareModel } from '../../model/compare';
import { judges } from '../../model/compare';
import { barsHeight, ChartView, rampColour } from '../shared/chart';
import { useTrans } from '../shared/context';
import { Empty } from '../shared/strip';
import {
  heatmapAxes,
  heatmapOf,
  importanceChart,
  importances,
  parallelOf,
  scatterAxes,
  scatterOf
} from './charts';
import { Choice, ColumnChoice, Toggle } from './controls';
import type { IOptions } from './options';
import type { IShown } from './shown';

export interface IPlotProps {
  model: CompareModel;
  shown: IShown;
  options: IOptions;
  onOptions: (change: Partial<IOptions>) => void;
  focus: string | null;
  onFocus: (task: string | null) => void;
  onOpenLog: (task: string) => void;
}

/** By which figure tasks are judged. */
function Judge({ model, shown }: IPlotProps): JSX.Element {
  const trans = useTrans();
  return (
    <Choice
      label={trans.__('Figure')}
      value={shown.judge?.key ?? ''}
      options={judges(shown.columns).map(({ key }) => ({
        value: key,
        label: key
      }))}
      onChange={key => model.setFigure(key)}
    />
  );
}

function TooLittle({ children }: { children: string }): JSX.Element {
  const trans = useTrans();
  return (
    <Empty icon="curve" title={trans.__('Not enough to show')}>
      <p>{children}</p>
    </Empty>
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
      <div className="pyr-plot">
        {chart ? (
          <ChartView
            chart={chart}
            focus={props.focus}
            label={trans.__(
              'Parallel coordinates of %1 tasks',
              shown.tasks.length
            )}
            onPick={props.onFocus}
            onOpen={props.onOpenLog}
          />
        ) : (
          <TooLittle>
            {trans.__(
              'The tasks have to differ in a parameter and have a figure.'
            )}
          </TooLittle>
        )}
      </div>
    </>
  );
}

export function ScatterTab(props: IPlotProps): JSX.Element {
  const { shown, options, onOptions } = props;
  const trans = useTrans();
  const axes = scatterAxes(shown, options);
  const chart = React.useMemo(
    () => axes && scatterOf(shown, axes),
    [shown, axes?.x, axes?.y, axes?.isLogX, axes?.isLogY]
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
      <div className="pyr-plot">
        {chart && axes ? (
          <ChartView
            chart={chart}
            focus={props.focus}
            label={trans.__(
              '%1 over %2 of %3 tasks',
              axes.y.key,
              axes.x.key,
              shown.tasks.length
            )}
            onPick={props.onFocus}
            onOpen={props.onOpenLog}
          />
        ) : (
          <TooLittle>
            {trans.__(
              'The tasks have to differ in a parameter and have a figure.'
            )}
          </TooLittle>
        )}
      </div>
    </>
  );
}

export function HeatmapTab(props: IPlotProps): JSX.Element {
  const { shown, options, onOptions } = props;
  const trans = useTrans();
  const axes = heatmapAxes(shown, options);
  const chart = React.useMemo(
    () => axes && heatmapOf(shown, axes),
    [shown, axes?.x.key, axes?.y.key]
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
      <div className="pyr-plot">
        {chart && axes ? (
          <ChartView
            chart={chart}
            label={trans.__(
              'Mean of %1 over %2 and %3',
              shown.judge?.key ?? '',
              axes.x.key,
              axes.y.key
            )}
          />
        ) : (
          <TooLittle>
            {trans.__(
              'The tasks have to differ in two parameters and have a figure.'
            )}
          </TooLittle>
        )}
      </div>
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
      <div className="pyr-plot pyr-plot-bars">
        {found.length > 0 ? (
          <ChartView
            chart={chart}
            height={barsHeight(found.length)}
            label={found
              .map(each => `${each.key} ${Math.round(100 * each.part)}%`)
              .join(', ')}
          />
        ) : (
          <TooLittle>
            {trans.__(
              'At least three tasks with the figure are needed, and a parameter with fewer values than tasks.'
            )}
          </TooLittle>
        )}
      </div>
    </>
  );
}
