import * as React from 'react';

import type { Counts, TaskRow } from '../../client/types';
import type { ActivityModel } from '../../model/activity';
import { useTrans } from '../shared/context';
import { relativeTime } from '../shared/format';
import { shownStatuses, StatusIcon, statusWord } from '../shared/status';
import { useKnownTime, useStore } from '../shared/store';
import { RunTime, TaskLines, taskTitle } from '../shared/tasklines';

/** How many tasks there are in each status; only what there is. */
export function CountLine(props: {
  counts: Counts;
  onOpen: () => void;
}): JSX.Element {
  const trans = useTrans();
  const shown = shownStatuses(props.counts).filter(
    status => props.counts[status] > 0
  );
  return (
    <button
      type="button"
      className="pyr-counts"
      onClick={props.onOpen}
      title={trans.__('Show all tasks')}
    >
      {shown.map(status => (
        <span key={status} className={`pyr-count-item pyr-status-${status}`}>
          <StatusIcon task={{ status }} />
          <b>{props.counts[status].toLocaleString()}</b>{' '}
          {statusWord(trans, status).toLowerCase()}
        </span>
      ))}
    </button>
  );
}

/** Active tasks, then those that ended last, one line each. */
export function TaskList(props: {
  model: ActivityModel;
  onOpen: (task: TaskRow) => void;
}): JSX.Element {
  const trans = useTrans();
  const state = useStore(props.model);
  const { active, recent, counts } = state;
  const isRunning = (task: TaskRow) => task.status === 'running';
  const now = useKnownTime(state, true, active.some(isRunning) ? 1000 : 30_000);
  const hidden = counts ? counts.running + counts.queued - active.length : 0;
  return (
    <div className="pyr-tasks">
      <TaskLines
        lists={[
          {
            title: trans.__('Active'),
            tasks: active,
            note:
              hidden > 0 &&
              trans.__('and %1 more in the queue', hidden.toLocaleString())
          },
          { title: trans.__('Recent'), tasks: recent }
        ]}
        onOpen={props.onOpen}
        line={task => ({
          time: <RunTime task={task} now={now} />,
          title: taskTitle(
            trans,
            task,
            relativeTime(trans, task.finished_at, now)
          ),
          progress: isRunning(task) ? task.progress || null : null
        })}
      />
    </div>
  );
}
