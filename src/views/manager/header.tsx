import type { Header } from '@tanstack/react-table';
import { flexRender } from '@tanstack/react-table';
import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { WorkspaceModel } from '../../model/workspace';
import type { IWorkspaceState } from '../../model/workspacestate';
import { useTrans } from '../shared/context';
import { Icon } from '../shared/icons';
import type { TaskColumn } from './columns';

export interface IGridHeaderProps {
  model: WorkspaceModel;
  state: IWorkspaceState;
  headers: Header<TaskRow, unknown>[];
  template: string;
  width: number;
  onSelectAll: () => void;
}

/** Titles that sort, and the box that selects all. */
export function GridHeader(props: IGridHeaderProps): JSX.Element {
  const { model, state } = props;
  const trans = useTrans();
  const { size } = state.selection;
  const all = size > 0 && size >= state.total;
  const box = React.useRef<HTMLInputElement>(null);
  React.useEffect(() => {
    if (box.current) {
      box.current.indeterminate = size > 0 && !all;
    }
  }, [size, all]);

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
          <input
            ref={box}
            type="checkbox"
            checked={all}
            disabled={state.total === 0}
            aria-label={trans.__('Select all tasks')}
            title={trans.__('Select all tasks that match')}
            onChange={() =>
              all ? model.select([], 'replace') : props.onSelectAll()
            }
          />
        </div>
        <SortHeader
          model={model}
          state={state}
          sort="status"
          align="left"
          title={trans.__('State')}
        >
          {trans.__('State')}
        </SortHeader>
        {props.headers.map(header => {
          const column = header.column.columnDef as TaskColumn;
          return (
            <SortHeader
              key={header.id}
              model={model}
              state={state}
              sort={column.meta.sort}
              align={column.meta.align}
              title={String(column.header)}
            >
              {flexRender(column.header, header.getContext())}
            </SortHeader>
          );
        })}
      </div>
    </div>
  );
}

function SortHeader(props: {
  model: WorkspaceModel;
  state: IWorkspaceState;
  sort: string | null;
  align: 'left' | 'right';
  title: string;
  children: React.ReactNode;
}): JSX.Element {
  const { sort, state } = props;
  const trans = useTrans();
  const { order } = state.listing;
  const sorted = sort !== null && state.listing.sort === sort;
  const onSort = (key: string) => {
    // Names begin at A; of everything else the newest or largest come first.
    const natural = key === 'name' ? 'asc' : 'desc';
    const opposite = order === 'asc' ? 'desc' : 'asc';
    props.model.setListing({ sort: key, order: sorted ? opposite : natural });
  };
  return (
    <div
      role="columnheader"
      className={`pyr-cell pyr-align-${props.align}`}
      aria-sort={
        sorted ? (order === 'asc' ? 'ascending' : 'descending') : undefined
      }
    >
      {sort === null ? (
        <span className="pyr-head-text" title={props.title}>
          {props.children}
        </span>
      ) : (
        <button
          type="button"
          className="pyr-head-button"
          title={trans.__('Sort by %1', props.title)}
          onClick={() => onSort(sort)}
        >
          <span className="pyr-head-text">{props.children}</span>
          <Icon
            name={order === 'asc' ? 'up' : 'down'}
            className={sorted ? 'pyr-sort-icon' : 'pyr-sort-icon pyr-is-hidden'}
          />
        </button>
      )}
    </div>
  );
}
