/** The columns of the task table: what stands in them, and how wide they are. */
import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { ICurve } from '../../model/sparkline';
import { timeLeft } from '../../model/estimate';
import type { ColumnId, Fact } from '../../model/layout';
import { parseColumnId } from '../../model/layout';
import type { ITrans } from '../shared/context';
import { Sparkline } from '../shared/sparkline';
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

export interface ITaskColumn {
  id: ColumnId;
  title: string;
  /** In pixels; the least where it `grows`. */
  size: number;
  /** Its share of the width that is left over. */
  grows?: number;
  align: 'left' | 'right';
  /** What the server sorts by, null when it cannot. */
  sort: string | null;
  /** Where a frozen one stays, in pixels from the left. */
  left?: number;
  cell: (task: TaskRow) => React.ReactNode;
}

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
      const parts = parseColumnId(id);
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
  const parts = parseColumnId(id);
  if (parts.kind === 'curve') {
    return trans.__('%1 curve', parts.key);
  }
  return parts.kind === 'fact' ? factTitle(trans, id as Fact) : parts.key;
}

function factTitle(trans: ITrans, fact: Fact): string {
  const words: Record<Fact, string> = {
    name: trans.__('Name'),
    hit: trans.__('Found in the log'),
    started: trans.__('Started'),
    finished: trans.__('Ended'),
    created: trans.__('Created'),
    duration: trans.__('Duration'),
    left: trans.__('Time left'),
    runs: trans.__('Runs'),
    outcome: trans.__('Result')
  };
  return words[fact];
}

/**
 * All columns except the check boxes and the states.
 *
 * @param ids - the columns to show, in their order; the name comes first
 */
export function taskColumns(
  ids: readonly ColumnId[],
  source: IColumnSource
): ITaskColumn[] {
  const numeric = new Set(JSON.parse(source.numeric) as string[]);
  const pinned = ids.filter(id => source.pinned.includes(id));
  let left = source.before;
  return ids.map((id, index) => {
    const column = columnOf(id, numeric.has(id), source);
    const width = source.widths[id];
    const isFixed = width !== undefined || (index === 0 && pinned.length > 0);
    const size = width ?? column.size;
    const stays = index > 0 && pinned.includes(id);
    const placed = {
      ...column,
      id,
      title: columnTitle(source.trans, id),
      align: column.align ?? ('left' as const),
      sort: sortOf(id),
      size,
      grows: isFixed ? undefined : column.grows,
      left: stays ? left : undefined
    };
    left += size;
    return placed;
  });
}

/** What a column shows; by itself it stands at the left. */
type Content = Pick<ITaskColumn, 'size' | 'grows' | 'cell'> & {
  align?: 'right';
};

/** What the server sorts a column by, null when it cannot. */
export function sortOf(id: ColumnId): string | null {
  const parts = parseColumnId(id);
  switch (parts.kind) {
    case 'curve':
      return null;
    case 'fact':
      return ['left', 'outcome', 'hit'].includes(id) ? null : id;
    default:
      // The same key may be swept and reported.
      return `${parts.kind}.${parts.key}`;
  }
}

function columnOf(
  id: ColumnId,
  isNumber: boolean,
  source: IColumnSource
): Content {
  const parts = parseColumnId(id);
  switch (parts.kind) {
    case 'fact':
      return factColumn(id as Fact, source);
    case 'curve':
      return {
        size: 112,
        cell: task => {
          const curve = source.curve(task.name);
          return (
            curve && (
              <Sparkline curve={curve} label={columnTitle(source.trans, id)} />
            )
          );
        }
      };
    default: {
      const { kind, key } = parts;
      const show = kind === 'config' ? shortValue : plainValue;
      return {
        size: widthFor(key, isNumber),
        align: isNumber ? 'right' : undefined,
        cell: task => {
          const value =
            kind === 'config' ? configValue(task, key) : task.figures[key];
          return (
            value !== undefined && (
              <span title={exactValue(value)}>{show(value)}</span>
            )
          );
        }
      };
    }
  }
}

function factColumn(fact: Fact, source: IColumnSource): Content {
  const { trans, now } = source;
  const timeColumn = (timeOf: (task: TaskRow) => number | null): Content => ({
    size: 116,
    cell: task => (
      <span title={fullTime(timeOf(task))}>
        {relativeTime(trans, timeOf(task), now())}
      </span>
    )
  });
  switch (fact) {
    case 'name':
      return {
        size: source.tagged ? 212 : 184,
        grows: 2,
        cell: task => <Name trans={trans} task={task} />
      };
    case 'hit':
      return {
        size: 280,
        grows: 4,
        cell: ({ hit }) =>
          hit && (
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
          )
      };
    case 'started':
      return timeColumn(task => task.started_at);
    case 'finished':
      return timeColumn(task => task.finished_at);
    case 'created':
      return timeColumn(task => task.created_at);
    case 'duration':
      return {
        size: 112,
        align: 'right',
        cell: task => {
          const lasted = elapsed(task, now());
          const left = timeLeft(task, source.typical(), now());
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
        align: 'right',
        cell: task => {
          const left = timeLeft(task, source.typical(), now());
          return left === null ? '' : duration(trans, Math.ceil(left));
        }
      };
    case 'runs':
      return {
        size: 72,
        align: 'right',
        cell: task => task.runs || ''
      };
    case 'outcome':
      return {
        size: 128,
        grows: 2,
        cell: task => {
          const text = outcome(trans, task);
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
