/** Tasks as cards with their metrics and a sparkline. */
import * as React from 'react';

import type { TaskRow } from '../../client/types';
import { isActive } from '../../model/active';
import type { ISparkline, SparklineModel } from '../../model/sparkline';
import { aggregatedMetric, byWeight } from '../../model/metrics';
import type { ITaskListState } from '../../model/taskliststate';
import { useTrans } from '../shared/context';
import { Sparkline } from '../shared/sparkline';
import {
  duration,
  elapsed,
  exactValue,
  plainValue,
  relativeTime,
  shortValue,
  withoutFolders
} from '../shared/format';
import { AlertIcon, StatusLabel } from '../shared/status';
import { RunProgress } from '../shared/tasklines';
import { useSize, useStore } from '../shared/store';
import { IconButton } from '../shared/button';
import { useVirtualRows } from '../shared/virtualrows';
import { useVisibleTasks } from './grid';
import { TagChips } from './tags';
import type { ITasksProps } from './taskkeys';
import { useTaskKeys } from './taskkeys';

/** Height of a card and the gap below it in pixels, as in style/cards.css. */
const CARD_HEIGHT = 132;
const MIN_CARD_WIDTH = 250;

/** Values and metrics that fit on a card. */
const MAX_VALUES = 4;
const MAX_METRICS = 3;

export interface ICardsProps extends ITasksProps {
  curves: SparklineModel;
  /** Run or stop a task, whichever is possible; hidden without it. */
  onRunOrStop?: (row: TaskRow) => void;
}

export function Cards(props: ICardsProps): JSX.Element {
  const { model, state } = props;
  const trans = useTrans();
  const [scroller, size] = useSize<HTMLDivElement>();
  const { curves } = useStore(props.curves);
  // A hidden page has no width, and keeps its columns.
  const width = React.useRef(900);
  width.current = size.width || width.current;
  const across = Math.max(1, Math.floor(width.current / MIN_CARD_WIDTH));
  const lines = Math.ceil(state.total / across);
  const virtualizer = useVirtualRows(scroller, lines, CARD_HEIGHT, {
    overscan: 3
  });
  const items = virtualizer.getVirtualItems();
  const first = (items[0]?.index ?? 0) * across;
  const last = ((items[items.length - 1]?.index ?? 0) + 1) * across - 1;
  const { shown, now } = useVisibleTasks(model, state, first, last);
  React.useEffect(() => {
    props.curves.setVisibleTasks(
      shown,
      byWeight(state.columns.figures, state.goals)
    );
  }, [props.curves, shown, state.columns.figures, state.goals]);

  const { active, click, idOf, onMenu, attributes } = useTaskKeys(props, {
    scroller,
    range: [first, last],
    across,
    reveal: index => virtualizer.scrollToIndex(Math.floor(index / across)),
    page: () => {
      const height = scroller.current?.clientHeight ?? 0;
      return across * Math.max(1, Math.floor(height / CARD_HEIGHT));
    }
  });

  return (
    <div
      ref={scroller}
      className="pyr-grid pyr-cards"
      role="grid"
      aria-label={trans.__('Tasks')}
      aria-rowcount={lines}
      aria-colcount={across}
      data-jp-suppress-context-menu=""
      {...attributes}
    >
      <div
        role="rowgroup"
        style={{ height: virtualizer.getTotalSize(), position: 'relative' }}
      >
        {items.map(item => (
          <div
            key={item.index}
            role="row"
            aria-rowindex={item.index + 1}
            className="pyr-cards-line"
            style={{
              gridTemplateColumns: `repeat(${across}, minmax(0, 1fr))`,
              transform: `translateY(${item.start}px)`
            }}
          >
            {Array.from({ length: across }, (_, place) => {
              const index = item.index * across + place;
              const row = state.rows[index];
              if (index >= state.total) {
                return null;
              }
              return row ? (
                <TaskCard
                  key={row.name}
                  id={idOf(index)}
                  row={row}
                  goals={state.goals}
                  curve={curves.get(row.name)}
                  column={place + 1}
                  selected={state.selection.has(row.name)}
                  active={index === active}
                  pending={state.pending.get(row.name)}
                  now={now}
                  onSelect={event => click(event, index)}
                  onOpen={() => props.onOpenLog(row)}
                  onRunOrStop={
                    props.onRunOrStop && row.readable
                      ? () => props.onRunOrStop?.(row)
                      : undefined
                  }
                  onMenu={event => onMenu(event, index)}
                />
              ) : (
                <div key={index} role="gridcell" className="pyr-task-card">
                  <span className="pyr-skeleton-line" />
                </div>
              );
            })}
          </div>
        ))}
      </div>
    </div>
  );
}

function TaskCard(props: {
  id: string;
  row: TaskRow;
  goals: ITaskListState['goals'];
  curve: ISparkline | undefined;
  column: number;
  selected: boolean;
  active: boolean;
  pending: React.ComponentProps<typeof StatusLabel>['pending'];
  now: number;
  onSelect: (event: React.MouseEvent) => void;
  onOpen: () => void;
  onRunOrStop?: () => void;
  onMenu: (event: React.MouseEvent<HTMLElement>) => void;
}): JSX.Element {
  const trans = useTrans();
  const { row, now } = props;
  const aggregates = Object.entries(row.values ?? {}).filter(
    ([key]) => aggregatedMetric(key) !== null
  );
  const figures = [
    ...aggregates,
    ...byWeight(Object.keys(row.figures), props.goals).map(
      key => [key, row.figures[key]] as const
    )
  ].slice(0, Math.max(MAX_METRICS, aggregates.length));
  const values = Object.entries(row.swept);
  const time =
    row.status === 'running'
      ? duration(trans, elapsed(row, now))
      : relativeTime(trans, row.finished_at ?? row.created_at, now);
  const classes = [
    'pyr-task-card',
    props.selected && 'pyr-is-selected',
    props.active && 'pyr-is-active'
  ];
  return (
    <div
      id={props.id}
      role="gridcell"
      className={classes.filter(Boolean).join(' ')}
      aria-colindex={props.column}
      aria-selected={props.selected}
      data-task={row.name}
      data-status={row.status}
      onClick={props.onSelect}
      onDoubleClick={event => {
        if (!(event.target as HTMLElement).closest('button')) {
          props.onOpen();
        }
      }}
      onContextMenu={props.onMenu}
    >
      <div className="pyr-task-card-head">
        <StatusLabel task={row} pending={props.pending} />
        <AlertIcon alert={row.alert} />
        {!props.pending && <RunProgress task={row} />}
        <span className="pyr-task-time">{time}</span>
        <span
          className="pyr-task-card-actions pyr-on-hover"
          onClick={event => event.stopPropagation()}
          onDoubleClick={event => event.stopPropagation()}
        >
          {props.onRunOrStop && (
            <IconButton
              icon={isActive(row.status) ? 'stop' : 'run'}
              tabIndex={-1}
              label={
                isActive(row.status)
                  ? trans.__('Stop %1', row.name)
                  : trans.__('Run %1', row.name)
              }
              onClick={props.onRunOrStop}
            />
          )}
          <IconButton
            icon="log"
            tabIndex={-1}
            label={trans.__('Open the log of %1', row.name)}
            onClick={props.onOpen}
          />
        </span>
      </div>
      <div className="pyr-task-card-name pyr-cut" title={row.name}>
        {row.name}
      </div>
      <div className="pyr-task-card-values">
        {values.slice(0, MAX_VALUES).map(([key, value]) => (
          <span key={key} title={`${key}=${exactValue(value)}`}>
            {key} <b>{shortValue(value)}</b>
          </span>
        ))}
        {values.length > MAX_VALUES && (
          <span>{`+${values.length - MAX_VALUES}`}</span>
        )}
        <TagChips trans={trans} tags={row.tags} />
      </div>
      {row.status === 'failed' || !row.readable ? (
        <p className="pyr-task-card-message" title={row.message ?? ''}>
          {withoutFolders(row.message ?? '')}
        </p>
      ) : (
        <div className="pyr-task-card-metrics">
          {figures.map(([key, value]) => (
            <span key={key} title={exactValue(value)}>
              <small>{key}</small>
              <b>{plainValue(value)}</b>
            </span>
          ))}
          {props.curve && (
            <Sparkline curve={props.curve} label={trans.__('Curve')} />
          )}
        </div>
      )}
    </div>
  );
}
