import type { Row } from '@tanstack/react-table';
import { flexRender } from '@tanstack/react-table';
import * as React from 'react';

import type { Action, TaskRow } from '../../client/types';
import { useTrans } from '../shared/context';
import { StatusLabel } from '../shared/status';
import type { TaskColumn } from './columns';

export interface IRowHandlers {
  click: (event: React.MouseEvent, index: number, name: string) => void;
  check: (event: React.MouseEvent, index: number, name: string) => void;
  open: (row: TaskRow) => void;
  menu: (event: React.MouseEvent<HTMLElement>, row: TaskRow) => void;
}

export interface IRowProps {
  id: string;
  index: number;
  row: Row<TaskRow>;
  data: TaskRow;
  columns: TaskColumn[];
  template: string;
  start: number;
  selected: boolean;
  active: boolean;
  pending: Action | undefined;
  tick: number;
  handlers: React.MutableRefObject<IRowHandlers>;
}

const LOOKS: (keyof IRowProps)[] = [
  'id',
  'data',
  'columns',
  'template',
  'start',
  'selected',
  'active',
  'pending',
  'tick'
];

/** Rendered again only when it looks different. */
export const GridRow = React.memo(
  function GridRow(props: IRowProps): JSX.Element {
    const { data, row, index, handlers } = props;
    const trans = useTrans();
    const classes = ['pyr-row'];
    if (props.selected) {
      classes.push('pyr-is-selected');
    }
    if (props.active) {
      classes.push('pyr-is-active');
    }
    if (props.pending === 'delete') {
      classes.push('pyr-is-leaving');
    }
    return (
      <div
        id={props.id}
        className={classes.join(' ')}
        role="row"
        aria-rowindex={index + 2}
        aria-selected={props.selected}
        data-task={data.name}
        data-status={data.status}
        style={{
          gridTemplateColumns: props.template,
          transform: `translateY(${props.start}px)`
        }}
        onClick={event => handlers.current.click(event, index, data.name)}
        onDoubleClick={() => handlers.current.open(data)}
        onContextMenu={event => handlers.current.menu(event, data)}
      >
        <div role="gridcell" className="pyr-cell pyr-cell-check">
          <input
            type="checkbox"
            tabIndex={-1}
            checked={props.selected}
            readOnly
            aria-label={trans.__('Select %1', data.name)}
            onClick={event => handlers.current.check(event, index, data.name)}
            onDoubleClick={event => event.stopPropagation()}
          />
        </div>
        <div role="gridcell" className="pyr-cell">
          <StatusLabel
            status={data.status}
            pending={props.pending}
            detail={data.message}
          />
        </div>
        {row.getVisibleCells().map(cell => {
          const { meta } = cell.column.columnDef as TaskColumn;
          return (
            <div
              key={cell.id}
              role="gridcell"
              className={`pyr-cell pyr-align-${meta.align}`}
              data-column={cell.column.id}
            >
              {flexRender(cell.column.columnDef.cell, cell.getContext())}
            </div>
          );
        })}
      </div>
    );
  },
  (old, next) => LOOKS.every(key => Object.is(old[key], next[key]))
);
