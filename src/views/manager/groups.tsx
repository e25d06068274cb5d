/** Groups of tasks, a row each, with mean ± std of their metrics. */
import * as React from 'react';

import type { Group, Summary } from '../../client/types';
import { byWeight, isCounter } from '../../model/metrics';
import type { GroupsModel } from '../../model/groups';
import { MAX_GROUPS } from '../../model/groups';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import {
  duration,
  exactValue,
  formatNumber,
  plainValue,
  shortKeys,
  shortValue
} from '../shared/format';
import { useListSelection } from '../shared/selection';
import { SortButton, sortedAs } from '../shared/sorting';
import { STATUSES, StatusIcon } from '../shared/status';
import { useStore } from '../shared/store';
import { EmptyState, Skeleton } from '../shared/emptystate';
import { useVirtualRows } from '../shared/virtualrows';
import { ROW_HEIGHT } from './grid';

const VALUE_WIDTH = 96;
const COUNT_WIDTH = 120;
const FIGURE_WIDTH = 148;
const TIME_WIDTH = 104;

/** Groups that the page keys move by. */
const PAGE_GROUPS = 15;

const NO_GROUPS: ReadonlySet<string> = new Set();

/** Sums over a group; shown if a group has one. */
const USAGE = ['gpu_hours', 'energy_kwh'] as const;
type Usage = (typeof USAGE)[number];

function usageTitle(trans: ITrans, key: Usage): string {
  return key === 'gpu_hours' ? trans.__('GPU-hours') : trans.__('Energy (kWh)');
}

export interface IGroupsProps {
  groups: GroupsModel;
  /** Show the tasks of a group. */
  onOpen: (group: Group) => void;
}

export function GroupTable(props: IGroupsProps): JSX.Element {
  const { groups: groupsModel, onOpen } = props;
  const trans = useTrans();
  const sorted = useStore(groupsModel);
  const { groups, error } = sorted;
  const scroller = React.useRef<HTMLDivElement>(null);
  const items = groups?.items ?? [];
  // A row that is scrolled to the top must not lie behind the header.
  const virtualizer = useVirtualRows(scroller, items.length, ROW_HEIGHT, {
    scrollPaddingStart: 28
  });
  const rendered = virtualizer.getVirtualItems();
  const id = React.useId();
  const { active, setActive, keyDown } = useListSelection({
    count: items.length,
    // Groups are opened, not selected.
    selection: NO_GROUPS,
    nameAt: () => undefined,
    select: () => undefined,
    reveal: index => virtualizer.scrollToIndex(index),
    page: () => PAGE_GROUPS
  });

  if (error) {
    return (
      <EmptyState
        icon="warning"
        title={trans.__('Couldn’t group the tasks')}
        text={error.message}
        onRetry={() => void groupsModel.refresh()}
      />
    );
  }
  if (!groups) {
    return <Skeleton lines={8} label={trans.__('Loading groups…')} />;
  }
  if (items.length === 0) {
    return <EmptyState icon="group" title={trans.__('Nothing to group')} />;
  }
  const figures = byWeight(
    [...new Set(items.flatMap(item => Object.keys(item.figures)))],
    groups.goals
  );
  const best = Object.fromEntries(
    figures.map(key => [key, bestOf(items, key, groups.goals?.[key])])
  );
  const usage = USAGE.filter(key =>
    items.some(item => typeof item[key] === 'number')
  );
  const template =
    `repeat(${groups.by.length}, minmax(${VALUE_WIDTH}px, 200px)) ${COUNT_WIDTH}px ` +
    `${`${FIGURE_WIDTH}px `.repeat(figures.length)}${TIME_WIDTH}px ` +
    `${TIME_WIDTH}px `.repeat(usage.length);
  const width =
    groups.by.length * VALUE_WIDTH +
    COUNT_WIDTH +
    figures.length * FIGURE_WIDTH +
    (1 + usage.length) * TIME_WIDTH;
  const titles = shortKeys(groups.by);
  const head = (
    title: string,
    key: string,
    align: 'left' | 'right',
    fullTitle = title
  ) => (
    <div
      key={key}
      role="columnheader"
      className={`pyr-cell pyr-align-${align}`}
      aria-sort={sortedAs(key, sorted)}
    >
      <SortButton
        title={title}
        fullTitle={fullTitle}
        sort={key}
        sorted={sorted}
        onSort={each => groupsModel.sortBy(each)}
      />
    </div>
  );
  return (
    <div
      ref={scroller}
      className="pyr-grid pyr-groups"
      role="grid"
      aria-label={trans.__('Groups of tasks')}
      aria-rowcount={items.length + 1}
      aria-activedescendant={
        rendered.some(({ index }) => index === active)
          ? `${id}-${active}`
          : undefined
      }
      tabIndex={0}
      onKeyDown={event => {
        if (event.target !== event.currentTarget) {
          return;
        }
        const group = items[active];
        if (group && (event.key === 'Enter' || event.key === ' ')) {
          event.preventDefault();
          onOpen(group);
        } else {
          keyDown(event);
        }
      }}
      onFocus={event => {
        if (event.target === event.currentTarget) {
          setActive(old => Math.max(0, old));
        }
      }}
    >
      <div
        className="pyr-grid-head"
        role="rowgroup"
        style={{ minWidth: width }}
      >
        <div
          className="pyr-grid-head-row"
          role="row"
          style={{ gridTemplateColumns: template }}
        >
          {groups.by.map((key, at) =>
            head(titles[at], `config.${key}`, 'left', key)
          )}
          {head(trans.__('Tasks'), 'tasks', 'left')}
          {figures.map(key => head(key, `figure.${key}`, 'right'))}
          {head(trans.__('Duration'), 'duration', 'right')}
          {usage.map(key => head(usageTitle(trans, key), key, 'right'))}
        </div>
      </div>
      <div
        className="pyr-grid-body"
        role="rowgroup"
        style={{ height: virtualizer.getTotalSize(), minWidth: width }}
      >
        {rendered.map(({ index, start }) => (
          <GroupRow
            key={JSON.stringify(items[index].values)}
            id={`${id}-${index}`}
            active={index === active}
            group={items[index]}
            by={groups.by}
            figures={figures}
            usage={usage}
            best={best}
            index={index}
            style={{
              gridTemplateColumns: template,
              transform: `translateY(${start}px)`
            }}
            onOpen={() => onOpen(items[index])}
          />
        ))}
      </div>
      {groups.total > MAX_GROUPS && (
        <p className="pyr-note">
          {trans.__(
            'Showing the first %1 of %2 groups. Filter the tasks to narrow this down.',
            MAX_GROUPS,
            groups.total.toLocaleString()
          )}
        </p>
      )}
    </div>
  );
}

function GroupRow(props: {
  id: string;
  active: boolean;
  group: Group;
  by: readonly string[];
  figures: readonly string[];
  usage: readonly Usage[];
  best: Readonly<Record<string, number | null>>;
  index: number;
  style: React.CSSProperties;
  onOpen: () => void;
}): JSX.Element {
  const trans = useTrans();
  const { group, by, figures } = props;
  return (
    <div
      id={props.id}
      className={`pyr-row ${props.active ? 'pyr-is-active' : ''}`}
      role="row"
      aria-rowindex={props.index + 2}
      style={props.style}
      title={trans.__('Show these tasks')}
      onClick={props.onOpen}
    >
      {by.map(key => (
        <div key={key} role="gridcell" className="pyr-cell">
          <span title={exactValue(group.values[key])}>
            {shortValue(group.values[key] ?? '–')}
          </span>
        </div>
      ))}
      <div role="gridcell" className="pyr-cell pyr-group-counts">
        <b>{group.tasks.toLocaleString()}</b>
        {STATUSES.filter(
          status => status !== 'completed' && group.counts[status] > 0
        ).map(status => (
          <span key={status}>
            <StatusIcon task={{ status }} />
            {group.counts[status]}
          </span>
        ))}
      </div>
      {figures.map(key => (
        <div key={key} role="gridcell" className="pyr-cell pyr-align-right">
          <SummaryCell
            summary={group.figures[key]}
            isBest={group.figures[key]?.mean === props.best[key]}
          />
        </div>
      ))}
      <div role="gridcell" className="pyr-cell pyr-align-right">
        {typeof group.duration?.mean === 'number'
          ? duration(trans, group.duration.mean)
          : ''}
      </div>
      {props.usage.map(key => (
        <div key={key} role="gridcell" className="pyr-cell pyr-align-right">
          <span title={trans.__('Sum of the latest runs of these tasks')}>
            {plainValue(group[key])}
          </span>
        </div>
      ))}
    </div>
  );
}

function SummaryCell(props: {
  summary: Summary | undefined;
  isBest: boolean;
}): JSX.Element | null {
  const trans = useTrans();
  const { summary } = props;
  if (!summary) {
    return null;
  }
  return (
    <span
      className={props.isBest ? 'pyr-is-best' : undefined}
      title={summaryTitle(trans, summary)}
    >
      {typeof summary.mean === 'number'
        ? formatNumber(summary.mean)
        : summary.mean}
      {summary.deviation !== null && (
        <small>{` ± ${shortFigure(summary.deviation)}`}</small>
      )}
    </span>
  );
}

function summaryTitle(trans: ITrans, summary: Summary): string {
  return trans.__(
    'Mean %1 of %2 runs, from %3 to %4',
    exactValue(summary.mean),
    summary.count,
    exactValue(summary.least),
    exactValue(summary.greatest)
  );
}

/** A standard deviation with two digits. */
function shortFigure(value: number): string {
  return value !== 0 && Math.abs(value) < 1000
    ? String(Number(value.toPrecision(2)))
    : formatNumber(value);
}

/** The best mean of a metric, null without at least two groups. */
function bestOf(
  groups: readonly Group[],
  key: string,
  goal: 'minimize' | 'maximize' | undefined
): number | null {
  const means = groups.flatMap(group => {
    const mean = group.figures[key]?.mean;
    return typeof mean === 'number' ? [mean] : [];
  });
  if (means.length < 2 || isCounter(key) || !goal) {
    return null;
  }
  return goal === 'minimize' ? Math.min(...means) : Math.max(...means);
}
