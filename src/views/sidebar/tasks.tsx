import * as React from 'react';

import type { Counts, TaskRow } from '../../client/types';
import type { IActivityState } from '../../model/activity';
import { useTrans } from '../shared/context';
import { duration, elapsed, relativeTime, sweptText } from '../shared/format';
import { STATUSES, StatusIcon, statusWord } from '../shared/status';
import { useKnownTime } from '../shared/store';

/** How many tasks there are in each status; only what there is. */
export function CountLine(props: {
  counts: Counts;
  onOpen: () => void;
}): JSX.Element {
  const trans = useTrans();
  const shown = STATUSES.filter(status => props.counts[status] > 0);
  return (
    <button
      type="button"
      className="pyr-counts"
      onClick={props.onOpen}
      title={trans.__('Show all tasks')}
    >
      {shown.map(status => (
        <span key={status} className={`pyr-count-item pyr-status-${status}`}>
          <StatusIcon status={status} />
          <b>{props.counts[status].toLocaleString()}</b>{' '}
          {statusWord(trans, status).toLowerCase()}
        </span>
      ))}
    </button>
  );
}

/** Active tasks, then those that ended last, one line each. */
export function TaskList(props: {
  state: IActivityState;
  onOpen: (task: TaskRow) => void;
}): JSX.Element {
  const trans = useTrans();
  const { active, recent, counts } = props.state;
  const now = useKnownTime(
    props.state,
    true,
    active.some(isRunning) ? 1000 : 30_000
  );
  const hidden = counts ? counts.running + counts.queued - active.length : 0;
  return (
    <div className="pyr-tasks">
      {active.length > 0 && (
        <section>
          <h3>{trans.__('Active')}</h3>
          <ul>
            {active.map(task => (
              <Task
                key={task.name}
                task={task}
                now={now}
                onOpen={props.onOpen}
              />
            ))}
          </ul>
          {hidden > 0 && (
            <p className="pyr-note">
              {trans.__('and %1 more in the queue', hidden.toLocaleString())}
            </p>
          )}
        </section>
      )}
      {recent.length > 0 && (
        <section>
          <h3>{trans.__('Recent')}</h3>
          <ul>
            {recent.map(task => (
              <Task
                key={task.name}
                task={task}
                now={now}
                onOpen={props.onOpen}
              />
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function isRunning(task: TaskRow): boolean {
  return task.status === 'running';
}

function Task(props: {
  task: TaskRow;
  now: number;
  onOpen: (task: TaskRow) => void;
}): JSX.Element {
  const trans = useTrans();
  const { task, now, onOpen } = props;
  const swept = sweptText(task);
  const time = duration(trans, elapsed(task, now));
  const when = relativeTime(trans, task.finished_at, now);
  const running = isRunning(task);
  return (
    <li>
      <button
        type="button"
        className="pyr-task"
        onClick={() => onOpen(task)}
        title={[task.name, swept, task.message, when]
          .filter(Boolean)
          .join('\n')}
      >
        <StatusIcon
          status={task.status}
          readable={task.readable}
          silent={task.silent_since}
        />
        <span className="pyr-task-name">{task.name}</span>
        <span className="pyr-task-time">{time}</span>
        {running && task.progress !== null && task.progress > 0 && (
          <span
            className="pyr-task-progress"
            role="progressbar"
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={Math.round(100 * task.progress)}
          >
            <span style={{ width: `${100 * task.progress}%` }} />
          </span>
        )}
      </button>
    </li>
  );
}
