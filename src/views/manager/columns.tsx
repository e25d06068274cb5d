/** The columns of the task table. */
import type { ColumnDef } from '@tanstack/react-table';
import * as React from 'react';

import type { TaskPage, TaskRow } from '../../client/types';
import type { ITrans } from '../shared/context';
import {
  duration,
  elapsed,
  exactValue,
  fullTime,
  plainValue,
  relativeTime,
  shortValue,
  withoutFolders
} from '../shared/format';
import { Icon } from '../shared/icons';
import { TagChips } from './tags';

/** What a column needs beside its cells. */
export interface IColumnMeta {
  /** What the server sorts by, null when it cannot. */
  sort: string | null;
  align: 'left' | 'right';
  /** Its share of the width that is left over; the size is the least. */
  grows?: number;
}

export type TaskColumn = ColumnDef<TaskRow, unknown> & {
  id: string;
  size: number;
  meta: IColumnMeta;
};

/** Width for a column of values, not from the values, so that it stays. */
function widthFor(key: string, isNumeric: boolean): number {
  return Math.min(220, Math.max(isNumeric ? 84 : 104, 36 + key.length * 8));
}

/** What the code or the message says about how a run went. */
function outcome(trans: ITrans, row: TaskRow): string {
  if (row.message) {
    return row.message;
  }
  return row.exit_code === null || row.exit_code === 0
    ? ''
    : trans.__('Exit code %1', row.exit_code);
}

function valueColumn(
  group: 'swept' | 'figures',
  key: string,
  isNumeric: boolean
): TaskColumn {
  const show = group === 'swept' ? shortValue : plainValue;
  return {
    id: `${group}:${key}`,
    header: key,
    size: widthFor(key, isNumeric),
    meta: {
      // The same key may be swept and reported.
      sort: `${group === 'swept' ? 'config' : 'figure'}.${key}`,
      align: isNumeric ? 'right' : 'left'
    },
    cell: ({ row }) => {
      const value = row.original[group][key];
      return value === undefined ? null : (
        <span title={exactValue(value)}>{show(value)}</span>
      );
    }
  };
}

/** Whether the values of a key are numbers, as far as rows are loaded. */
function numericKeys(
  rows: readonly (TaskRow | undefined)[],
  group: 'swept' | 'figures',
  keys: readonly string[]
): Set<string> {
  const found = new Set<string>();
  for (const key of keys) {
    const row = rows.find(
      each =>
        each && each[group][key] !== undefined && each[group][key] !== null
    );
    if (!row || typeof row[group][key] === 'number') {
      found.add(key);
    }
  }
  return found;
}

/** Keys of numbers as one string each, so that memos can compare them. */
export function numericSignature(
  rows: readonly (TaskRow | undefined)[],
  columns: TaskPage['columns']
): string {
  return JSON.stringify([
    [...numericKeys(rows, 'swept', columns.swept)],
    [...numericKeys(rows, 'figures', columns.figures)]
  ]);
}

/**
 * All columns except the check boxes.
 *
 * @param keys - the keys of configuration and figures to show
 * @param numeric - a `numericSignature`
 * @param tagged - whether there are tags, which need room beside the names
 * @param now - gives the time in milliseconds
 */
export function taskColumns(
  trans: ITrans,
  keys: TaskPage['columns'],
  numeric: string,
  tagged: boolean,
  now: () => number
): TaskColumn[] {
  const [swept, figures] = JSON.parse(numeric) as [string[], string[]];
  return [
    {
      id: 'name',
      header: trans.__('Name'),
      size: tagged ? 212 : 184,
      meta: { sort: 'name', align: 'left', grows: 2 },
      cell: ({ row }) => (
        <span className="pyr-name">
          {row.original.pinned && (
            <span role="img" aria-label={trans.__('Pinned')}>
              <Icon name="pin" />
            </span>
          )}
          <span className="pyr-name-text" title={row.original.name}>
            {row.original.name}
          </span>
          <TagChips trans={trans} tags={row.original.tags} />
        </span>
      )
    },
    ...keys.swept.map(key => valueColumn('swept', key, swept.includes(key))),
    ...keys.figures.map(key =>
      valueColumn('figures', key, figures.includes(key))
    ),
    {
      id: 'started',
      header: trans.__('Started'),
      size: 124,
      meta: { sort: 'started', align: 'left' },
      cell: ({ row }) => (
        <span title={fullTime(row.original.started_at)}>
          {relativeTime(trans, row.original.started_at, now())}
        </span>
      )
    },
    {
      id: 'duration',
      header: trans.__('Duration'),
      size: 96,
      meta: { sort: 'duration', align: 'right' },
      cell: ({ row }) => duration(trans, elapsed(row.original, now()))
    },
    {
      id: 'outcome',
      header: trans.__('Result'),
      size: 128,
      meta: { sort: null, align: 'left', grows: 2 },
      cell: ({ row }) => {
        const text = outcome(trans, row.original);
        return <span title={text}>{withoutFolders(text)}</span>;
      }
    }
  ];
}
