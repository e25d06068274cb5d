import * as React from 'react';

import type { Action, TaskRow } from '../../client/types';
import { useTrans } from '../shared/context';
import { withoutFolders } from '../shared/format';
import { StatusLabel } from '../shared/status';
import { RunProgress } from '../shared/tasklines';
import type { ITaskColumn } from './columns';

export interface IRowHandlers {
  /** `checks`: whether the click was on the check box. */
  click: (event: React.MouseEvent, index: number, checks?: boolean) => void;
  open: (row: TaskRow) => void;
  menu: (event: React.MouseEvent<HTMLElement>, index: number) => void;
}

export interface IRowProps {
  id: string;
  index: number;
  data: TaskRow;
  columns: ITaskColumn[];
  template: string;
  start: number;
  selected: boolean;
  active: boolean;
  pending: Action | undefined;
  tick: number;
  /** Its sparkline; only compared here, the cell reads it itself. */
  curve: unknown;
  handlers: React.MutableRefObject<IRowHandlers | undefined>;
}

/** Class and style of the cells of a column and of its header. */
export function placeOf(
  { align, left }: ITaskColumn,
  index: number
): { className: string; style: React.CSSProperties | undefined } {
  const classes = [
    `pyr-cell pyr-align-${align}`,
    index === 0 && 'pyr-cell-name',
    left !== undefined && 'pyr-sticky'
  ];
  return {
    className: classes.filter(Boolean).join(' '),
    style: left === undefined ? undefined : { left }
  };
}

/** A row of the table, rendered only if one of its properties changed. */
export const GridRow = React.memo(function GridRow(
  props: IRowProps
): JSX.Element {
  const { data, index, handlers } = props;
  const trans = useTrans();
  // An unreadable task has only a name and a reason.
  const columns = props.columns.slice(0, data.readable ? undefined : 1);
  const classes = [
    'pyr-row',
    props.selected && 'pyr-is-selected',
    props.active && 'pyr-is-active',
    props.pending === 'delete' && 'pyr-is-deleting'
  ];
  return (
    <div
      id={props.id}
      className={classes.filter(Boolean).join(' ')}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={props.selected}
      data-task={data.name}
      data-status={data.status}
      style={{
        gridTemplateColumns: props.template,
        transform: `translateY(${props.start}px)`
      }}
      onClick={event => handlers.current?.click(event, index)}
      onDoubleClick={event => {
        if (!(event.target as HTMLElement).closest('button')) {
          handlers.current?.open(data);
        }
      }}
      onContextMenu={event => handlers.current?.menu(event, index)}
    >
      <div role="gridcell" className="pyr-cell pyr-cell-check">
        <input
          type="checkbox"
          tabIndex={-1}
          checked={props.selected}
          readOnly
          aria-label={trans.__('Select %1', data.name)}
          onClick={event => {
            event.stopPropagation();
            handlers.current?.click(event, index, true);
          }}
          onDoubleClick={event => event.stopPropagation()}
        />
      </div>
      <div role="gridcell" className="pyr-cell pyr-cell-state">
        <StatusLabel task={data} pending={props.pending} />
        {!props.pending && <RunProgress task={data} />}
      </div>
      {columns.map((column, at) => (
        <div
          key={column.id}
          role="gridcell"
          {...placeOf(column, at)}
          data-column={column.id}
        >
          {column.cell(data)}
        </div>
      ))}
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
});
