import * as React from 'react';

import type { RunInfo, TaskDetail, TaskRow } from '../../../client/types';
import type { TaskDetailModel } from '../../../model/taskdetail';
import type { ITrans } from '../../shared/context';
import { useTrans } from '../../shared/context';
import {
  clockTime,
  duration,
  elapsed,
  exactValue,
  relativeTime
} from '../../shared/format';
import { useNow } from '../../shared/store';
import { Environment } from './environment';
import type { MarkdownRenderer } from './notes';
import { Notes } from './notes';

/** State, metrics, notes and environment of a task. */
export function Overview(props: {
  detail: TaskDetail;
  row: TaskRow;
  model: TaskDetailModel;
  canWrite: boolean;
  renderMarkdown?: MarkdownRenderer;
}): JSX.Element {
  const trans = useTrans();
  const { detail, row } = props;
  const now = useNow(true, row.status === 'running' ? 1000 : 30_000);
  const run = detail.history[detail.history.length - 1];
  const figures = Object.entries(row.figures);
  return (
    <>
      {row.message && (
        <pre className="pyr-details-message" tabIndex={0}>
          {row.message}
        </pre>
      )}
      <Facts
        facts={[
          [trans.__('Created'), timeText(trans, row.created_at, now)],
          [trans.__('Started'), timeText(trans, row.started_at, now)],
          [trans.__('Ended'), timeText(trans, row.finished_at, now)],
          [trans.__('Duration'), duration(trans, elapsed(row, now))],
          [
            trans.__('Exit code'),
            row.exit_code === null ? '' : String(row.exit_code)
          ],
          [trans.__('Runs'), row.runs ? String(row.runs) : ''],
          ...placeFacts(trans, run),
          [trans.__('Tags'), row.tags.join(', ')]
        ]}
      />
      {Object.keys(row.swept).length > 0 && (
        <section>
          <h3>{trans.__('Swept')}</h3>
          <Facts
            facts={Object.entries(row.swept).map(([key, value]) => [
              key,
              exactValue(value)
            ])}
          />
        </section>
      )}
      {figures.length > 0 && (
        <section>
          <h3>{trans.__('Metrics')}</h3>
          <Facts
            facts={figures.map(([key, value]) => [key, exactValue(value)])}
          />
        </section>
      )}
      <Notes
        model={props.model}
        text={detail.notes}
        canWrite={props.canWrite}
        renderMarkdown={props.renderMarkdown}
      />
      <Environment
        model={props.model}
        variables={detail.env}
        canWrite={props.canWrite}
      />
    </>
  );
}

/** Host, job, GPUs and Python of a run. */
export function placeFacts(
  trans: ITrans,
  run: RunInfo | undefined
): [string, string][] {
  const place = run?.environment;
  return [
    [trans.__('Host'), place?.host ?? ''],
    [trans.__('Slurm job'), place?.cluster_job ?? ''],
    [trans.__('GPUs'), counted(place?.gpus ?? [])],
    [trans.__('Python'), place?.python ?? '']
  ];
}

/** Names with their counts: 4 × H100. */
function counted(names: readonly string[]): string {
  return [...new Set(names)]
    .map(name => {
      const count = names.filter(each => each === name).length;
      return count > 1 ? `${count} × ${name}` : name;
    })
    .join(', ');
}

/** A list of names and values, without the empty ones. */
export function Facts(props: {
  facts: readonly (readonly [string, string])[];
}): JSX.Element {
  return (
    <dl className="pyr-facts">
      {props.facts
        .filter(([, value]) => value !== '')
        .map(([name, value]) => (
          <React.Fragment key={name}>
            <dt title={name}>{name}</dt>
            <dd title={value}>{value}</dd>
          </React.Fragment>
        ))}
    </dl>
  );
}

export function timeText(
  trans: ITrans,
  time: number | null,
  now: number
): string {
  if (time === null) {
    return '';
  }
  const relative = relativeTime(trans, time, now);
  return /\d\d:\d\d/.test(relative)
    ? relative
    : trans.__('%1 (%2)', relative, clockTime(time, true));
}
