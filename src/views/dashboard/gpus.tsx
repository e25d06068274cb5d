import * as React from 'react';

import type { Gpu, SystemSample } from '../../client/types';
import type { IActivityState } from '../../model/activity';
import type { ISystemState } from '../../model/system';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { percent, roomText } from '../shared/format';
import { UsageChart } from '../shared/usagechart';
import { Icon } from '../shared/icons';
import { gpuMessage, memoryShare, pastOf } from '../shared/utilization';
import { Banner } from '../shared/banner';
import { Bar, Card } from './card';
import { HISTORY_SECONDS } from './machine';
import type { IProcessHandlers } from './processes';
import { Processes } from './processes';

/** Percent of load up to which a GPU does nothing. */
const IDLE_PERCENT = 1;

/** Seconds without utilization after which a GPU counts as idle. */
const MIN_IDLE_SECONDS = 240;

export interface IGpusProps extends IProcessHandlers {
  state: ISystemState;
  /** Running and queued tasks of the workspace. */
  active: IActivityState['active'];
}

/** A card for each GPU, or why there is none. */
export function Gpus(props: IGpusProps): JSX.Element | null {
  const { latest, history } = props.state;
  const trans = useTrans();
  const known = React.useMemo(
    () => new Set(props.active.map(task => task.name)),
    [props.active]
  );
  if (!latest) {
    return null;
  }
  const message = gpuMessage(trans, latest);
  if (latest.gpu_state === 'none') {
    return (
      <p className="pyr-note pyr-no-gpu">
        {message || trans.__('This machine has no GPU.')}
      </p>
    );
  }
  return (
    <>
      <Banner kind="warning">{message}</Banner>
      <div className="pyr-gpus">
        {latest.gpus.map(gpu => (
          <GpuCard
            key={gpu.uuid}
            gpu={gpu}
            history={history}
            known={known}
            onOpenLog={props.onOpenLog}
            onOpenNotebook={props.onOpenNotebook}
          />
        ))}
      </div>
    </>
  );
}

function GpuCard(
  props: IProcessHandlers & {
    gpu: Gpu;
    history: readonly SystemSample[];
    known: ReadonlySet<string>;
  }
): JSX.Element {
  const trans = useTrans();
  const { gpu, history } = props;
  const past = pastOf(history, gpu);
  const used = memoryShare(gpu);
  const name = trans.__('GPU %1', gpu.index);
  return (
    <Card
      title={name}
      detail={
        <span title={`${gpu.name}\n${gpu.uuid}`}>
          {gpu.name.replace(/^(NVIDIA|AMD) /, '')}
        </span>
      }
      className="pyr-gpu"
    >
      <div className="pyr-gpu-utilizations">
        <span className="pyr-gpu-utilization">
          <b>{gpu.load === null ? '–' : percent(gpu.load)}</b>
          <Bar
            value={gpu.load}
            label={trans.__('Utilization of GPU %1', gpu.index)}
          />
        </span>
        <span
          className={`pyr-gpu-utilization ${used !== null && used >= 90 ? 'pyr-is-high' : ''}`}
        >
          <b>{roomText(gpu.memory_used, gpu.memory_total)}</b>
          <Bar
            value={used}
            series={2}
            label={trans.__('Memory of GPU %1', gpu.index)}
          />
        </span>
      </div>
      <div
        className="pyr-gpu-history"
        title={trans.__('Last %1 minutes', HISTORY_SECONDS / 60)}
      >
        <UsageChart
          length={HISTORY_SECONDS}
          series={[
            { kind: 'area', values: past.map(item => item?.load ?? null) },
            { kind: 'line', series: 2, values: past.map(memoryShare) }
          ]}
        />
        <span className="pyr-gpu-legend">
          <span className="pyr-legend pyr-series-1">
            {trans.__('utilization')}
          </span>
          <span className="pyr-legend pyr-series-2">{trans.__('memory')}</span>
          <span title={clocksOf(trans, gpu)}>{factsOf(trans, gpu)}</span>
        </span>
      </div>
      {isWasted(past, gpu) && (
        <p className="pyr-line pyr-gpu-idle" role="status">
          <Icon name="warning" />
          {trans.__(
            'Reserved by a task, but idle for the last %1 minutes.',
            Math.floor(past.length / 60)
          )}
        </p>
      )}
      {gpu.mig.map(device => (
        <div key={device.uuid} className="pyr-mig">
          <div className="pyr-mig-head" title={device.uuid}>
            <span>{trans.__('MIG %1', device.index)}</span>
            <span className="pyr-fill pyr-faint pyr-cut">{device.name}</span>
            <span>{roomText(device.memory_used, device.memory_total)}</span>
          </div>
          <Processes processes={device.processes} {...props} />
        </div>
      ))}
      {(gpu.mig.length === 0 || gpu.processes.length > 0) && (
        <Processes processes={gpu.processes} {...props} />
      )}
    </Card>
  );
}

/** Whether a task holds a GPU that has done nothing for all that is known of it. */
function isWasted(past: readonly (Gpu | null)[], gpu: Gpu): boolean {
  const parts = [gpu, ...gpu.mig];
  const isHeld = parts.some(part =>
    part.processes.some(process => process.task !== null)
  );
  return (
    isHeld &&
    past.length >= MIN_IDLE_SECONDS &&
    past.every(
      item => item?.load !== null && (item?.load ?? 100) <= IDLE_PERCENT
    )
  );
}

/** Temperature and power, as far as they are known. */
function factsOf(trans: ITrans, gpu: Gpu): string {
  const power =
    gpu.power === null
      ? ''
      : gpu.power_limit === null
        ? trans.__('%1 W', Math.round(gpu.power))
        : trans.__(
            '%1 / %2 W',
            Math.round(gpu.power),
            Math.round(gpu.power_limit)
          );
  return [
    gpu.temperature === null
      ? ''
      : trans.__('%1 °C', Math.round(gpu.temperature)),
    power
  ]
    .filter(Boolean)
    .join(' · ');
}

function clocksOf(trans: ITrans, gpu: Gpu): string | undefined {
  const clocks = [
    gpu.clock === null ? '' : trans.__('Clock %1 MHz', gpu.clock),
    gpu.memory_clock === null
      ? ''
      : trans.__('Memory clock %1 MHz', gpu.memory_clock)
  ];
  return clocks.filter(Boolean).join('\n') || undefined;
}
