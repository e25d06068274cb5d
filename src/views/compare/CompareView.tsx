import * as React from 'react';

import type { CompareModel } from '../../model/compare';
import type { TaskListModel } from '../../model/tasklist';
import type { IPageProps } from '../actions/action';
import { PAPER, useChartTheme } from '../shared/chart';
import { Choice, Toggle } from '../shared/choice';
import type { ITrans } from '../shared/context';
import { useTrans, withTrans } from '../shared/context';
import { Banner, ConnectionBanner } from '../shared/banner';
import { useStore } from '../shared/store';
import { AggregatesButton } from '../shared/aggregates';
import { Button } from '../shared/button';
import { EmptyState } from '../shared/emptystate';
import { tabId, Tabs } from '../shared/tabs';
import { curveKeys } from './charts';
import { CurvesTab } from './curves';
import { ExportMenu } from './exporting';
import { Failures } from './failures';
import { FocusModel } from './focus';
import { MediaTab } from './media';
import type { IOptions, Tab } from './options';
import { DEFAULT_OPTIONS, TABS } from './options';
import { Plot } from './plots';
import { ComparedTasks } from './comparedtasks';
import { StudyTab } from './study/tab';
import type { IComparisonView } from './comparisonview';
import { viewOfComparison } from './comparisonview';
import { CompareTable } from './table';

/** The tabs that show values of metrics. */
const WITH_AGGREGATES: readonly Tab[] = [
  'table',
  'parallel',
  'scatter',
  'heatmap',
  'importance'
];

/** With more tasks than this the table shows a row, not a column, per task. */
const MAX_TRANSPOSED = 6;

/** The metrics that can have curves. */
function numericMetrics(
  { figures }: IComparisonView,
  aggregates: readonly string[]
): string[] {
  return figures
    .filter(({ key, numbers }) => numbers && !aggregates.includes(key))
    .map(({ key }) => key);
}

export interface ICompareViewProps extends Omit<
  IPageProps,
  'contextRef' | 'onGenerate'
> {
  model: CompareModel;
  /** For the names of exported files. */
  title: string;
  /** The options, at first and whenever this is another object. */
  options?: IOptions;
  onOptions?: (options: IOptions) => void;
  /** The tabs that are offered; all by default. */
  tabs?: readonly Tab[];
  onOpenLog: (task: string) => void;
  /** Open the page on which tasks are chosen. */
  onChoose?: () => void;
  /** Performs actions on failed tasks; without it, none are offered. */
  tasks?: TaskListModel;
  /** Open New tasks with the configurations of tasks. */
  onTemplate?: (tasks: readonly string[]) => void;
}

/** Tasks side by side: a table, curves, plots, failures. */
export const CompareView = withTrans(Compare);

function Compare(props: ICompareViewProps): JSX.Element {
  const { model, tabs: offered = TABS } = props;
  const { curves, studies } = model;
  const trans = useTrans();
  const state = useStore(model);
  const loaded = useStore(curves);
  const { keys } = loaded;
  const place = React.useRef<HTMLDivElement>(null);
  const theme = useChartTheme(place) ?? PAPER;
  const searches = useStore(studies);
  const [options, setOptions] = React.useState(
    props.options ?? DEFAULT_OPTIONS
  );
  React.useEffect(() => {
    if (props.options) {
      setOptions(props.options);
    }
  }, [props.options]);
  const [focus] = React.useState(() => new FocusModel());
  const latest = React.useRef({ options, onOptions: props.onOptions });
  latest.current = { options, onOptions: props.onOptions };
  // Stable, so that the list of tasks is not rendered for each curve.
  const change = React.useCallback((changes: Partial<IOptions>) => {
    const changed = { ...latest.current.options, ...changes };
    setOptions(changed);
    latest.current.onOptions?.(changed);
  }, []);
  const setListWidth = React.useCallback(
    (listWidth: number | null) => change({ listWidth }),
    [change]
  );

  const hasStudies = offered.includes('search');
  React.useEffect(() => {
    model.start();
    if (hasStudies) {
      model.studies.start();
    }
  }, [model, hasStudies]);
  const colouring = options.colouring === 'auto' ? null : options.colouring;
  const { comparison, hidden, goals, targetMetric, aggregates } = state;
  const shown = React.useMemo(
    () =>
      viewOfComparison(
        { comparison, hidden, goals, targetMetric },
        colouring,
        theme.isDark
      ),
    [comparison, hidden, goals, targetMetric, colouring, theme.isDark]
  );
  React.useEffect(() => {
    if (shown && options.tab === 'curves') {
      const rows = shown.tasks.map(({ row }) => row);
      curves.findKeys(rows, numericMetrics(shown, aggregates));
      curves.setVisibleTasks(rows, curveKeys(keys, options.curves).chosen);
    }
  }, [curves, keys, shown, aggregates, options.tab, options.curves]);

  const { missing = [] } = comparison ?? {};
  const isSearch = options.tab === 'search';
  const tabs = offered.filter(
    tab => tab !== 'search' || isSearch || Boolean(searches.items?.length)
  );
  const known = state.names.length > 0 ? shown : null;
  const panel = React.useId();
  return (
    <div className="pyr-view pyr-compare" ref={place}>
      {state.names.length === 0 && !isSearch && (
        <EmptyState
          icon="compare"
          title={trans.__('Nothing to compare yet')}
          text={trans.__('Select tasks on the Tasks page and choose Compare.')}
        >
          {props.onChoose && (
            <Button
              accent
              label={trans.__('Select tasks')}
              onClick={props.onChoose}
            />
          )}
          {tabs.includes('search') && (
            <Button
              label={trans.__('Open study')}
              onClick={() => change({ tab: 'search' })}
            />
          )}
        </EmptyState>
      )}
      {(known || isSearch) && (
        <div className="pyr-fill pyr-compare-body">
          {known && (
            <ComparedTasks
              model={model}
              shown={known}
              hidden={hidden}
              focus={focus}
              width={options.listWidth}
              onWidth={setListWidth}
              onOpenLog={props.onOpenLog}
              onChoose={props.onChoose}
            />
          )}
          <div className="pyr-column pyr-fill pyr-compare-main">
            <Head
              panel={panel}
              tabs={tabs}
              options={options}
              shown={known}
              onOptions={change}
              aggregates={
                known && (
                  <Aggregates model={model} shown={known} chosen={aggregates} />
                )
              }
              exporting={
                known && (
                  <ExportMenu
                    title={props.title}
                    shown={known}
                    curves={loaded}
                    options={options}
                    studies={searches}
                  />
                )
              }
            />
            <div
              className={`pyr-column pyr-fill pyr-compare-panel pyr-compare-panel-${options.tab}`}
              id={panel}
              role="tabpanel"
              aria-labelledby={tabId(panel, options.tab)}
            >
              {isSearch ? (
                <StudyTab
                  {...props}
                  studies={studies}
                  theme={theme}
                  focus={focus}
                  options={options}
                  onOptions={change}
                />
              ) : (
                known && (
                  <Panel
                    {...props}
                    shown={known}
                    loaded={loaded}
                    options={options}
                    onOptions={change}
                    focus={focus}
                  />
                )
              )}
            </div>
          </div>
        </div>
      )}
      {missing.length > 0 && (
        <Banner
          kind="info"
          icon="warning"
          actions={
            <Button
              label={trans.__('Remove from the comparison')}
              onClick={() =>
                model.setNames(
                  state.names.filter(name => !missing.includes(name))
                )
              }
            />
          }
        >
          {trans._n(
            '%1 task no longer exists: %2',
            '%1 tasks no longer exist: %2',
            missing.length,
            missing.slice(0, 3).join(', ')
          )}
        </Banner>
      )}
      {comparison?.notices?.map(({ message }) => (
        <Banner key={message} kind="warning">
          {message}
        </Banner>
      ))}
      <Banner kind="error" onRetry={() => model.retry()}>
        {state.error?.message}
      </Banner>
      {!state.error && (
        <ConnectionBanner source={state} onRetry={() => model.retry()} />
      )}
    </div>
  );
}

/** The tabs, and the options of the active one. */
function Head(props: {
  panel: string;
  tabs: readonly Tab[];
  options: IOptions;
  /** Null while no tasks are compared. */
  shown: IComparisonView | null;
  onOptions: (change: Partial<IOptions>) => void;
  aggregates: JSX.Element | null;
  exporting: JSX.Element | null;
}): JSX.Element {
  const { options, shown, onOptions } = props;
  const trans = useTrans();
  const failed = (shown?.comparison.failures ?? []).reduce(
    (sum, group) => sum + group.names.length,
    0
  );
  return (
    <div className="pyr-line pyr-compare-head">
      <Tabs
        label={trans.__('Comparison')}
        panel={props.panel}
        value={options.tab}
        tabs={props.tabs.map(id => ({
          id,
          label: tabName(trans, id),
          badge: id === 'failures' && failed > 0 && (
            <span className="pyr-tab-count">{failed}</span>
          )
        }))}
        onChange={tab => onOptions({ tab })}
      />
      <div className="pyr-line pyr-compare-options">
        {options.tab === 'search' ||
        options.tab === 'media' ? null : options.tab === 'table' ? (
          shown && (
            <Toggle
              label={trans.__('Tasks as columns')}
              checked={isTransposed(options, shown)}
              onChange={turned => onOptions({ isTransposed: turned })}
            />
          )
        ) : (
          <Choice
            label={trans.__('Color')}
            value={options.colouring}
            options={[
              ['auto', trans.__('Automatic')],
              ['task', trans.__('By task')],
              ['figure', trans.__('By metric')]
            ]}
            onChange={colouring => onOptions({ colouring })}
          />
        )}
        {WITH_AGGREGATES.includes(options.tab) && props.aggregates}
        {props.exporting}
      </div>
    </div>
  );
}

/** The button that adds aggregates of metrics to the comparison. */
function Aggregates(props: {
  model: CompareModel;
  shown: IComparisonView;
  chosen: readonly string[];
}): JSX.Element {
  const { model, shown, chosen } = props;
  const goals = Object.fromEntries(
    shown.figures.map(({ key, goal }) => [key, shown.goals[key] ?? goal])
  );
  return (
    <AggregatesButton
      metrics={numericMetrics(shown, chosen)}
      goals={goals}
      chosen={chosen}
      onChoose={(each, isChosen) => model.setAggregate(each, isChosen)}
    />
  );
}

function isTransposed(options: IOptions, shown: IComparisonView): boolean {
  return options.isTransposed ?? shown.tasks.length <= MAX_TRANSPOSED;
}

function Panel(
  props: ICompareViewProps & {
    shown: IComparisonView;
    loaded: React.ComponentProps<typeof CurvesTab>['curves'];
    options: IOptions;
    onOptions: (change: Partial<IOptions>) => void;
    focus: FocusModel;
  }
): JSX.Element | null {
  const { shown, options } = props;
  switch (options.tab) {
    case 'table':
      return (
        <CompareTable
          model={props.model}
          shown={shown}
          isTransposed={isTransposed(options, shown)}
          focus={props.focus}
          onOpenLog={props.onOpenLog}
        />
      );
    case 'curves':
      return <CurvesTab {...props} curves={props.loaded} />;
    case 'parallel':
    case 'scatter':
    case 'heatmap':
    case 'importance':
      return <Plot {...props} tab={options.tab} />;
    case 'media':
      return <MediaTab {...props} model={props.model.media} />;
    case 'failures':
      return <Failures {...props} groups={shown.comparison.failures} />;
    case 'search':
      return null; // it needs no compared tasks
  }
}

function tabName(trans: ITrans, tab: Tab): string {
  const words: Record<Tab, string> = {
    table: trans.__('Table'),
    curves: trans.__('Curves'),
    parallel: trans.__('Parallel'),
    scatter: trans.__('Scatter'),
    heatmap: trans.__('Heatmap'),
    importance: trans.__('Importance'),
    media: trans.__('Media'),
    failures: trans.__('Failures'),
    search: trans.__('Study')
  };
  return words[tab];
}
