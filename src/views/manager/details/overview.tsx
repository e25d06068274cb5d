import * as React from 'react';

import type { RunInfo, TaskDetail, TaskRow } from '../../../client/types';
import type { TaskDetailModel } from '../../../model/taskdetail';
import type { ITrans } from '../../shared/context';
import { useTrans } from '../../shared/context';
import {
  bytes,
  clockTime,
  duration,
  elapsed,
  exactValue,
  formatNumber,
  relativeTime
} from '../../shared/format';
import { Icon } from '../../shared/icons';
import { useNow } from '../../shared/store';
import { Environment } from './environment';
import type { MarkdownRenderer } from './notes';
import { Notes } from './notes';
import { serverSentence } from '../../shared/serversentences';

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
          {serverSentence(trans, row.message)}
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
      <SystemUsage run={run} />
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
    [trans.__('Cluster job'), place?.cluster_job ?? ''],
    [trans.__('GPUs'), counted(place?.gpus ?? [])],
    [trans.__('Python'), place?.python ?? '']
  ];
}

/** What a run used of the machine, and hints about that. */
export function SystemUsage(props: {
  run: RunInfo | undefined;
}): JSX.Element | null {
  const trans = useTrans();
  const { gpu_hours, system = {}, hints = [] } = props.run ?? {};
  const text = (
    value: number | null | undefined,
    format: (text: string) => string,
    factor = 1
  ) => (typeof value === 'number' ? format(formatNumber(factor * value)) : '');
  const percent = (value: string) => `${Math.round(Number(value))}%`;
  const mean = (value: string) => trans.__('%1 on average', percent(value));
  const facts: [string, string][] = [
    [trans.__('GPU-hours'), text(gpu_hours, hours => hours)],
    [
      trans.__('GPU energy'),
      text(system.energy_kwh, energy => trans.__('%1 kWh', energy))
    ],
    [trans.__('GPU utilization'), text(system.gpu_utilization_percent, mean)],
    [
      trans.__('GPU memory'),
      text(
        system.gpu_memory_share,
        share => trans.__('up to %1', percent(share)),
        100
      )
    ],
    [trans.__('CPU'), text(system.cpu_percent, mean)],
    [
      trans.__('Memory'),
      typeof system.memory_gib_max === 'number'
        ? trans.__('up to %1', bytes(system.memory_gib_max * 1024 ** 3))
        : ''
    ]
  ];
  if (facts.every(([, value]) => value === '')) {
    return null;
  }
  return (
    <section>
      <h3>{trans.__('System')}</h3>
      <Facts facts={facts} />
      {hints.map(hint => (
        <p key={hint} className="pyr-run-hint">
          <span role="img" aria-label={trans.__('Hint')}>
            <Icon name="help" />
          </span>
          <span>{serverSentence(trans, hint)}</span>
        </p>
      ))}
    </section>
  );
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
            <dt className="pyr-cut" title={name}>
              {name}
            </dt>
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
