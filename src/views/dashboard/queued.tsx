import * as React from 'react';

import { asClientError } from '../../client/errors';
import type { QueuedBatch, TaskRow, Workspace } from '../../client/types';
import type { IActivityState } from '../../model/activity';
import { batchTimeLeft } from '../../model/estimate';
import type { QueueModel } from '../../model/queue';
import { CLUSTER_JOBS } from '../../model/runoptions';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { clockTime, duration, relativeTime } from '../shared/format';
import { useKnownTime, useStore } from '../shared/store';
import { Button, Strip } from '../shared/strip';
import { Card } from './card';

/** What waits, in the order in which it is started, and for what. */
export function Queued(props: {
  model: QueueModel;
  activity: IActivityState;
  workspace: Workspace;
  canExecute: boolean;
  onOpenLog: (task: string) => void;
}): JSX.Element {
  const { model, activity } = props;
  const trans = useTrans();
  const { queue, error, pausing } = useStore(model);
  const [failure, setFailure] = React.useState('');
  const now = useKnownTime(activity, true, 5000);
  const paused = pausing ?? queue?.paused ?? false;
  const batches = queue?.batches ?? [];
  const waiting = batches.reduce((sum, batch) => sum + batch.waiting, 0);
  return (
    <Card
      title={trans.__('Queue')}
      detail={
        waiting > 0 ? trans.__('%1 waiting', waiting.toLocaleString()) : ''
      }
      actions={
        queue &&
        props.canExecute && (
          <Button
            icon={paused ? 'run' : 'pause'}
            label={paused ? trans.__('Go on') : trans.__('Pause')}
            title={
              paused
                ? trans.__('Start what waits again')
                : trans.__('Start nothing more; what runs goes on')
            }
            disabled={pausing !== null}
            onClick={() => {
              setFailure('');
              model
                .pause(!paused)
                .catch(reason => setFailure(asClientError(reason).message));
            }}
          />
        )
      }
    >
      {failure && (
        <Strip kind="error" icon="failed" onClose={() => setFailure('')}>
          {failure}
        </Strip>
      )}
      {paused && (
        <Strip kind="info" icon="pause">
          {trans.__('The queue is paused: nothing more is started.')}
        </Strip>
      )}
      {error && !queue && (
        <Strip kind="warning" icon="warning">
          {error.message}
        </Strip>
      )}
      {queue && batches.length === 0 && !paused && (
        <p className="pyr-note">{trans.__('Nothing waits.')}</p>
      )}
      <ol className="pyr-batches">
        {batches.map(batch => (
          <Batch
            key={batch.id}
            batch={batch}
            isOwn={batch.workspace === props.workspace.name}
            running={activity.active}
            typical={activity.typical}
            now={now}
            onOpenLog={props.onOpenLog}
          />
        ))}
      </ol>
    </Card>
  );
}

function Batch(props: {
  batch: QueuedBatch;
  /** Of the workspace that is shown; others share the queue. */
  isOwn: boolean;
  running: readonly TaskRow[];
  typical: number | null;
  now: number;
  onOpenLog: (task: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const { batch, isOwn, now } = props;
  const left = isOwn
    ? batchTimeLeft(
        batch,
        // Which of several batches a running task is of, nobody knows here.
        props.running
          .filter(task => task.status === 'running')
          .slice(0, batch.running),
        props.typical,
        now
      )
    : null;
  const more = batch.waiting - batch.next.length;
  return (
    <li className="pyr-batch">
      <div className="pyr-batch-head">
        <b>{countsText(trans, batch)}</b>
        {!isOwn && <span>{trans.__('in %1', batch.workspace)}</span>}
        <span className="pyr-batch-options">{optionsText(trans, batch)}</span>
        <span
          className="pyr-line-time"
          title={
            left === null
              ? undefined
              : trans.__(
                  'Done at about %1, judged by how long earlier runs took',
                  clockTime(now / 1000 + left)
                )
          }
        >
          {left === null
            ? relativeTime(trans, batch.created_at, now)
            : trans.__('about %1 left', duration(trans, Math.ceil(left)))}
        </span>
      </div>
      {batch.why && batch.waiting > 0 && (
        <p className="pyr-batch-why">{batch.why}</p>
      )}
      {batch.next.length > 0 && (
        <details className="pyr-batch-next">
          <summary>
            {trans.__('Next: %1', batch.next[0])}
            {batch.waiting > 1 && (
              <span className="pyr-note">
                {trans.__('and %1 more', (batch.waiting - 1).toLocaleString())}
              </span>
            )}
          </summary>
          <ol>
            {batch.next.map(name => (
              <li key={name}>
                {isOwn ? (
                  <button
                    type="button"
                    className="pyr-link"
                    onClick={() => props.onOpenLog(name)}
                  >
                    {name}
                  </button>
                ) : (
                  name
                )}
              </li>
            ))}
          </ol>
          {more > 0 && (
            <p className="pyr-note">
              {trans.__('and %1 more', more.toLocaleString())}
            </p>
          )}
        </details>
      )}
    </li>
  );
}

function countsText(trans: ITrans, batch: QueuedBatch): string {
  return [
    batch.waiting > 0
      ? trans.__('%1 waiting', batch.waiting.toLocaleString())
      : '',
    batch.running > 0
      ? trans.__('%1 running', batch.running.toLocaleString())
      : ''
  ]
    .filter(Boolean)
    .join(', ');
}

function optionsText(trans: ITrans, { options }: QueuedBatch): string {
  const jobs = options.jobs ?? 1;
  const isCluster = options.engine === 'slurm';
  return [
    isCluster ? 'Slurm' : '',
    isCluster && jobs >= CLUSTER_JOBS
      ? ''
      : trans._n('%1 at a time', '%1 at a time', jobs),
    options.cluster?.partition ?? '',
    options.gpus ? trans._n('%1 GPU each', '%1 GPUs each', options.gpus) : '',
    options.priority ? trans.__('priority %1', options.priority) : ''
  ]
    .filter(Boolean)
    .join(' · ');
}
