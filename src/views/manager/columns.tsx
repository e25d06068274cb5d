/** The columns of the task table: what stands in them, and how wide they are. */
import type { ColumnDef } from '@tanstack/react-table';
import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { ICurve } from '../../model/curves';
import { timeLeft } from '../../model/estimate';
import type { ColumnId, Fact } from '../../model/layout';
import { partsOf } from '../../model/layout';
import type { ITrans } from '../shared/context';
import { Curve } from '../shared/curve';
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
  /** Where it stays in sight, in pixels from the left. */
  left?: number;
}

export type TaskColumn = ColumnDef<TaskRow, unknown> & {
  id: string;
  size: number;
  meta: IColumnMeta;
};

/** What columns are made of, beside their ids. */
export interface IColumnSource {
  trans: ITrans;
  /** A `numericSignature`. */
  numeric: string;
  /** Whether there are tags, which need room beside the names. */
  tagged: boolean;
  widths: Readonly<Record<ColumnId, number>>;
  pinned: readonly ColumnId[];
  /** Left of the name, in pixels. */
  before: number;
  now: () => number;
  /** Seconds that a run takes, null when not known. */
  typical: () => number | null;
  curve: (task: string) => ICurve | undefined;
}

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

/** A value of a task's configuration, undefined when it has none. */
export function configValue(row: TaskRow, key: string): unknown {
  return key in row.swept ? row.swept[key] : row.values?.[key];
}

/** Whether the values of a key are numbers, as far as rows are loaded. */
function isNumeric(
  rows: readonly (TaskRow | undefined)[],
  valueOf: (row: TaskRow) => unknown
): boolean {
  for (const row of rows) {
    const value = row && valueOf(row);
    if (value !== undefined && value !== null) {
      return typeof value === 'number';
    }
  }
  return true;
}

/** Columns of numbers as one string, so that memos can compare them. */
export function numericSignature(
  rows: readonly (TaskRow | undefined)[],
  columns: readonly ColumnId[]
): string {
  return JSON.stringify(
    columns.filter(id => {
      const parts = partsOf(id);
      return (
        parts.kind !== 'fact' &&
        isNumeric(rows, row =>
          parts.kind === 'config'
            ? configValue(row, parts.key)
            : row.figures[parts.key]
        )
      );
    })
  );
}

/** How a column is called. */
export function columnTitle(trans: ITrans, id: ColumnId): string {
  const parts = partsOf(id);
  if (parts.kind === 'curve') {
    return trans.__('%1 curve', parts.key);
  }
  return parts.kind === 'fact' ? factTitle(trans, id as Fact) : parts.key;
}

function factTitle(trans: ITrans, fact: Fact): string {
  switch (fact) {
    case 'name':
      return trans.__('Name');
    case 'hit':
      return trans.__('Found in the log');
    case 'started':
      return trans.__('Started');
    case 'finished':
      return trans.__('Ended');
    case 'created':
      return trans.__('Created');
    case 'duration':
      return trans.__('Duration');
    case 'left':
      return trans.__('Time left');
    case 'runs':
      return trans.__('Runs');
    case 'outcome':
      return trans.__('Result');
  }
}

/**
 * All columns except the check boxes and the states.
 *
 * @param ids - the columns to show, in their order; the name comes first
 */
export function taskColumns(
  ids: readonly ColumnId[],
  source: IColumnSource
): TaskColumn[] {
  const numeric = new Set(JSON.parse(source.numeric) as string[]);
  const pinned = ids.filter(id => source.pinned.includes(id));
  let left = source.before;
  return ids.map((id, index) => {
    const column = columnOf(id, numeric.has(id), source);
    const width = source.widths[id];
    const isFixed = width !== undefined || (index === 0 && pinned.length > 0);
    const size = width ?? column.size;
    const stays = index > 0 && pinned.includes(id);
    const meta: IColumnMeta = {
      ...column.meta,
      grows: isFixed ? undefined : column.meta.grows,
      left: stays ? left : undefined
    };
    left += size;
    return { ...column, size, meta };
  });
}

function columnOf(
  id: ColumnId,
  isNumber: boolean,
  source: IColumnSource
): TaskColumn {
  const parts = partsOf(id);
  const header = columnTitle(source.trans, id);
  switch (parts.kind) {
    case 'fact':
      return { id, header, ...factColumn(id as Fact, source) };
    case 'curve':
      return {
        id,
        header,
        size: 112,
        meta: { sort: null, align: 'left' },
        cell: ({ row }) => {
          const curve = source.curve(row.original.name);
          return curve ? <Curve curve={curve} label={header} /> : null;
        }
      };
    default: {
      const { kind, key } = parts;
      const show = kind === 'config' ? shortValue : plainValue;
      return {
        id,
        header,
        size: widthFor(key, isNumber),
        meta: {
          // The same key may be swept and reported.
          sort: `${kind}.${key}`,
          align: isNumber ? 'right' : 'left'
        },
        cell: ({ row }) => {
          const value =
            kind === 'config'
              ? configValue(row.original, key)
              : row.original.figures[key];
          return value === undefined ? null : (
            <span title={exactValue(value)}>{show(value)}</span>
          );
        }
      };
    }
  }
}

function factColumn(
  fact: Fact,
  source: IColumnSource
): Pick<TaskColumn, 'size' | 'meta' | 'cell'> {
  const { trans, now } = source;
  const timeColumn = (
    sort: string,
    timeOf: (row: TaskRow) => number | null
  ): Pick<TaskColumn, 'size' | 'meta' | 'cell'> => ({
    size: 116,
    meta: { sort, align: 'left' },
    cell: ({ row }) => {
      const time = timeOf(row.original);
      return (
        <span title={fullTime(time)}>{relativeTime(trans, time, now())}</span>
      );
    }
  });
  switch (fact) {
    case 'name':
      return {
        size: source.tagged ? 212 : 184,
        meta: { sort: 'name', align: 'left', grows: 2 },
        cell: ({ row }) => <Name trans={trans} task={row.original} />
      };
    case 'hit':
      return {
        size: 280,
        meta: { sort: null, align: 'left', grows: 4 },
        cell: ({ row }) => {
          const { hit } = row.original;
          return hit ? (
            <span
              className="pyr-hit"
              title={
                hit.line === null
                  ? hit.text
                  : trans.__('Line %1: %2', hit.line, hit.text)
              }
            >
              {hit.line !== null && <small>{hit.line}</small>}
              <code>{hit.text}</code>
            </span>
          ) : null;
        }
      };
    case 'started':
      return timeColumn('started', row => row.started_at);
    case 'finished':
      return timeColumn('finished', row => row.finished_at);
    case 'created':
      return timeColumn('created', row => row.created_at);
    case 'duration':
      return {
        size: 112,
        meta: { sort: 'duration', align: 'right' },
        cell: ({ row }) => {
          const lasted = elapsed(row.original, now());
          const left = timeLeft(row.original, source.typical(), now());
          const shown = duration(trans, lasted);
          return left === null || lasted === null ? (
            shown
          ) : (
            <span title={trans.__('%1 left', duration(trans, Math.ceil(left)))}>
              {trans.__(
                '%1 of ~%2',
                shown,
                duration(trans, Math.ceil(lasted + left))
              )}
            </span>
          );
        }
      };
    case 'left':
      return {
        size: 96,
        meta: { sort: null, align: 'right' },
        cell: ({ row }) => {
          const left = timeLeft(row.original, source.typical(), now());
          return left === null ? '' : duration(trans, Math.ceil(left));
        }
      };
    case 'runs':
      return {
        size: 72,
        meta: { sort: 'runs', align: 'right' },
        cell: ({ row }) => row.original.runs || ''
      };
    case 'outcome':
      return {
        size: 128,
        meta: { sort: null, align: 'left', grows: 2 },
        cell: ({ row }) => {
          const text = outcome(trans, row.original);
          return <span title={text}>{withoutFolders(text)}</span>;
        }
      };
  }
}

function Name(props: { trans: ITrans; task: TaskRow }): JSX.Element {
  const { trans, task } = props;
  return (
    <span className="pyr-name">
      {task.pinned && (
        <span role="img" aria-label={trans.__('Pinned')}>
          <Icon name="pin" />
        </span>
      )}
      <span className="pyr-name-text" title={task.name}>
        {task.name}
      </span>
      <TagChips trans={trans} tags={task.tags} />
    </span>
  );
}
