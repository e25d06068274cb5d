import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { IActivityState } from '../../model/activity';
import { timeLeft } from '../../model/estimate';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import {
  duration,
  elapsed,
  fullTime,
  relativeTime,
  sweptText,
  withoutFolders
} from '../shared/format';
import { useKnownTime } from '../shared/store';
import type { ITaskLine } from '../shared/tasklines';
import {
  RunTime,
  splitName,
  TaskLines,
  TaskName,
  taskTitle
} from '../shared/tasklines';
import { Card } from './card';

interface IProps {
  state: IActivityState;
  onOpenLog: (task: string) => void;
}

/** The running tasks: how far they are and how long they will take. */
export function RunningTasks({ state, onOpenLog }: IProps): JSX.Element {
  const trans = useTrans();
  const running = state.active.filter(task => task.status === 'running');
  const now = useKnownTime(state, running.length > 0);
  const hidden = (state.counts?.running ?? 0) - running.length;
  return (
    <Card
      title={trans.__('Running')}
      detail={state.counts ? state.counts.running.toLocaleString() : ''}
    >
      {running.length === 0 && (
        <p className="pyr-note">{trans.__('No running tasks.')}</p>
      )}
      <TaskLines
        lists={[{ tasks: running }]}
        line={task =>
          runningLine(trans, task, timeLeft(task, state.typical, now), now)
        }
        onOpen={task => onOpenLog(task.name)}
      />
      {hidden > 0 && (
        <p className="pyr-note">
          {trans.__('and %1 more', hidden.toLocaleString())}
        </p>
      )}
    </Card>
  );
}

function runningLine(
  trans: ITrans,
  task: TaskRow,
  left: number | null,
  now: number
): ITaskLine {
  const lasted = elapsed(task, now);
  return {
    ...naming(trans, task),
    progress:
      // 0 means that nothing was reported.
      (task.progress || null) ??
      (left === null || lasted === null || left + lasted <= 0
        ? null
        : Math.min(0.99, lasted / (left + lasted))),
    time: (
      <>
        {left !== null && (
          <span
            className="pyr-task-time"
            title={
              !task.progress
                ? trans.__('Estimated from the duration of earlier runs')
                : trans.__('Estimated from its progress')
            }
          >
            {left > 0
              ? trans.__('%1 left', duration(trans, Math.ceil(left)))
              : trans.__('finishing soon')}
          </span>
        )}
        <RunTime task={task} now={now} />
      </>
    )
  };
}

/** The tasks that ended last. */
export function RecentTasks({ state, onOpenLog }: IProps): JSX.Element {
  const trans = useTrans();
  const now = useKnownTime(state, true, 30_000);
  return (
    <Card title={trans.__('Recent')}>
      {state.recent.length === 0 && (
        <p className="pyr-note">{trans.__('No finished tasks yet.')}</p>
      )}
      <TaskLines
        lists={[{ tasks: state.recent }]}
        line={task => ({
          ...naming(trans, task),
          time: (
            <>
              <span
                className="pyr-task-time"
                title={fullTime(task.finished_at)}
              >
                {relativeTime(trans, task.finished_at, now)}
              </span>
              <RunTime task={task} now={now} />
            </>
          )
        })}
        onOpen={task => onOpenLog(task.name)}
      />
    </Card>
  );
}

/** A task's name, and what was swept or what went wrong. */
function naming(
  trans: ITrans,
  task: TaskRow
): Pick<ITaskLine, 'name' | 'title'> {
  const swept = sweptText(task);
  // Names of a sweep mostly say it already.
  const isSaid = swept.split(', ').every(part => task.name.includes(part));
  const detail =
    task.status === 'failed' && task.message
      ? withoutFolders(task.message)
      : isSaid
        ? ''
        : swept;
  return {
    title: taskTitle(trans, task),
    name: (
      <span className="pyr-task-name pyr-column pyr-fill pyr-cut">
        <span>
          <TaskName {...splitName(task)} />
        </span>
        <small>{detail}</small>
      </span>
    )
  };
}
