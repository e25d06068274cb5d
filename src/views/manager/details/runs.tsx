import * as React from 'react';

import type { RunInfo, TaskDetail, TaskStatus } from '../../../client/types';
import { useTrans } from '../../shared/context';
import { bytes, duration, exactValue } from '../../shared/format';
import { Icon } from '../../shared/icons';
import { alertLevel, STATUSES, StatusIcon } from '../../shared/status';
import { useNow } from '../../shared/store';
import { Facts, placeFacts, SystemUsage, timeText } from './overview';

/** All runs of a task, the latest first. */
export function Runs({ detail }: { detail: TaskDetail }): JSX.Element {
  const trans = useTrans();
  const now = useNow(true, 30_000);
  const runs = [...detail.history].reverse();
  if (runs.length === 0) {
    return <p className="pyr-note">{trans.__('This task has not run yet.')}</p>;
  }
  return (
    <div>
      {runs.map((run, index) => (
        <Run key={run.index} run={run} now={now} isOpen={index === 0} />
      ))}
    </div>
  );
}

function Run(props: {
  run: RunInfo;
  now: number;
  isOpen: boolean;
}): JSX.Element {
  const trans = useTrans();
  const { run, now } = props;
  const status =
    STATUSES.find(each => each === run.status) ?? ('pending' as TaskStatus);
  return (
    <details className="pyr-run" open={props.isOpen}>
      <summary className="pyr-line">
        <StatusIcon task={{ status }} />
        <b>{trans.__('Run %1', run.index)}</b>
        <span>{timeText(trans, run.started_at, now)}</span>
        <span className="pyr-run-time">{duration(trans, run.duration)}</span>
      </summary>
      <Alerts run={run} now={now} />
      <Facts
        facts={[
          [trans.__('Ended'), timeText(trans, run.finished_at, now)],
          [
            trans.__('Exit code'),
            run.exit_code === null ? '' : String(run.exit_code)
          ],
          ...placeFacts(trans, run),
          [trans.__('Operating system'), run.environment?.system ?? ''],
          [trans.__('Program'), run.environment?.executable ?? ''],
          [trans.__('Process'), run.pid === null ? '' : String(run.pid)],
          [trans.__('Source'), run.source ?? ''],
          [trans.__('Stored code'), run.code ?? ''],
          [trans.__('Log'), bytes(run.log_size)],
          ...Object.entries(run.records).map(
            ([key, value]) => [key, exactValue(value)] as const
          )
        ]}
      />
      <SystemUsage run={run} />
    </details>
  );
}

function Alerts({ run, now }: { run: RunInfo; now: number }): JSX.Element {
  const trans = useTrans();
  return (
    <>
      {run.alerts?.map((alert, index) => (
        <p key={index} className={`pyr-run-alert pyr-alert-${alert.level}`}>
          <span role="img" aria-label={alertLevel(trans, alert.level)}>
            <Icon name="alert" />
          </span>
          <span>
            <b>{alert.title}</b> {alert.text}{' '}
            {alert.rule.includes('->') && trans.__('Rule: %1', alert.rule)}
          </span>
          <small>{timeText(trans, alert.time, now)}</small>
        </p>
      ))}
    </>
  );
}
