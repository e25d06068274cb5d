/** Tasks as lines that can be opened: in the sidebar, the dashboard, the logs. */
import * as React from 'react';

import type { TaskRow } from '../../client/types';
import { useTrans } from './context';
import { moveFocus, VERTICAL_ALL } from './keyboardnav';
import { StatusIcon } from './status';

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
  const trans = useTrans();
  const isCurrent = props.current === task.name;
  return (
    <li className="pyr-task-entry">
      <button
        type="button"
        className={`pyr-task ${isCurrent ? 'pyr-is-current' : (props.className ?? '')}`}
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
        <StatusIcon
          status={task.status}
          readable={task.readable}
          silent={task.silent_since}
        />
        {props.name ?? <span className="pyr-task-name">{task.name}</span>}
        {props.time}
        {progress !== null && (
          <span
            className="pyr-task-progress"
            data-guessed={task.progress === null}
            role="progressbar"
            aria-label={trans.__('Progress of %1', task.name)}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={Math.round(100 * progress)}
          >
            <span style={{ width: `${100 * progress}%` }} />
          </span>
        )}
      </button>
      {props.action}
    </li>
  );
}
