/** The virtualised table of tasks, a grid that the keyboard can walk. */
import { getCoreRowModel, useReactTable } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { CurvesModel } from '../../model/curves';
import type { ColumnId } from '../../model/layout';
import { byWeight } from '../../model/figures';
import { partsOf } from '../../model/layout';
import type { TableModel } from '../../model/table';
import type { WorkspaceModel } from '../../model/workspace';
import type { IWorkspaceState } from '../../model/workspacestate';
import { useTrans } from '../shared/context';
import type { IPoint } from '../shared/popup';
import { useKnownTime, useStore } from '../shared/store';
import type { TaskColumn } from './columns';
import { numericSignature, taskColumns } from './columns';
import { GridHeader } from './header';
import type { IRowHandlers } from './row';
import { GridRow } from './row';
import { withTag } from './tags';

/** Height of a row in pixels, as style/manager.css has it. */
export const ROW_HEIGHT = 24;

const CHECK_WIDTH = 32;
const STATE_WIDTH = 112;

export interface IGridProps {
  model: WorkspaceModel;
  state: IWorkspaceState;
  onOpenLog: (row: TaskRow) => void;
  onDelete: () => void;
  onSelectAll: () => void;
  /** Offer what can be done to the selected tasks. */
  onMenu: (anchor: HTMLElement, at: IPoint, names: readonly string[]) => void;
  onMove: (direction: 'up' | 'down', names: readonly string[]) => void;
  table: TableModel;
  curves: CurvesModel;
  onColumnMenu: (anchor: HTMLElement, column: ColumnId) => void;
  /** The keyboard or the pointer stands on another task. */
  onActive: (name: string) => void;
  onDetails: () => void;
}

export function Grid(props: IGridProps): JSX.Element {
  const { model, state } = props;
  const trans = useTrans();
  const id = React.useId();
  const scroller = React.useRef<HTMLDivElement>(null);
  const [active, setActive] = React.useState(-1);
  const anchor = React.useRef(-1);

  const virtualizer = useVirtualizer({
    count: state.total,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    // The header covers the first row when a row is scrolled to the top.
    scrollPaddingStart: 28
  });
  const items = virtualizer.getVirtualItems();
  const first = items[0]?.index ?? 0;
  // None at first: a table of one row has other bounds as soon as it is measured.
  const last = items[items.length - 1]?.index ?? -1;
  React.useEffect(() => {
    model.need(first, last);
  }, [model, first, last, state.listing, state.total]);

  const shown = React.useMemo(
    // Not of the items, which are new objects at each scroll.
    () => state.rows.slice(first, last + 1).flatMap(row => row ?? []),
    [state.rows, first, last]
  );
  // What runs ticks each second; "5 min ago" is not in such a hurry.
  const ticks = shown.some(row => row.status === 'running');
  const now = useKnownTime(state, true, ticks ? 1000 : 15000);
  const clock = React.useRef(now);
  clock.current = now;
  const titled = useStore(model, ({ listing, selection, total }) => ({
    listing,
    selection,
    total
  }));
  const { shown: ids, layout } = useStore(props.table);
  const { key: curveKey, curves } = useStore(props.curves);
  const numeric = React.useMemo(
    () => numericSignature(state.rows, ids),
    [state.rows, ids]
  );
  // Once there was a tag, its room stays.
  const wasTagged = React.useRef(false);
  const tagged = React.useMemo(() => {
    wasTagged.current ||= state.rows.some(row => row && row.tags.length > 0);
    return wasTagged.current;
  }, [state.rows]);
  const latest = React.useRef({ typical: state.typical, curves });
  latest.current = { typical: state.typical, curves };
  const columns = React.useMemo(
    () =>
      taskColumns(ids, {
        trans,
        numeric,
        tagged,
        widths: layout.widths,
        pinned: layout.pinned,
        before: CHECK_WIDTH + STATE_WIDTH,
        now: () => clock.current,
        typical: () => latest.current.typical,
        curve: task => latest.current.curves.get(task)
      }),
    [trans, ids, numeric, tagged, layout.widths, layout.pinned]
  );
  // Curves come for what is in sight, of the figure that a column shows.
  const shownCurve = ids.find(id => partsOf(id).kind === 'curve');
  React.useEffect(() => {
    const parts = shownCurve && partsOf(shownCurve);
    const wanted = parts && 'key' in parts ? parts.key : null;
    if (wanted !== null && wanted !== curveKey) {
      props.curves.choose(wanted);
    }
    props.curves.need(
      shown,
      wanted ? [wanted] : byWeight(state.columns.figures)
    );
  }, [props.curves, shown, shownCurve, curveKey, state.columns.figures]);
  const table = useReactTable<TaskRow>({
    data: shown,
    columns,
    getRowId: row => row.name,
    getCoreRowModel: getCoreRowModel(),
    manualSorting: true,
    autoResetAll: false
  });
  const rowsByName = table.getCoreRowModel().rowsById;
  const template = gridTemplate(columns);
  const width = columns.reduce(
    (sum, column) => sum + column.size,
    CHECK_WIDTH + STATE_WIDTH
  );

  const { onActive } = props;
  const activeName = state.rows[active]?.name;
  React.useEffect(() => {
    if (activeName !== undefined) {
      onActive(activeName);
    }
  }, [activeName, onActive]);

  const between = (from: number, to: number): string[] =>
    state.rows
      .slice(Math.min(from, to), Math.max(from, to) + 1)
      .flatMap(row => row?.name ?? []);

  const onRowClick = (event: React.MouseEvent, index: number, name: string) => {
    setActive(index);
    if (event.shiftKey && anchor.current >= 0) {
      const mode = event.ctrlKey || event.metaKey ? 'add' : 'replace';
      model.select(between(anchor.current, index), mode);
      return;
    }
    anchor.current = index;
    if (event.ctrlKey || event.metaKey) {
      model.select([name], state.selection.has(name) ? 'remove' : 'add');
    } else {
      model.select([name], 'replace');
    }
  };

  const onCheck = (event: React.MouseEvent, index: number, name: string) => {
    event.stopPropagation();
    setActive(index);
    const mode = state.selection.has(name) ? 'remove' : 'add';
    if (event.shiftKey && anchor.current >= 0) {
      model.select(between(anchor.current, index), mode);
    } else {
      anchor.current = index;
      model.select([name], mode);
    }
  };

  const move = (to: number, extend: boolean) => {
    const index = Math.max(0, Math.min(state.total - 1, to));
    if (extend) {
      if (anchor.current < 0) {
        anchor.current = Math.max(0, active);
      }
      model.select(between(anchor.current, index), 'replace');
    } else {
      anchor.current = index;
    }
    setActive(index);
    virtualizer.scrollToIndex(index);
  };

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.target !== event.currentTarget || state.total === 0) {
      return;
    }
    const page = Math.max(
      1,
      Math.floor((scroller.current?.clientHeight ?? 0) / ROW_HEIGHT) - 2
    );
    const row = state.rows[active];
    const command = event.ctrlKey || event.metaKey;
    switch (event.key) {
      case 'ArrowDown':
      case 'ArrowUp':
        if (event.altKey) {
          props.onMove(
            event.key === 'ArrowUp' ? 'up' : 'down',
            namesAt(active)
          );
        } else {
          move(active + (event.key === 'ArrowUp' ? -1 : 1), event.shiftKey);
        }
        break;
      case 'PageDown':
        move(active + page, event.shiftKey);
        break;
      case 'PageUp':
        move(active - page, event.shiftKey);
        break;
      case 'Home':
        move(0, event.shiftKey);
        break;
      case 'End':
        move(state.total - 1, event.shiftKey);
        break;
      case ' ':
        if (row) {
          const mode = state.selection.has(row.name) ? 'remove' : 'add';
          model.select([row.name], mode);
        }
        break;
      case 'Enter':
        if (row) {
          props.onOpenLog(row);
        }
        break;
      case 'Delete':
      case 'Backspace':
        if (event.key === 'Backspace' && !event.metaKey) {
          return;
        }
        if (state.selection.size === 0 && row) {
          model.select([row.name], 'replace');
        }
        props.onDelete();
        break;
      case 'ContextMenu':
        showMenuHere();
        break;
      case 'F10':
        if (!event.shiftKey) {
          return;
        }
        showMenuHere();
        break;
      case 'i':
        props.onDetails();
        break;
      case 'Escape':
        model.select([], 'replace');
        break;
      case 'a':
        if (!command) {
          return;
        }
        props.onSelectAll();
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  /** The selected tasks, or else the one at a place, which is selected then. */
  const namesAt = (index: number): string[] => {
    const name = state.rows[index]?.name;
    if (name === undefined || state.selection.has(name)) {
      return [...state.selection];
    }
    model.select([name], 'replace');
    return [name];
  };

  const showMenu = (index: number, at: IPoint) => {
    const names = namesAt(index);
    if (scroller.current && names.length > 0) {
      scroller.current.focus();
      props.onMenu(scroller.current, at, names);
    }
  };

  const onMenu = (event: React.MouseEvent<HTMLElement>, index: number) => {
    event.preventDefault();
    event.stopPropagation();
    setActive(index);
    anchor.current = index;
    showMenu(index, { x: event.clientX, y: event.clientY });
  };

  /** The keyboard's way: at the row that it stands on. */
  const showMenuHere = () => {
    const row = document.getElementById(`${id}-${active}`);
    if (row && scroller.current) {
      const { left, bottom } = row.getBoundingClientRect();
      const edge = scroller.current.getBoundingClientRect().left;
      showMenu(active, { x: Math.max(left, edge) + 32, y: bottom });
    }
  };

  const onTag = (tag: string) =>
    model.setListing({ query: withTag(state.listing.query, tag) });

  // Rows are rendered seldom, so they look their handlers up here.
  const handlers = React.useRef<IRowHandlers>({
    click: onRowClick,
    check: onCheck,
    open: props.onOpenLog,
    menu: onMenu,
    tag: onTag
  });
  handlers.current = {
    click: onRowClick,
    check: onCheck,
    open: props.onOpenLog,
    menu: onMenu,
    tag: onTag
  };

  return (
    <div
      ref={scroller}
      className="pyr-grid"
      role="grid"
      aria-label={trans.__('Tasks')}
      aria-rowcount={state.total + 1}
      aria-colcount={columns.length + 2}
      aria-multiselectable="true"
      aria-busy={state.refreshing}
      aria-activedescendant={
        active >= first && active <= last ? `${id}-${active}` : undefined
      }
      data-jp-suppress-context-menu=""
      tabIndex={0}
      onContextMenu={event => {
        // Of a key: the pointer's is stopped at its row.
        if (event.target === event.currentTarget) {
          event.preventDefault();
          event.stopPropagation();
        }
      }}
      onScroll={event => {
        // Not by way of React: scrolling must not render anything.
        const { dataset, scrollLeft } = event.currentTarget;
        dataset.shifted = String(scrollLeft > 0);
      }}
      onKeyDown={onKeyDown}
      onFocus={event => {
        if (event.target === event.currentTarget) {
          setActive(old => Math.max(0, old));
        }
      }}
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
          const row = data && rowsByName[data.name];
          const style: React.CSSProperties = {
            gridTemplateColumns: template,
            transform: `translateY(${item.start}px)`
          };
          if (!data || !row) {
            return (
              <div
                key={`at-${item.index}`}
                className="pyr-row pyr-row-loading"
                role="row"
                aria-rowindex={item.index + 2}
                style={style}
              >
                <div role="gridcell" />
                <div role="gridcell">
                  <span className="pyr-bone" />
                </div>
                <div role="gridcell">
                  <span className="pyr-bone" />
                </div>
              </div>
            );
          }
          return (
            <GridRow
              key={`task-${data.name}`}
              id={`${id}-${item.index}`}
              index={item.index}
              row={row}
              data={data}
              columns={columns}
              template={template}
              start={item.start}
              selected={state.selection.has(data.name)}
              active={item.index === active}
              pending={state.pending.get(data.name)}
              // Only what moves by itself is rendered again by the clock.
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

function gridTemplate(columns: TaskColumn[]): string {
  const tracks = columns.map(column =>
    column.meta.grows
      ? `minmax(${column.size}px, ${column.meta.grows}fr)`
      : `${Math.round(column.size)}px`
  );
  return `${CHECK_WIDTH}px ${STATE_WIDTH}px ${tracks.join(' ')}`;
}
