import * as React from 'react';

import type { IComparedCurvesState } from '../../model/comparedcurves';
import { axisName } from '../shared/chart';
import { Choice, Toggle } from '../shared/choice';
import { useTrans } from '../shared/context';
import { Button } from '../shared/button';
import { EmptyState } from '../shared/emptystate';
import { axesFor, curveKeys, curvesChart } from './charts';
import type { FocusModel } from './focus';
import { FocusChart } from './focus';
import type { IOptions } from './options';
import type { IShown } from './shown';

export interface ICurvesTabProps {
  shown: IShown;
  curves: IComparedCurvesState;
  options: IOptions;
  onOptions: (change: Partial<IOptions>) => void;
  focus: FocusModel;
  onOpenLog: (task: string) => void;
}

/** Curves of all tasks over each other, a chart a figure. */
export function CurvesTab(props: ICurvesTabProps): JSX.Element {
  const { shown, curves, options, onOptions, focus } = props;
  const trans = useTrans();
  const [part, setPart] = React.useState<[number, number] | null>(null);
  const { all, chosen } = React.useMemo(
    () => curveKeys(shown, options.curves),
    [shown, options.curves]
  );
  const axes = axesFor(chosen.map(key => curves.curves.get(key)));
  const axis = axes.includes(options.axis)
    ? options.axis
    : (axes[0] ?? 'point');
  React.useEffect(() => setPart(null), [axis, options.isLogX]);
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
          part
        )
      })),
    [trans, chosen, curves.curves, shown, axis, options, part]
  );
  const without = charts.flatMap(({ key, chart }) => (chart ? [] : [key]));

  return (
    <>
      <div
        className="pyr-controls"
        role="toolbar"
        aria-label={trans.__('Curves')}
      >
        <Choice
          label={trans.__('Over')}
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
        {part && (
          <Button
            label={trans.__('Show all')}
            title={trans.__('Show the whole axis again (double click)')}
            onClick={() => setPart(null)}
          />
        )}
      </div>
      <div
        className="pyr-curve-keys"
        role="group"
        aria-label={trans.__('Figures')}
      >
        {all.map(key => (
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
            {key}
          </button>
        ))}
      </div>
      {curves.error && (
        <p className="pyr-hint" role="alert">
          {curves.error.message}
        </p>
      )}
      {charts.length === 0 && (
        <EmptyState
          icon="curve"
          title={trans.__('No figure is chosen')}
          text={
            all.length === 0
              ? trans.__('These tasks have told no figures yet.')
              : trans.__('Choose figures above to see their curves.')
          }
        />
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
                    key,
                    shown.tasks.length
                  )}
                  onOpen={props.onOpenLog}
                  onPart={setPart}
                />
              </div>
            )
        )}
      </div>
      {without.length > 0 && (
        <p className="pyr-curve-without pyr-hint" role="status">
          {curves.waiting > 0
            ? trans.__('Loading curves of %1…', without.join(', '))
            : trans.__('No curves of %1.', without.join(', '))}
        </p>
      )}
    </>
  );
}
