/** Tasks as cards with their metrics and a sparkline. */
import * as React from 'react';

import type { TaskRow } from '../../client/types';
import { isActive } from '../../model/active';
import type { ISparkline, SparklineModel } from '../../model/sparkline';
import { aggregatedMetric, byWeight } from '../../model/metrics';
import type { TaskListModel } from '../../model/tasklist';
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
import { moveFocus } from '../shared/keyboardnav';
import type { IPoint } from '../shared/popup';
import { useListSelection } from '../shared/selection';
import { AlertIcon, StatusLabel } from '../shared/status';
import { RunProgress } from '../shared/tasklines';
import { useSize, useStore } from '../shared/store';
import { IconButton } from '../shared/button';
import { useVirtualRows } from '../shared/virtualrows';
import { useVisibleTasks } from './grid';
import { TagChips } from './tags';

/** Height of a card and the gap below it in pixels, as in style/cards.css. */
const CARD_HEIGHT = 132;
const MIN_CARD_WIDTH = 250;

/** Values and metrics that fit on a card. */
const MAX_VALUES = 4;
const MAX_METRICS = 3;

export interface ICardsProps {
  model: TaskListModel;
  state: ITaskListState;
  curves: SparklineModel;
  onOpenLog: (row: TaskRow) => void;
  /** Run or stop a task, whichever is possible; hidden without it. */
  onRunOrStop?: (row: TaskRow) => void;
  onMenu: (anchor: HTMLElement, at: IPoint, names: readonly string[]) => void;
  onActive: (name: string) => void;
}

export function Cards(props: ICardsProps): JSX.Element {
  const { model, state } = props;
  const trans = useTrans();
  const [scroller, size] = useSize<HTMLDivElement>();
  const { curves } = useStore(props.curves);
  const across = Math.max(1, Math.floor((size.width || 900) / MIN_CARD_WIDTH));
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

  const { click, namesAt } = useListSelection({
    count: state.total,
    selection: state.selection,
    nameAt: index => state.rows[index]?.name,
    select: (names, mode) => model.select(names, mode)
  });
  const menu = (event: React.MouseEvent<HTMLElement>, index: number) => {
    event.preventDefault();
    event.stopPropagation();
    props.onMenu(
      event.currentTarget,
      { x: event.clientX, y: event.clientY },
      namesAt(index)
    );
  };

  return (
    <div
      ref={scroller}
      className="pyr-grid pyr-cards"
      role="list"
      aria-label={trans.__('Tasks')}
      aria-busy={state.refreshing}
      onKeyDown={event => {
        const steps = {
          ArrowRight: 1,
          ArrowLeft: -1,
          ArrowDown: across,
          ArrowUp: -across
        };
        if ((event.target as HTMLElement).matches('[role=listitem]')) {
          moveFocus(event, '[role=listitem]', steps, false);
        }
      }}
      data-jp-suppress-context-menu=""
    >
      <div style={{ height: virtualizer.getTotalSize(), position: 'relative' }}>
        {items.map(item => (
          <div
            key={item.index}
            role="presentation"
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
                  row={row}
                  goals={state.goals}
                  curve={curves.get(row.name)}
                  place={[index + 1, state.total]}
                  selected={state.selection.has(row.name)}
                  pending={state.pending.get(row.name)}
                  now={now}
                  onSelect={event => {
                    click(event, index);
                    props.onActive(row.name);
                  }}
                  onOpen={() => props.onOpenLog(row)}
                  onRunOrStop={
                    props.onRunOrStop && row.readable
                      ? () => props.onRunOrStop?.(row)
                      : undefined
                  }
                  onMenu={event => menu(event, index)}
                />
              ) : (
                <div key={index} className="pyr-task-card">
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
  row: TaskRow;
  goals: ITaskListState['goals'];
  curve: ISparkline | undefined;
  place: [number, number];
  selected: boolean;
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
  return (
    <div
      role="listitem"
      className={`pyr-task-card ${props.selected ? 'pyr-is-selected' : ''}`}
      aria-posinset={props.place[0]}
      aria-setsize={props.place[1]}
      aria-current={props.selected}
      data-task={row.name}
      data-status={row.status}
      tabIndex={0}
      onClick={props.onSelect}
      onDoubleClick={props.onOpen}
      onContextMenu={props.onMenu}
      onKeyDown={event => {
        if (event.target !== event.currentTarget) {
          return;
        }
        if (event.key === 'Enter') {
          props.onOpen();
        } else if (event.key === ' ') {
          event.preventDefault();
          event.currentTarget.click();
        }
      }}
    >
      <div className="pyr-task-card-head">
        <StatusLabel task={row} pending={props.pending} />
        <AlertIcon alert={row.alert} />
        {!props.pending && <RunProgress task={row} />}
        <span className="pyr-task-time">{time}</span>
        <span
          className="pyr-task-card-actions"
          onClick={event => event.stopPropagation()}
          onDoubleClick={event => event.stopPropagation()}
        >
          {props.onRunOrStop && (
            <IconButton
              icon={isActive(row.status) ? 'stop' : 'run'}
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
            label={trans.__('Open the log of %1', row.name)}
            onClick={props.onOpen}
          />
        </span>
      </div>
      <div className="pyr-task-card-name" title={row.name}>
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
