import * as React from 'react';

import type { IComparedCurvesState } from '../../model/comparedcurves';
import type { IStudiesState } from '../../model/studies';
import { useAttempt } from '../shared/attempt';
import type { Chart } from '../shared/chart';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import type { IMenuItem } from '../shared/menu';
import { Menu } from '../shared/menu';
import { OpenButton } from '../shared/popup';
import { save } from '../shared/save';
import { curvesChart, plotOf, shownCurves } from './charts';
import type { INamedChart } from './export';
import { csvOf, pngOf, reportOf, svgOf, together } from './export';
import type { IOptions, Tab } from './options';
import type { IComparisonView } from './comparisonview';
import { shownPlots } from './study/plots';

/** Width and heights of charts in files, in pixels. */
const WIDTH = 900;
const CURVES_HEIGHT = 320;
const PLOT_HEIGHT = 460;

export interface IExportMenuProps {
  title: string;
  shown: IComparisonView;
  curves: IComparedCurvesState;
  options: IOptions;
  /** The study that is shown, and what its plots need. */
  studies: Pick<IStudiesState, 'compared' | 'detail' | 'importance' | 'items'>;
}

const TYPES: Record<string, string> = {
  svg: 'image/svg+xml',
  csv: 'text/csv;charset=utf-8',
  html: 'text/html;charset=utf-8'
};

const REPORT: readonly Tab[] = [
  'curves',
  'parallel',
  'scatter',
  'heatmap',
  'importance'
];

const NO_CHARTS: readonly Tab[] = ['table', 'media', 'failures'];

/** The menu that exports the comparison. */
export function ExportMenu(props: IExportMenuProps): JSX.Element {
  const { title, shown, options } = props;
  const trans = useTrans();
  const { failure, attempt } = useAttempt();
  const name = title.replace(/[^\p{L}\p{N}._-]+/gu, '-');
  const ofTab = `${name}-${options.tab}`;
  const hasNoCharts = NO_CHARTS.includes(options.tab);
  const chart = (): INamedChart => {
    const found = chartsOf(trans, props, [options.tab]);
    if (found.length === 0) {
      throw new Error(trans.__('This view has no charts to save.'));
    }
    return together(found);
  };
  const item = (
    ending: string,
    label: string,
    base: string,
    make: () => string | Promise<Blob>
  ): IMenuItem => ({
    id: ending,
    label,
    disabled: hasNoCharts && (ending === 'svg' || ending === 'png'),
    run: () =>
      void attempt(async () => {
        const made = await make();
        const blob =
          typeof made === 'string'
            ? new Blob([made], { type: TYPES[ending] })
            : made;
        save(blob, `${base}.${ending}`);
      })
  });

  return (
    <>
      <OpenButton
        icon="download"
        label={trans.__('Export')}
        popup="menu"
        opens={place => (
          <Menu
            {...place}
            label={trans.__('Export')}
            items={[
              item('svg', trans.__('Charts (SVG)'), ofTab, () =>
                svgOf(chart())
              ),
              item('png', trans.__('Charts (PNG)'), ofTab, () =>
                pngOf(chart())
              ),
              item('csv', trans.__('Table (CSV)'), ofTab, () => csvOf(shown)),
              item('html', trans.__('Report (HTML)'), name, () =>
                reportOf(trans, title, shown, chartsOf(trans, props, REPORT))
              )
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
  { shown, curves, options, studies }: IExportMenuProps,
  tabs: readonly Tab[]
): INamedChart[] {
  const { chosen, axis } = shownCurves(curves.keys, curves.curves, options);
  const found = tabs.flatMap((tab): IFound[] => {
    switch (tab) {
      case 'curves':
        return chosen.map(key => ({
          name: key,
          height: CURVES_HEIGHT,
          chart: curvesChart(
            trans,
            key,
            curves.curves.get(key),
            shown.tasks,
            axis,
            options
          )
        }));
      case 'search':
        return studies.detail
          ? [
              ...shownPlots(trans, studies, studies.detail, options, false)
                .plots
            ]
          : [];
      case 'table':
      case 'failures':
      case 'media':
        return [];
      default:
        return [plotOf(trans, tab, shown, options)];
    }
  });
  return found.flatMap(({ name, chart, height = PLOT_HEIGHT }) =>
    chart ? [{ name, chart, width: WIDTH, height }] : []
  );
}

interface IFound {
  name: string;
  chart: Chart | null;
  height?: number;
}
