import * as React from 'react';

import type { QueuedBatch, TaskRow, Workspace } from '../../client/types';
import type { IActivityState } from '../../model/activity';
import { batchTimeLeft } from '../../model/estimate';
import type { QueueModel } from '../../model/queue';
import { CLUSTER_JOBS, CLUSTERS } from '../../model/runoptions';
import type { IActionContext, IPageProps } from '../actions/action';
import { chooseTasks } from '../actions/action';
import { ActionButton, useActions } from '../actions/controls';
import { countForeign, countWaiting, QUEUE_ACTIONS } from '../actions/queue';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { useConfirm } from '../shared/confirm';
import {
  clockTime,
  countOfTasks,
  duration,
  relativeTime
} from '../shared/format';
import { useKnownTime, useStore } from '../shared/store';
import { Banner } from '../shared/banner';
import { Link } from '../shared/button';
import { Card } from './card';
import { serverSentence } from '../shared/serversentences';

/** Queued batches in the order of their start, and what they wait for. */
export function Queued(
  props: IPageProps & {
    model: QueueModel;
    activity: IActivityState;
    workspace: Workspace;
    onOpenLog: (task: string) => void;
  }
): JSX.Element {
  const { model, activity, canExecute = true, canWrite = true } = props;
  const trans = useTrans();
  const { queue, error, pausing, requeueing } = useStore(model);
  const [confirm, question] = useConfirm(props.confirm);
  const actions = useActions();
  const now = useKnownTime(activity, true, 5000);
  // The sentence waits for the server; the button shows what was requested.
  const paused = queue?.paused ?? false;
  const all = queue?.batches ?? [];
  const foreign = all.filter(batch => batch.foreign);
  const batches = all.filter(batch => !batch.foreign);
  const waiting = countWaiting(batches);
  const elsewhere = countForeign(queue);

  const context: IActionContext = {
    workspace: props.workspace.id,
    trans,
    queue: model,
    confirm,
    canExecute,
    canWrite,
    chosen: chooseTasks([], []),
    show: {}
  };
  React.useImperativeHandle(props.contextRef, () => () => context);

  return (
    <Card
      title={trans.__('Queue')}
      detail={
        waiting > 0 ? trans.__('%1 queued', waiting.toLocaleString()) : ''
      }
      actions={
        queue &&
        canExecute && (
          <ActionButton
            action={
              QUEUE_ACTIONS[
                (pausing ?? paused) ? 'resume-queue' : 'pause-queue'
              ]
            }
            context={context}
            actions={actions}
          />
        )
      }
    >
      <Banner kind="error" onClose={() => actions.setFailure('')}>
        {actions.failure}
      </Banner>
      {question}
      {elsewhere > 0 && (
        <Banner
          kind="warning"
          actions={
            canExecute &&
            canWrite && (
              <ActionButton
                action={QUEUE_ACTIONS['requeue-tasks']}
                context={context}
                actions={actions}
                icon={undefined}
                {...(requeueing && { label: trans.__('Queueing…') })}
              />
            )
          }
        >
          {trans._n(
            '%1 task was queued in another copy of this project or by another user. It will not run here.',
            '%1 tasks were queued in another copy of this project or by another user. They will not run here.',
            elsewhere
          )}
        </Banner>
      )}
      {paused && (
        <Banner kind="info" icon="pause">
          {trans.__('The queue is paused. No new tasks start.')}
        </Banner>
      )}
      <Banner kind="warning">{!queue && error?.message}</Banner>
      {queue && all.length === 0 && !paused && (
        <p className="pyr-note">{trans.__('No queued tasks.')}</p>
      )}
      <ol className="pyr-batches">
        {[...batches, ...foreign].map(batch => (
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
  const why = serverSentence(trans, props.batch.why ?? '');
  const { batch, isOwn, now } = props;
  const left =
    isOwn && !batch.foreign
      ? batchTimeLeft(
          batch,
          // The batch of a running task is not known here.
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
        {batch.foreign && (
          <span className="pyr-batch-foreign" title={why}>
            {trans.__('not queued here')}
          </span>
        )}
        {!isOwn && <span>{trans.__('in %1', batch.workspace)}</span>}
        <span className="pyr-fill pyr-note pyr-cut">
          {optionsText(trans, batch)}
        </span>
        <span
          className="pyr-task-time"
          title={
            left === null
              ? undefined
              : trans.__(
                  'Estimated to finish at about %1, based on the duration of earlier runs',
                  clockTime(now / 1000 + left)
                )
          }
        >
          {left === null
            ? relativeTime(trans, batch.created_at, now)
            : trans.__('about %1 left', duration(trans, Math.ceil(left)))}
        </span>
      </div>
      {why && batch.waiting > 0 && !batch.foreign && (
        <p className="pyr-batch-reason">{why}</p>
      )}
      {batch.next.length > 0 && (
        <details className="pyr-batch-next">
          <summary className="pyr-cut">
            {batch.foreign
              ? batch.next[0]
              : trans.__('Next: %1', batch.next[0])}
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
                  <Link onClick={() => props.onOpenLog(name)}>{name}</Link>
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
      ? batch.foreign
        ? countOfTasks(trans, batch.waiting)
        : trans.__('%1 queued', batch.waiting.toLocaleString())
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
  const { engine } = options;
  const cluster = engine && engine !== 'local' ? CLUSTERS[engine] : '';
  return [
    cluster,
    cluster && jobs >= CLUSTER_JOBS ? '' : trans.__('concurrency %1', jobs),
    options.cluster?.partition ?? '',
    options.gpus
      ? trans._n('%1 GPU per task', '%1 GPUs per task', options.gpus)
      : '',
    options.priority ? trans.__('priority %1', options.priority) : ''
  ]
    .filter(Boolean)
    .join(' · ');
}
