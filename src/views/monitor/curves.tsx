import * as React from 'react';

import { axesOf, pointsOver } from '../../model/axis';
import { byWeight } from '../../model/metrics';
import type { LogModel } from '../../model/log';
import {
  axisName,
  axisText,
  ChartView,
  linesChart,
  PAPER,
  seriesColour,
  useChartTheme
} from '../shared/chart';
import { Choice } from '../shared/choice';
import { useTrans } from '../shared/context';
import { formatNumber } from '../shared/format';
import { useStore } from '../shared/store';

/** Height of a chart, in pixels. */
const CHART_HEIGHT_PX = 158;

/** The curves of the run whose log is shown, live. */
export function RunCurves(props: { log: LogModel }): JSX.Element {
  const { log } = props;
  const trans = useTrans();
  const { curves, isLoading, error } = useStore(log.curves);
  const place = React.useRef<HTMLElement>(null);
  const theme = useChartTheme(place) ?? PAPER;
  const [chosen, setAxis] = React.useState<string | null>(null);

  const axes = axesOf(curves);
  const axis = chosen !== null && axes.includes(chosen) ? chosen : axes[0];
  const charts = React.useMemo(() => {
    const keys = byWeight(curves.map(curve => curve.key));
    return keys.flatMap(key => {
      const curve = curves.find(each => each.key === key);
      const points = curve && key !== axis ? pointsOver(curve, axis) : null;
      if (!curve || !points) {
        return [];
      }
      const line = {
        ...points,
        id: key,
        name: key,
        colour: seriesColour(0, theme.isDark)
      };
      const last = curve.values[curve.values.length - 1];
      return [
        {
          key,
          last: last === null ? '–' : formatNumber(last),
          chart: linesChart({
            lines: [line],
            xName: axisName(trans, axis),
            xText: axisText(trans, axis)
          })
        }
      ];
    });
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
      {charts.map(({ key, last, chart }) => (
        <figure key={key} className="pyr-log-curve">
          <figcaption>
            <span className="pyr-log-curve-name" title={key}>
              {key}
            </span>
            <span className="pyr-log-curve-last">{last}</span>
          </figcaption>
          <ChartView
            chart={chart}
            height={CHART_HEIGHT_PX}
            label={trans.__('Curve of %1, now %2', key, last)}
          />
        </figure>
      ))}
      {charts.length === 0 && !isLoading && (
        <p className="pyr-hint">
          {error?.message ??
            trans.__(
              'No metrics yet. Log them with pyruns_jupyter.track(loss=…).'
            )}
        </p>
      )}
    </aside>
  );
}
