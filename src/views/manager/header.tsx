import * as React from 'react';

import type { ColumnId } from '../../model/layout';
import type { TableLayoutModel } from '../../model/tablelayout';
import type { TaskListModel } from '../../model/tasklist';
import type { ITaskListState } from '../../model/taskliststate';
import { useTrans } from '../shared/context';
import { Icon } from '../shared/icons';
import { Resizer } from '../shared/resizer';
import { SortButton, sortedAs } from '../shared/sorting';
import type { ITaskColumn } from './columns';
import { sortBy } from './columnmenu';
import { placeOf } from './row';

/** The data type of a column that is dragged. */
const DRAGGED = 'application/x-pyruns-column';

/** The part of the list's state that the header shows. */
type HeaderState = Pick<ITaskListState, 'listing' | 'selection' | 'total'>;

export interface IGridHeaderProps {
  model: TaskListModel;
  table: TableLayoutModel;
  state: HeaderState;
  columns: readonly ITaskColumn[];
  template: string;
  width: number;
  onSelectAll: () => void;
  /** Open the menu of a column. */
  onColumnMenu: (anchor: HTMLElement, column: ColumnId) => void;
}

/** The header: titles that sort, and a check box that selects all tasks. */
export const GridHeader = React.memo(function GridHeader(
  props: IGridHeaderProps
): JSX.Element {
  const { model, state } = props;
  const trans = useTrans();
  return (
    <div
      className="pyr-grid-head"
      role="rowgroup"
      style={{ minWidth: props.width }}
    >
      <div
        className="pyr-grid-head-row"
        role="row"
        aria-rowindex={1}
        style={{ gridTemplateColumns: props.template }}
      >
        <div role="columnheader" className="pyr-cell pyr-cell-check">
          <SelectAllBox
            selected={state.selection.size}
            total={state.total}
            title={trans.__('Select all matching tasks')}
            onSelectAll={props.onSelectAll}
            onClear={() => model.select([], 'replace')}
          />
        </div>
        <div
          role="columnheader"
          className="pyr-cell pyr-cell-state"
          aria-sort={sortedAs('status', state.listing)}
        >
          <SortButton
            title={trans.__('Status')}
            sort="status"
            sorted={state.listing}
            onSort={sort => sortBy(model, sort)}
          />
        </div>
        {props.columns.map((column, index) => (
          <ColumnHeader key={column.id} {...props} {...{ column, index }} />
        ))}
      </div>
    </div>
  );
});

/** A check box that selects all tasks of a list, or none. */
export function SelectAllBox(props: {
  selected: number;
  total: number;
  title?: string;
  onSelectAll: () => void;
  onClear: () => void;
}): JSX.Element {
  const { selected, total } = props;
  const trans = useTrans();
  const all = selected > 0 && selected >= total;
  const box = React.useRef<HTMLInputElement>(null);
  React.useEffect(() => {
    if (box.current) {
      box.current.indeterminate = selected > 0 && !all;
    }
  }, [selected, all]);
  return (
    <input
      ref={box}
      type="checkbox"
      checked={all}
      disabled={total === 0}
      aria-label={trans.__('Select all tasks')}
      title={props.title}
      onChange={all ? props.onClear : props.onSelectAll}
    />
  );
}

function ColumnHeader(
  props: IGridHeaderProps & { column: ITaskColumn; index: number }
): JSX.Element {
  const { column, index, table, model, state } = props;
  const trans = useTrans();
  const [over, setOver] = React.useState(false);
  const { sort, title, fullTitle } = column;
  const place = placeOf(column, index);
  const ref = React.useRef<HTMLDivElement>(null);
  const menu = () => {
    if (ref.current) {
      props.onColumnMenu(ref.current, column.id);
    }
  };
  return (
    <div
      ref={ref}
      role="columnheader"
      className={`${place.className} pyr-column-head ${over ? 'pyr-is-drop-target' : ''}`}
      style={place.style}
      data-column={column.id}
      aria-sort={sortedAs(sort, state.listing)}
      draggable={index > 0}
      onDragStart={event => {
        event.dataTransfer.setData(DRAGGED, column.id);
        event.dataTransfer.effectAllowed = 'move';
      }}
      onDragOver={event => {
        if (event.dataTransfer.types.includes(DRAGGED)) {
          event.preventDefault();
          setOver(true);
        }
      }}
      onDragLeave={() => setOver(false)}
      onDrop={event => {
        const dragged = event.dataTransfer.getData(DRAGGED);
        setOver(false);
        if (dragged) {
          event.preventDefault();
          table.moveColumn(dragged, index);
        }
      }}
      onContextMenu={event => {
        event.preventDefault();
        event.stopPropagation();
        menu();
      }}
    >
      {sort === null ? (
        <button
          type="button"
          className="pyr-head-button"
          aria-haspopup="menu"
          title={fullTitle}
          onClick={menu}
        >
          <span className="pyr-head-text">{title}</span>
        </button>
      ) : (
        <SortButton
          title={title}
          fullTitle={fullTitle}
          sort={sort}
          sorted={state.listing}
          onSort={each => sortBy(model, each)}
        />
      )}
      <button
        type="button"
        className="pyr-head-menu pyr-on-hover"
        // With the keyboard, the context menu key on the title opens the menu.
        aria-hidden="true"
        tabIndex={-1}
        title={trans.__('Sort, group, pin, move or hide this column')}
        onClick={menu}
      >
        <Icon name="down" />
      </button>
      <Resizer
        target={ref}
        title={trans.__('Drag to resize; double-click to reset the width')}
        onWidth={width => table.setWidth(column.id, width)}
      />
    </div>
  );
}
