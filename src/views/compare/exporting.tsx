import * as React from 'react';

import type { StudyDetail } from '../../client/types';
import type { IComparedCurvesState } from '../../model/comparedcurves';
import { useAttempt } from '../shared/attempt';
import { barsHeight, PAPER } from '../shared/chart';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { Menu } from '../shared/menu';
import { OpenButton } from '../shared/popup';
import { save } from '../shared/save';
import {
  axesFor,
  curveKeys,
  curvesChart,
  heatmapAxes,
  heatmapOf,
  importanceChart,
  importances,
  parallelOf,
  scatterAxes,
  scatterOf
} from './charts';
import type { INamedChart } from './export';
import { csvOf, pngOf, reportOf, svgOf, together } from './export';
import type { IOptions, Tab } from './options';
import { historyOf, slicesOf } from './searchcharts';
import type { IShown } from './shown';

/** Width and heights of charts in files, in pixels. */
const WIDTH = 900;
const CURVES_HEIGHT = 320;
const PLOT_HEIGHT = 460;
const HISTORY = 280;

export interface IExportMenuProps {
  title: string;
  shown: IShown;
  curves: IComparedCurvesState;
  options: IOptions;
  /** The adaptive sweep that is looked at. */
  study: StudyDetail | null;
}

/** The comparison as a file. */
export function ExportMenu(props: IExportMenuProps): JSX.Element {
  const { title, shown, options } = props;
  const trans = useTrans();
  const { failure, attempt } = useAttempt();
  const charts = () => chartsOf(trans, props, [options.tab]);
  const name = `${title.replace(/[^\p{L}\p{N}._-]+/gu, '-')}-${options.tab}`;
  const hasCharts = options.tab !== 'table' && options.tab !== 'failures';

  const give = (make: () => string | Promise<Blob>, file: string, type = '') =>
    attempt(async () => {
      const made = await make();
      save(typeof made === 'string' ? new Blob([made], { type }) : made, file);
    });
  const image =
    <T,>(make: (chart: INamedChart) => T) =>
    (): T => {
      const found = charts();
      if (found.length === 0) {
        throw new Error(trans.__('There is no chart to be saved here.'));
      }
      return make(together(found));
    };

  return (
    <>
      <OpenButton
        icon="download"
        label={trans.__('Export')}
        popup="menu"
        opens={(anchor, close) => (
          <Menu
            anchor={anchor}
            label={trans.__('Export')}
            onClose={close}
            items={[
              {
                id: 'svg',
                label: trans.__('Charts as SVG'),
                disabled: !hasCharts,
                run: () =>
                  void give(image(svgOf), `${name}.svg`, 'image/svg+xml')
              },
              {
                id: 'png',
                label: trans.__('Charts as PNG'),
                disabled: !hasCharts,
                run: () => void give(image(pngOf), `${name}.png`)
              },
              {
                id: 'csv',
                label: trans.__('Table as CSV'),
                run: () =>
                  void give(
                    () => csvOf(shown),
                    `${name}.csv`,
                    'text/csv;charset=utf-8'
                  )
              },
              {
                id: 'html',
                label: trans.__('Everything as one HTML page'),
                run: () =>
                  void give(
                    () =>
                      reportOf(
                        trans,
                        title,
                        shown,
                        chartsOf(trans, props, [
                          'curves',
                          'parallel',
                          'scatter',
                          'heatmap',
                          'importance'
                        ])
                      ),
                    `${title.replace(/[^\p{L}\p{N}._-]+/gu, '-')}.html`,
                    'text/html;charset=utf-8'
                  )
              }
            ]}
          />
        )}
      />
      {failure && (
        <span className="pyr-hint" role="alert">
          {failure}
        </span>
      )}
    </>
  );
}

/** The charts of some tabs, as they are shown. */
function chartsOf(
  trans: ITrans,
  { shown, curves, options, study }: IExportMenuProps,
  tabs: readonly Tab[]
): INamedChart[] {
  const found: INamedChart[] = [];
  const add = (
    tab: Tab,
    name: string,
    make: () => INamedChart['chart'] | null,
    height = PLOT_HEIGHT
  ) => {
    const chart = tabs.includes(tab) ? make() : null;
    if (chart) {
      found.push({ name, chart, width: WIDTH, height });
    }
  };
  const { chosen } = curveKeys(shown, options.curves);
  const axes = axesFor(chosen.map(key => curves.curves.get(key)));
  const axis = axes.includes(options.axis) ? options.axis : axes[0];
  for (const key of chosen) {
    add(
      'curves',
      key,
      () =>
        curvesChart(
          trans,
          key,
          curves.curves.get(key),
          shown.tasks,
          axis ?? 'point',
          options
        ),
      CURVES_HEIGHT
    );
  }
  if (study) {
    add('search', study.name, () => historyOf(trans, study, false), HISTORY);
    for (const { key, chart } of slicesOf(trans, study, false)) {
      add('search', key, () => chart, HISTORY);
    }
  }
  add('parallel', trans.__('Parallel coordinates'), () => parallelOf(shown));
  const scatter = scatterAxes(shown, options);
  add(
    'scatter',
    scatter ? `${scatter.y.key} – ${scatter.x.key}` : '',
    () => scatter && scatterOf(shown, scatter)
  );
  const heat = heatmapAxes(shown, options);
  add(
    'heatmap',
    heat ? `${heat.x.key} × ${heat.y.key}` : '',
    () => heat && heatmapOf(shown, heat)
  );
  const important = importances(shown);
  add(
    'importance',
    trans.__('Importance for %1', shown.judge?.key ?? ''),
    () =>
      important.length > 0
        ? importanceChart(trans, important, PAPER.accent)
        : null,
    barsHeight(important.length)
  );
  return found;
}
