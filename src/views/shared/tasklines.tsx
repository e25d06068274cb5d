/** Tasks as lines that can be opened: in the sidebar, the dashboard, the logs. */
import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { ITrans } from './context';
import { useTrans } from './context';
import { duration, elapsed, percent, sweptText } from './format';
import { moveFocus, VERTICAL_ALL } from './keyboardnav';
import { AlertIcon, StatusIcon } from './status';
import { serverSentence } from './serversentences';

/** A name of a task, split before the swept values at its end. */
interface INameParts {
  text: string;
  values?: string;
}

/** Names longer than this are cut in their middle. */
const MAX_LENGTH = 20;

/** How many letters after the middle are always shown. */
const END_LENGTH = 8;

export function splitName({
  name,
  swept
}: Pick<TaskRow, 'name' | 'swept'>): INameParts {
  const [at = name.length] = Object.keys(swept)
    .map(key => name.indexOf(`_${key.slice(key.lastIndexOf('.') + 1)}=`))
    .filter(place => place > 0)
    .sort((a, b) => a - b);
  return { text: name.slice(0, at), values: name.slice(at) };
}

/**
 * The name of a task. Where there is little room, first the swept values at its
 * end are cut, then its middle: names of a sweep have the same beginning.
 */
export function TaskName({ text, values }: INameParts): JSX.Element {
  const at = text.length > MAX_LENGTH ? text.length - END_LENGTH : 0;
  // Its parts would be read with spaces between them.
  return (
    <span className="pyr-task-title" role="img" aria-label={text + values}>
      <span>{text.slice(0, at)}</span>
      <span>{text.slice(at)}</span>
      {values && <span className="pyr-faint">{values}</span>}
    </span>
  );
}

/** How long its run has lasted; `now` in milliseconds. */
export function RunTime(props: { task: TaskRow; now: number }): JSX.Element {
  const trans = useTrans();
  return (
    <span className="pyr-task-time">
      {duration(trans, elapsed(props.task, props.now))}
    </span>
  );
}

/** The tooltip of a task: its name, what was swept, its message, and more. */
export function taskTitle(
  trans: ITrans,
  task: TaskRow,
  ...more: readonly string[]
): string {
  const message = serverSentence(trans, task.message ?? '');
  return [task.name, sweptText(task), message, ...more]
    .filter(Boolean)
    .join('\n');
}

/** How a task is shown. */
export interface ITaskLine {
  /** The content of the middle; by default the name of the task. */
  name?: React.ReactNode;
  time: React.ReactNode;
  title?: string;
  className?: string;
  /** How far it is, from 0 to 1; null if that is not known. */
  progress?: number | null;
  /** Next to the line, for the pointer. */
  action?: React.ReactNode;
}

export interface ITaskLinesProps {
  lists: readonly {
    title?: string;
    tasks: readonly TaskRow[];
    /** Below the lines. */
    note?: string | false;
  }[];
  line: (task: TaskRow) => ITaskLine;
  current?: string | null;
  onOpen: (
    task: TaskRow,
    event: React.MouseEvent | React.KeyboardEvent
  ) => void;
  onContextMenu?: (event: React.MouseEvent<HTMLElement>, task: TaskRow) => void;
}

/** Lists of tasks, of which one is a stop of Tab; arrow keys lead to the others. */
export function TaskLines(props: ITaskLinesProps): JSX.Element {
  const { lists, current = null } = props;
  const [focused, setFocused] = React.useState<string | null>(null);
  const names = lists.flatMap(({ tasks }) => tasks.map(task => task.name));
  const stop =
    [focused, current].find(name => name !== null && names.includes(name)) ??
    names[0];
  return (
    <div
      onKeyDown={event => moveFocus(event, '.pyr-task', VERTICAL_ALL, false)}
      onFocus={event =>
        setFocused(
          event.target.closest<HTMLElement>('.pyr-task')?.dataset.task ?? null
        )
      }
    >
      {lists.map(
        ({ title, tasks, note }, index) =>
          tasks.length > 0 && (
            <section key={index}>
              {title && <h3>{title}</h3>}
              <ul aria-label={title}>
                {tasks.map(task => (
                  <TaskLine
                    key={task.name}
                    {...props}
                    {...props.line(task)}
                    task={task}
                    isStop={task.name === stop}
                  />
                ))}
              </ul>
              {note && <p className="pyr-note">{note}</p>}
            </section>
          )
      )}
    </div>
  );
}

function TaskLine(
  props: Omit<ITaskLinesProps, 'lists' | 'line'> &
    ITaskLine & { task: TaskRow; isStop: boolean }
): JSX.Element {
  const { task, progress = null } = props;
  const isCurrent = props.current === task.name;
  return (
    <li className="pyr-task-entry">
      <button
        type="button"
        className={`pyr-line pyr-task ${isCurrent ? 'pyr-is-current' : (props.className ?? '')}`}
        aria-current={isCurrent}
        data-task={task.name}
        tabIndex={props.isStop ? 0 : -1}
        title={props.title}
        onClick={event => props.onOpen(task, event)}
        onKeyDown={event => {
          // Browsers do not click then.
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            props.onOpen(task, event);
          }
        }}
        onContextMenu={event => props.onContextMenu?.(event, task)}
      >
        <StatusIcon task={task} />
        {props.name ?? (
          <span className="pyr-task-name pyr-fill pyr-cut">
            <TaskName {...splitName(task)} />
          </span>
        )}
        <AlertIcon alert={task.alert} />
        {props.time}
        {progress !== null && (
          <ProgressBar
            task={task}
            value={progress}
            isGuessed={!task.progress}
          />
        )}
      </button>
      {props.action}
    </li>
  );
}

/** How far a task is, at the lower edge of its line; moving if not known. */
export function ProgressBar(props: {
  task: Pick<TaskRow, 'name'>;
  /** From 0 to 1, null if not known. */
  value: number | null;
  /** Judged by how long other tasks took. */
  isGuessed?: boolean;
}): JSX.Element {
  const { task, value } = props;
  const trans = useTrans();
  return (
    <span
      className={`pyr-task-progress${value === null ? ' pyr-is-unknown' : ''}`}
      data-guessed={props.isGuessed}
      role="progressbar"
      aria-label={trans.__('Progress of %1', task.name)}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={value === null ? undefined : Math.round(100 * value)}
    >
      <span style={{ width: `${100 * (value ?? 1)}%` }} />
    </span>
  );
}

/**
 * How far a running task is, as percent and a bar; if it does not report that,
 * only a sign that it is active. Nothing for other tasks.
 */
export function RunProgress({ task }: { task: TaskRow }): JSX.Element | null {
  // 0 means that nothing was reported.
  const progress = task.progress || null;
  const isStalled = task.silent_since !== null;
  if (task.status !== 'running' || !task.readable) {
    return null;
  }
  return (
    <>
      {progress !== null && (
        <small className="pyr-percent" aria-hidden="true">
          {percent(Math.floor(100 * progress))}
        </small>
      )}
      {(progress !== null || !isStalled) && (
        <ProgressBar task={task} value={progress} />
      )}
    </>
  );
}
