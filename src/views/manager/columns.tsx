/** The columns of the task table: their content and widths. */
import * as React from 'react';

import type { TaskRow } from '../../client/types';
import { configValue, metricValue } from '../../model/rows';
import type { ISparkline } from '../../model/sparkline';
import type { BestValues } from '../../model/taskliststate';
import { timeLeft } from '../../model/estimate';
import type { ColumnId, Fact } from '../../model/layout';
import { parseColumnId } from '../../model/layout';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { Sparkline } from '../shared/sparkline';
import {
  duration,
  elapsed,
  exactValue,
  fullTime,
  plainValue,
  relativeTime,
  shortKeys,
  shortValue,
  withoutFolders
} from '../shared/format';
import { Icon } from '../shared/icons';
import { splitName, TaskName } from '../shared/tasklines';
import { AlertIcon } from '../shared/status';
import { NAME_WIDTH, widthsFor } from './columnwidths';
import { TagChips } from './tags';
import { serverSentence } from '../shared/serversentences';

export interface ITaskColumn {
  id: ColumnId;
  title: string;
  /** The title where it is not cut; the whole key of a parameter. */
  fullTitle: string;
  /** In pixels; the minimum if it `grows` or has a `max`. */
  size: number;
  /** Its share of the remaining width. */
  grows?: number;
  /** The width up to which it takes remaining width before others grow. */
  max?: number;
  align: 'left' | 'right';
  /** The sort key of the server, null if it cannot be sorted by. */
  sort: string | null;
  /** The position of a pinned column, in pixels from the left. */
  left?: number;
  cell: (task: TaskRow) => React.ReactNode;
}

/** What the columns need to know besides their ids. */
export interface IColumnSource {
  trans: ITrans;
  /** A `numericSignature` of the loaded rows. */
  numeric: string;
  /** Width for the names, in pixels. */
  nameWidth: number;
  widths: Readonly<Record<ColumnId, number>>;
  pinned: readonly ColumnId[];
  /** Width of the columns left of the name, in pixels. */
  before: number;
  now: () => number;
  /** Usual duration of a run in seconds, null if not known. */
  typical: () => number | null;
  curve: (task: string) => ISparkline | undefined;
  /** The best values among the matching tasks, by metric or aggregate. */
  best: BestValues;
}

/** The message of a task, else its exit code. */
function messageOf(trans: ITrans, row: TaskRow): string {
  if (row.message) {
    return serverSentence(trans, row.message);
  }
  return row.exit_code === null || row.exit_code === 0
    ? ''
    : trans.__('Exit code %1', row.exit_code);
}

/** The title of a column. */
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
    progress: trans.__('Progress'),
    left: trans.__('Time left'),
    runs: trans.__('Runs'),
    gpu_hours: trans.__('GPU-hours'),
    energy_kwh: trans.__('Energy (kWh)'),
    message: trans.__('Message')
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
  const numeric = JSON.parse(source.numeric) as Record<ColumnId, boolean>;
  const pinned = ids.filter(id => source.pinned.includes(id));
  const keys = ids.filter(id => id.startsWith('config:'));
  const short = shortKeys(keys.map(id => columnTitle(source.trans, id)));
  let left = source.before;
  return ids.map((id, index) => {
    const fullTitle = columnTitle(source.trans, id);
    const title = short[keys.indexOf(id)] ?? fullTitle;
    const column = columnOf(id, title, numeric[id], source);
    const width = source.widths[id];
    const stays = index > 0 && pinned.includes(id);
    // The position of a pinned column depends on the widths before it.
    const isFixed =
      width !== undefined || stays || (index === 0 && pinned.length > 0);
    const size = width ?? (isFixed ? column.max : null) ?? column.size;
    const placed = {
      ...column,
      id,
      title,
      fullTitle,
      align: column.align ?? ('left' as const),
      sort: sortOf(id),
      size,
      grows: isFixed ? undefined : column.grows,
      max: isFixed ? undefined : column.max,
      left: stays ? left : undefined
    };
    left += size;
    return placed;
  });
}

/** The content of a column, aligned left by default. */
type Content = Pick<ITaskColumn, 'size' | 'grows' | 'max' | 'cell'> & {
  align?: 'right';
};

/** The sort key of a column, null if the server cannot sort by it. */
export function sortOf(id: ColumnId): string | null {
  const parts = parseColumnId(id);
  switch (parts.kind) {
    case 'curve':
      return null;
    case 'fact':
      return ['left', 'message', 'hit'].includes(id) ? null : id;
    default:
      // A key can be both a parameter and a metric.
      return `${parts.kind}.${parts.key}`;
  }
}

function columnOf(
  id: ColumnId,
  title: string,
  /** Whether its numbers are short; undefined for texts. */
  isNarrow: boolean | undefined,
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
        ...widthsFor(title, isNarrow),
        align: isNarrow === undefined ? undefined : 'right',
        cell: task => {
          const value =
            kind === 'config' ? configValue(task, key) : metricValue(task, key);
          if (value === undefined) {
            return false;
          }
          const best = kind === 'figure' ? source.best[key] : undefined;
          return best && best.value === value ? (
            <BestValue best={best} value={value} />
          ) : (
            <span title={exactValue(value)}>{show(value)}</span>
          );
        }
      };
    }
  }
}

function factColumn(fact: Fact, source: IColumnSource): Content {
  const { trans, now } = source;
  const timeColumn = (timeOf: (task: TaskRow) => number | null): Content => ({
    size: 112,
    cell: task => (
      <span title={fullTime(timeOf(task))}>
        {relativeTime(trans, timeOf(task), now())}
      </span>
    )
  });
  switch (fact) {
    case 'name':
      return {
        size: NAME_WIDTH[0],
        max: source.nameWidth,
        cell: task => <Name trans={trans} task={task} />
      };
    case 'hit':
      return {
        size: 280,
        grows: 2,
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
        size: 88,
        max: 112,
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
    case 'progress':
      return {
        size: 112,
        align: 'right',
        cell: task => stepProgress(trans, task, now())
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
    case 'gpu_hours':
    case 'energy_kwh':
      return {
        size: 96,
        align: 'right',
        cell: task => (
          <span title={exactValue(task[fact])}>{plainValue(task[fact])}</span>
        )
      };
    case 'message':
      return {
        size: 160,
        grows: 1,
        cell: task => {
          const text = messageOf(trans, task);
          return <span title={text}>{withoutFolders(text)}</span>;
        }
      };
  }
}

/** The best value of a column, in bold. */
function BestValue(props: {
  best: BestValues[string];
  value: unknown;
}): JSX.Element {
  const { best, value } = props;
  const trans = useTrans();
  const isLess = best.direction === 'minimize';
  const why = {
    settings: isLess
      ? trans.__('lower is better, as defined in the settings')
      : trans.__('higher is better, as defined in the settings'),
    study: isLess
      ? trans.__('lower is better, as in a study')
      : trans.__('higher is better, as in a study'),
    name: isLess
      ? trans.__('lower is better, judging by the name of the metric')
      : trans.__('higher is better, judging by the name of the metric')
  }[best.origin];
  return (
    <span
      className="pyr-is-best"
      title={trans.__(
        '%1: best of all tasks that match the filter (%2)',
        exactValue(value),
        why
      )}
    >
      {plainValue(value)}
      <span className="pyr-visually-hidden">{trans.__('(best)')}</span>
    </span>
  );
}

/** The step of a running task and the number of steps; nothing if not known. */
function stepProgress(
  trans: ITrans,
  task: TaskRow,
  now: number
): JSX.Element | null {
  const { steps } = task;
  if (task.status !== 'running' || !steps) {
    return null;
  }
  const left = timeLeft(task, null, now);
  const text = trans.__(
    '%1 of %2',
    plainValue(steps.step),
    plainValue(steps.total)
  );
  const title = trans.__(
    '%1 %2 (total from %3)',
    steps.key,
    text,
    steps.source
  );
  return (
    <span
      title={
        left === null
          ? title
          : trans.__('%1, %2 left', title, duration(trans, Math.ceil(left)))
      }
    >
      {text}
    </span>
  );
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
        <TaskName {...splitName(task)} />
      </span>
      <AlertIcon alert={task.alert} />
      <TagChips trans={trans} tags={task.tags} />
    </span>
  );
}
