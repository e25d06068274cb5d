import type { Row } from '@tanstack/react-table';
import { flexRender } from '@tanstack/react-table';
import * as React from 'react';

import type { Action, TaskRow } from '../../client/types';
import { useTrans } from '../shared/context';
import { withoutFolders } from '../shared/format';
import { StatusLabel } from '../shared/status';
import type { TaskColumn } from './columns';

export interface IRowHandlers {
  click: (event: React.MouseEvent, index: number, name: string) => void;
  check: (event: React.MouseEvent, index: number, name: string) => void;
  open: (row: TaskRow) => void;
  menu: (event: React.MouseEvent<HTMLElement>, index: number) => void;
  tag: (tag: string) => void;
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
  /** Its small curve; the cell fetches it itself. */
  curve: unknown;
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
  'tick',
  'curve'
];

/** Rendered again only when it looks different. */
export const GridRow = React.memo(
  function GridRow(props: IRowProps): JSX.Element {
    const { data, row, index, handlers } = props;
    const trans = useTrans();
    // Of a task that cannot be read there is a name, and the reason.
    const cells = row.getVisibleCells().slice(0, data.readable ? undefined : 1);
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
        onClick={event => {
          const { tag } = (event.target as HTMLElement).dataset;
          if (tag) {
            handlers.current.tag(tag);
          } else {
            handlers.current.click(event, index, data.name);
          }
        }}
        onDoubleClick={event => {
          if (!(event.target as HTMLElement).closest('button')) {
            handlers.current.open(data);
          }
        }}
        onContextMenu={event => handlers.current.menu(event, index)}
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
        <div role="gridcell" className="pyr-cell pyr-cell-state">
          <StatusLabel
            status={data.status}
            pending={props.pending}
            readable={data.readable}
            silent={data.silent_since}
            detail={data.message}
          />
        </div>
        {cells.map((cell, at) => {
          const { meta } = cell.column.columnDef as TaskColumn;
          return (
            <div
              key={cell.id}
              role="gridcell"
              className={`pyr-cell pyr-align-${meta.align}${
                at === 0 ? ' pyr-cell-name' : ''
              }${meta.left === undefined ? '' : ' pyr-stays'}`}
              style={meta.left === undefined ? undefined : { left: meta.left }}
              data-column={cell.column.id}
            >
              {flexRender(cell.column.columnDef.cell, cell.getContext())}
            </div>
          );
        })}
        {!data.readable && (
          <div
            role="gridcell"
            className="pyr-cell pyr-cell-reason"
            aria-colspan={props.columns.length - 1}
          >
            <span title={data.message ?? undefined}>
              {withoutFolders(data.message ?? '')}
            </span>
          </div>
        )}
      </div>
    );
  },
  (old, next) => LOOKS.every(key => Object.is(old[key], next[key]))
);
