import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { IActivityState } from '../../model/activity';
import { timeLeft } from '../../model/estimate';
import { useTrans } from '../shared/context';
import {
  duration,
  elapsed,
  fullTime,
  relativeTime,
  sweptText,
  withoutFolders
} from '../shared/format';
import { StatusIcon } from '../shared/status';
import { useKnownTime } from '../shared/store';
import { Card } from './card';

interface IProps {
  state: IActivityState;
  onOpenLog: (task: string) => void;
}

/** What runs: how far it is and how long it will take. */
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
      {running.length === 0 ? (
        <p className="pyr-note">{trans.__('Nothing runs.')}</p>
      ) : (
        <ul className="pyr-lines">
          {running.map(task => (
            <RunningLine
              key={task.name}
              task={task}
              left={timeLeft(task, state.typical, now)}
              now={now}
              onOpen={() => onOpenLog(task.name)}
            />
          ))}
        </ul>
      )}
      {hidden > 0 && (
        <p className="pyr-note">
          {trans.__('and %1 more', hidden.toLocaleString())}
        </p>
      )}
    </Card>
  );
}

function RunningLine(props: {
  task: TaskRow;
  left: number | null;
  now: number;
  onOpen: () => void;
}): JSX.Element {
  const trans = useTrans();
  const { task, left } = props;
  const lasted = elapsed(task, props.now);
  const done =
    task.progress ??
    (left === null || lasted === null || left + lasted <= 0
      ? null
      : Math.min(0.99, lasted / (left + lasted)));
  return (
    <li>
      <button type="button" className="pyr-line" onClick={props.onOpen}>
        <StatusIcon
          status={task.status}
          readable={task.readable}
          silent={task.silent_since}
        />
        <Naming task={task} />
        <span
          className="pyr-line-time"
          title={
            left === null
              ? undefined
              : task.progress === null
                ? trans.__('Judged by how long earlier runs took')
                : trans.__('Judged by its progress')
          }
        >
          {left === null
            ? ''
            : left > 0
              ? trans.__('%1 left', duration(trans, Math.ceil(left)))
              : trans.__('any moment')}
        </span>
        <span className="pyr-line-time">{duration(trans, lasted)}</span>
        {done !== null && (
          <span
            className="pyr-task-progress"
            data-guessed={task.progress === null}
            role="progressbar"
            aria-label={trans.__('Progress of %1', task.name)}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={Math.round(100 * done)}
          >
            <span style={{ width: `${100 * done}%` }} />
          </span>
        )}
      </button>
    </li>
  );
}

/** What ended last. */
export function RecentTasks({ state, onOpenLog }: IProps): JSX.Element {
  const trans = useTrans();
  const now = useKnownTime(state, true, 30_000);
  return (
    <Card title={trans.__('Recent')}>
      {state.recent.length === 0 ? (
        <p className="pyr-note">{trans.__('Nothing has ended yet.')}</p>
      ) : (
        <ul className="pyr-lines">
          {state.recent.map(task => (
            <li key={task.name}>
              <button
                type="button"
                className="pyr-line"
                onClick={() => onOpenLog(task.name)}
              >
                <StatusIcon status={task.status} readable={task.readable} />
                <Naming task={task} />
                <span
                  className="pyr-line-time"
                  title={fullTime(task.finished_at)}
                >
                  {relativeTime(trans, task.finished_at, now)}
                </span>
                <span className="pyr-line-time">
                  {duration(trans, elapsed(task, now))}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

/** A task's name, and what was swept or what went wrong. */
function Naming({ task }: { task: TaskRow }): JSX.Element {
  const swept = sweptText(task);
  // Names of a sweep mostly say it already.
  const isSaid = swept.split(', ').every(part => task.name.includes(part));
  const detail =
    task.status === 'failed' && task.message
      ? withoutFolders(task.message)
      : isSaid
        ? ''
        : swept;
  return (
    <span
      className="pyr-line-name"
      title={[task.name, swept, task.message].filter(Boolean).join('\n')}
    >
      <span>{task.name}</span>
      <small>{detail}</small>
    </span>
  );
}
