import * as React from 'react';

import type { IComparedCurvesState } from '../../model/comparedcurves';
import { isSystemMetric } from '../../model/systemmetrics';
import { axisName } from '../shared/chart';
import { Choice, Toggle } from '../shared/choice';
import { useTrans } from '../shared/context';
import { Button } from '../shared/button';
import { EmptyState } from '../shared/emptystate';
import { metricTitle } from '../shared/systemmetrics';
import { axisOf, curvesChart, shownCurves } from './charts';
import type { FocusModel } from './focus';
import { FocusChart } from './focus';
import type { IOptions } from './options';
import type { IComparisonView } from './comparisonview';

export interface ICurvesTabProps {
  shown: IComparisonView;
  curves: IComparedCurvesState;
  options: IOptions;
  onOptions: (change: Partial<IOptions>) => void;
  focus: FocusModel;
  onOpenLog: (task: string) => void;
}

/** The curves of all tasks, a chart per metric. */
export function CurvesTab(props: ICurvesTabProps): JSX.Element {
  const { shown, curves, options, onOptions, focus } = props;
  const trans = useTrans();
  const [zoom, setZoom] = React.useState<[number, number] | null>(null);
  const { all, chosen, axes, axis } = React.useMemo(
    () => shownCurves(curves.keys, curves.curves, options),
    [curves.keys, curves.curves, options]
  );
  React.useEffect(() => setZoom(null), [axis, options.isLogX]);
  const charts = React.useMemo(
    () =>
      chosen.map(key => ({
        key,
        chart: curvesChart(
          trans,
          key,
          curves.curves.get(key),
          shown.tasks,
          axis,
          options,
          zoom
        )
      })),
    [trans, chosen, curves.curves, shown, axis, options, zoom]
  );
  const without = charts.flatMap(({ key, chart }) =>
    chart ? [] : [metricTitle(trans, key)]
  );
  const system = all.filter(isSystemMetric);
  const isSystemOpen = system.some(key => chosen.includes(key));
  const chip = (key: string) => (
    <button
      key={key}
      type="button"
      className="pyr-choice-chip"
      aria-pressed={chosen.includes(key)}
      onClick={() =>
        onOptions({
          curves: chosen.includes(key)
            ? chosen.filter(each => each !== key)
            : [...chosen, key]
        })
      }
    >
      {metricTitle(trans, key)}
    </button>
  );

  return (
    <>
      <div
        className="pyr-controls"
        role="toolbar"
        aria-label={trans.__('Curves')}
      >
        <Choice
          label={trans.__('X axis')}
          value={axis}
          options={axes.map(each => [each, axisName(trans, each)])}
          onChange={value => onOptions({ axis: value })}
        />
        <label className="pyr-control">
          <span>{trans.__('Smoothing')}</span>
          <input
            type="range"
            min={0}
            max={0.99}
            step={0.01}
            value={options.smoothing}
            onChange={event =>
              onOptions({ smoothing: Number(event.target.value) })
            }
          />
          <output>{options.smoothing.toFixed(2)}</output>
        </label>
        <Toggle
          label={trans.__('Log x')}
          checked={options.isLogX}
          onChange={isLogX => onOptions({ isLogX })}
        />
        <Toggle
          label={trans.__('Log y')}
          checked={options.isLogY}
          onChange={isLogY => onOptions({ isLogY })}
        />
        {zoom && (
          <Button
            label={trans.__('Show all')}
            title={trans.__('Reset zoom (double-click)')}
            onClick={() => setZoom(null)}
          />
        )}
      </div>
      <div
        className="pyr-curve-keys"
        role="group"
        aria-label={trans.__('Metrics')}
      >
        {all.filter(key => !isSystemMetric(key)).map(chip)}
        {system.length > 0 && (
          <details open={isSystemOpen || undefined}>
            <summary>{trans.__('System metrics')}</summary>
            {system.map(chip)}
          </details>
        )}
      </div>
      {curves.error && (
        <p className="pyr-hint" role="alert">
          {curves.error.message}
        </p>
      )}
      {curves.keys === null ? (
        <p className="pyr-loading">{trans.__('Loading…')}</p>
      ) : all.length === 0 ? (
        <EmptyState
          icon="curve"
          title={trans.__('No curves')}
          text={trans.__(
            'These tasks have not logged metrics per step. Log them with pyruns_jupyter.track(loss=…), or with TensorBoard, W&B, MLflow or CSV files (how-to “Use the metrics your script already logs”).'
          )}
        />
      ) : (
        charts.length === 0 && (
          <EmptyState
            icon="curve"
            title={trans.__('No metric selected')}
            text={trans.__('Select metrics above to see their curves.')}
          />
        )
      )}
      <div className="pyr-curve-grid" aria-busy={curves.waiting > 0}>
        {charts.map(
          ({ key, chart }) =>
            chart && (
              <div key={key} className="pyr-curve-cell">
                <FocusChart
                  chart={chart}
                  focus={focus}
                  label={trans.__(
                    'Curves of %1 of %2 tasks',
                    metricTitle(trans, key),
                    shown.tasks.length
                  )}
                  onOpen={props.onOpenLog}
                  onZoom={axisOf(key, axis) === axis ? setZoom : undefined}
                />
              </div>
            )
        )}
      </div>
      {without.length > 0 && (
        <p className="pyr-curve-missing pyr-hint" role="status">
          {curves.waiting > 0
            ? trans.__('Loading curves of %1…', without.join(', '))
            : trans.__('No curves for %1.', without.join(', '))}
        </p>
      )}
    </>
  );
}
