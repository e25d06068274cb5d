/** The virtualised table of tasks, with keyboard navigation. */
import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { SparklineModel } from '../../model/sparkline';
import type { ColumnId } from '../../model/layout';
import { byWeight } from '../../model/metrics';
import { parseColumnId } from '../../model/layout';
import type { TableLayoutModel } from '../../model/tablelayout';
import type { TaskListModel } from '../../model/tasklist';
import type { ITaskListState } from '../../model/taskliststate';
import { useTrans } from '../shared/context';
import { useKnownTime, useSize, useStore } from '../shared/store';
import { useVirtualRows } from '../shared/virtualrows';
import type { ITaskColumn } from './columns';
import { taskColumns } from './columns';
import { numericSignature, widthForNames } from './columnwidths';
import { GridHeader } from './header';
import type { IRowHandlers } from './row';
import { GridRow } from './row';
import type { ITasksProps } from './taskkeys';
import { useTaskKeys } from './taskkeys';

/** Height of a row in pixels, as in style/manager.css. */
export const ROW_HEIGHT = 24;

const CHECK_WIDTH = 32;
const STATE_WIDTH = 112;

export interface IGridProps extends ITasksProps {
  table: TableLayoutModel;
  curves: SparklineModel;
  onColumnMenu: (anchor: HTMLElement, column: ColumnId) => void;
}

export function Grid(props: IGridProps): JSX.Element {
  const { model, state } = props;
  const trans = useTrans();
  const [scroller, room] = useSize<HTMLDivElement>();
  // A row that is scrolled to the top must not lie behind the header.
  const virtualizer = useVirtualRows(scroller, state.total, ROW_HEIGHT, {
    scrollPaddingStart: 28
  });
  const items = virtualizer.getVirtualItems();
  const first = items[0]?.index ?? 0;
  // -1 at first, so that the range of a table with one row changes once measured.
  const last = items[items.length - 1]?.index ?? -1;
  const { active, click, idOf, onMenu, attributes } = useTaskKeys(props, {
    scroller,
    range: [first, last],
    reveal: index => virtualizer.scrollToIndex(index),
    page: () =>
      Math.max(
        1,
        Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT) - 2
      )
  });
  const { shown, now } = useVisibleTasks(model, state, first, last);
  const clock = React.useRef(now);
  clock.current = now;
  const titled = useStore(model, ({ listing, selection, total }) => ({
    listing,
    selection,
    total
  }));
  const { shown: ids, layout } = useStore(props.table);
  const { key: curveKey, curves } = useStore(props.curves);
  // Columns never shrink, so that the other columns do not move.
  const numbers = React.useRef('{}');
  const numeric = React.useMemo(() => {
    numbers.current = numericSignature(state.rows, ids, numbers.current);
    return numbers.current;
  }, [state.rows, ids]);
  const widest = React.useRef(0);
  const nameWidth = React.useMemo(() => {
    widest.current = Math.max(widest.current, widthForNames(state.rows));
    return widest.current;
  }, [state.rows]);
  const latest = React.useRef({ typical: state.typical, curves });
  latest.current = { typical: state.typical, curves };
  const columns = React.useMemo(
    () =>
      taskColumns(ids, {
        trans,
        numeric,
        nameWidth,
        widths: layout.widths,
        pinned: layout.pinned,
        before: CHECK_WIDTH + STATE_WIDTH,
        now: () => clock.current,
        typical: () => latest.current.typical,
        curve: task => latest.current.curves.get(task),
        best: state.best
      }),
    [trans, ids, numeric, nameWidth, layout.widths, layout.pinned, state.best]
  );
  // Load the sparklines of the visible rows, of the metric that a column shows.
  const shownCurve = ids.find(id => parseColumnId(id).kind === 'curve');
  React.useEffect(() => {
    const parts = shownCurve && parseColumnId(shownCurve);
    const wanted = parts && 'key' in parts ? parts.key : null;
    if (wanted !== null && wanted !== curveKey) {
      props.curves.choose(wanted);
    }
    props.curves.setVisibleTasks(
      shown,
      wanted ? [wanted] : byWeight(state.columns.figures, state.goals)
    );
  }, [
    props.curves,
    shown,
    shownCurve,
    curveKey,
    state.columns.figures,
    state.goals
  ]);
  const template = gridTemplate(columns);
  const width = columns.reduce(
    (sum, column) => sum + column.size,
    CHECK_WIDTH + STATE_WIDTH
  );

  React.useEffect(() => {
    if (scroller.current) {
      markHidden(scroller.current);
    }
  }, [scroller, room.width, width]);

  // Rows are memoised, so they read the current handlers from this ref.
  const handlers = React.useRef<IRowHandlers>();
  handlers.current = { click, open: props.onOpenLog, menu: onMenu };

  return (
    <div
      ref={scroller}
      className="pyr-grid"
      role="grid"
      aria-label={trans.__('Tasks')}
      aria-rowcount={state.total + 1}
      aria-colcount={columns.length + 2}
      data-jp-suppress-context-menu=""
      onScroll={event => markHidden(event.currentTarget)}
      {...attributes}
    >
      <GridHeader
        model={model}
        state={titled}
        table={props.table}
        columns={columns}
        onColumnMenu={props.onColumnMenu}
        template={template}
        width={width}
        onSelectAll={props.onSelectAll}
      />
      <div
        className="pyr-grid-body"
        role="rowgroup"
        style={{ height: virtualizer.getTotalSize(), minWidth: width }}
      >
        {items.map(item => {
          const data = state.rows[item.index];
          const style: React.CSSProperties = {
            gridTemplateColumns: template,
            transform: `translateY(${item.start}px)`
          };
          if (!data) {
            return (
              <div
                key={`at-${item.index}`}
                className="pyr-row pyr-row-loading"
                role="row"
                aria-rowindex={item.index + 2}
                style={style}
              >
                <div role="gridcell" />
                {['state', 'name'].map(cell => (
                  <div key={cell} role="gridcell">
                    <span className="pyr-skeleton-line" />
                  </div>
                ))}
              </div>
            );
          }
          return (
            <GridRow
              key={`task-${data.name}`}
              id={idOf(item.index)}
              index={item.index}
              data={data}
              columns={columns}
              template={template}
              start={item.start}
              selected={state.selection.has(data.name)}
              active={item.index === active}
              pending={state.pending.get(data.name)}
              // Only running rows are rendered each second.
              tick={data.status === 'running' ? now : Math.floor(now / 30000)}
              curve={shownCurve && curves.get(data.name)}
              handlers={handlers}
            />
          );
        })}
      </div>
    </div>
  );
}

/** Load the rows of a range; returns the loaded ones and the current time. */
export function useVisibleTasks(
  model: TaskListModel,
  state: ITaskListState,
  first: number,
  last: number
): { shown: readonly TaskRow[]; now: number } {
  React.useEffect(() => {
    model.setVisibleRange(first, last);
  }, [model, first, last, state.listing, state.total]);
  const shown = React.useMemo(
    // Not of the virtual items, which are new objects at each scroll.
    () => state.rows.slice(first, last + 1).flatMap(row => row ?? []),
    [state.rows, first, last]
  );
  // Elapsed times tick each second, "5 min ago" does not have to.
  const ticks = shown.some(row => row.status === 'running');
  const now = useKnownTime(state, true, ticks ? 1000 : 15000);
  return { shown, now };
}

/**
 * Mark on which sides columns are hidden behind the frozen ones. Set directly,
 * because scrolling must not render anything.
 */
function markHidden(grid: HTMLElement): void {
  const { dataset, scrollLeft, scrollWidth, clientWidth } = grid;
  dataset.shifted = String(scrollLeft > 0);
  dataset.cut = String(scrollLeft + clientWidth < scrollWidth - 1);
}

function gridTemplate(columns: ITaskColumn[]): string {
  const tracks = columns.map(({ size, grows, max }) =>
    grows || max
      ? `minmax(${size}px, ${grows ? `${grows}fr` : `${max}px`})`
      : `${Math.round(size)}px`
  );
  return `${CHECK_WIDTH}px ${STATE_WIDTH}px ${tracks.join(' ')}`;
}
