import * as React from 'react';

import type { Curve } from '../../client/types';
import { axesOf, pointsOver } from '../../model/axis';
import { byWeight } from '../../model/metrics';
import type { LogModel } from '../../model/log';
import { isSystemMetric, sortedSystemMetrics } from '../../model/systemmetrics';
import {
  axisName,
  axisText,
  type Chart,
  ChartView,
  linesChart,
  PAPER,
  seriesColour,
  useChartTheme
} from '../shared/chart';
import { Choice } from '../shared/choice';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { formatNumber } from '../shared/format';
import { useStore } from '../shared/store';
import { metricTitle } from '../shared/systemmetrics';
import { LogMetricsPreview } from './logmetrics';

/** Height of a chart, in pixels. */
const CHART_HEIGHT_PX = 158;

/** The curves of the run whose log is shown, live. */
export function RunCurves(props: { log: LogModel }): JSX.Element {
  const { log } = props;
  const trans = useTrans();
  const { curves, messages, isLoading, error } = useStore(log.curves);
  const place = React.useRef<HTMLElement>(null);
  const theme = useChartTheme(place) ?? PAPER;
  const [chosen, setAxis] = React.useState<string | null>(null);

  const metrics = curves.filter(curve => !isSystemMetric(curve.key));
  const axes = axesOf(metrics);
  const axis = chosen !== null && axes.includes(chosen) ? chosen : axes[0];
  const { charts, system } = React.useMemo(() => {
    const keys = curves.map(curve => curve.key);
    const all = new Map(curves.map(curve => [curve.key, curve]));
    const of = (key: string, over: string) =>
      chartOf(trans, all.get(key), over, theme.isDark);
    return {
      charts: byWeight(keys.filter(key => !isSystemMetric(key)))
        .filter(key => key !== axis)
        .flatMap(key => of(key, axis) ?? []),
      system: sortedSystemMetrics(keys.filter(isSystemMetric)).flatMap(
        key => of(key, 'time') ?? []
      )
    };
  }, [curves, axis, theme.isDark, trans]);

  return (
    <aside
      className="pyr-log-curves"
      ref={place}
      aria-label={trans.__('Curves of the run')}
    >
      <div className="pyr-log-curves-head">
        <Choice
          label={trans.__('X axis')}
          value={axis}
          options={axes.map(each => [each, axisName(trans, each)])}
          onChange={setAxis}
        />
      </div>
      {charts.map(({ key, ...each }) => (
        <CurveFigure key={key} {...each} />
      ))}
      {charts.length === 0 && !isLoading && (
        <p className="pyr-hint">
          {error?.message ??
            trans.__(
              'No metrics yet. Log them with pyruns_jupyter.track(loss=…), or with TensorBoard, W&B, MLflow or CSV files (how-to “Use the metrics your script already logs”).'
            )}
        </p>
      )}
      {system.length > 0 && (
        <details className="pyr-log-system" open>
          <summary>{trans.__('System')}</summary>
          {system.map(({ key, ...each }) => (
            <CurveFigure key={key} {...each} />
          ))}
        </details>
      )}
      {messages.length > 0 && (
        <details className="pyr-log-messages">
          <summary>
            {trans._n(
              '%1 metric file was not read completely',
              '%1 metric files were not read completely',
              messages.length
            )}
          </summary>
          {messages.map(message => (
            <p key={message} className="pyr-hint">
              {message}
            </p>
          ))}
        </details>
      )}
      <LogMetricsPreview log={log} />
    </aside>
  );
}

interface ICurveChart {
  readonly title: string;
  readonly last: string;
  readonly chart: Chart;
}

/** A curve over an axis; null if it has no points there. */
function chartOf(
  trans: ITrans,
  curve: Curve | undefined,
  axis: string,
  isDark: boolean
): (ICurveChart & { readonly key: string }) | null {
  const points = curve && pointsOver(curve, axis);
  if (!curve || !points) {
    return null;
  }
  const { key, values } = curve;
  const title = metricTitle(trans, key);
  const line = {
    ...points,
    id: key,
    name: title,
    colour: seriesColour(0, isDark)
  };
  const last = values[values.length - 1];
  return {
    key,
    title,
    last: last === null ? '–' : formatNumber(last),
    chart: linesChart({
      lines: [line],
      xName: axisName(trans, axis),
      xText: axisText(trans, axis)
    })
  };
}

function CurveFigure({ title, last, chart }: ICurveChart): JSX.Element {
  const trans = useTrans();
  return (
    <figure className="pyr-log-curve">
      <figcaption>
        <span className="pyr-log-curve-name pyr-cut" title={title}>
          {title}
        </span>
        <span className="pyr-log-curve-last">{last}</span>
      </figcaption>
      <ChartView
        chart={chart}
        height={CHART_HEIGHT_PX}
        label={trans.__('Curve of %1, now %2', title, last)}
      />
    </figure>
  );
}
