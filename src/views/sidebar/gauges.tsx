import * as React from 'react';

import type { Gpu, SystemSample } from '../../client/types';
import type { SystemModel } from '../../model/system';
import { useTrans } from '../shared/context';
import type { ITrans } from '../shared/context';
import { bytes, percent } from '../shared/format';
import { useStore } from '../shared/store';
import { Strip } from '../shared/strip';

/** Samples that a sparkline shows, one a second. */
const SHOWN = 90;

/** How busy the machine is: processors, memory and each GPU. */
export function Gauges({ model }: { model: SystemModel }): JSX.Element {
  const trans = useTrans();
  const { latest, history } = useStore(model);
  const recent = history.slice(-SHOWN);
  return (
    <section className="pyr-gauges" aria-label={trans.__('This machine')}>
      <Gauge
        name={trans.__('CPU')}
        value={latest ? latest.cpu.percent : null}
        text={percent(latest?.cpu.percent ?? null)}
        history={recent.map(sample => sample.cpu.percent)}
        title={latest ? coresTitle(trans, latest.cpu) : ''}
      />
      <Gauge
        name={trans.__('Memory')}
        value={latest ? share(latest.memory) : null}
        text={latest ? percent(share(latest.memory)) : ''}
        history={recent.map(sample => share(sample.memory))}
        title={
          latest
            ? trans.__(
                '%1 of %2 used',
                bytes(latest.memory.used),
                bytes(latest.memory.total)
              )
            : ''
        }
      />
      {latest?.gpus.map(gpu => (
        <GpuGauges
          key={gpu.uuid}
          gpu={gpu}
          many={latest.gpus.length > 1}
          history={recent}
        />
      ))}
      {latest?.gpu_state === 'error' && (
        <Strip kind="warning" icon="warning">
          {latest.gpu_message ?? trans.__('The GPUs cannot be read.')}
        </Strip>
      )}
    </section>
  );
}

function coresTitle(trans: ITrans, cpu: SystemSample['cpu']): string {
  const load = cpu.load?.map(item => item.toFixed(2)).join(' ') ?? '–';
  return cpu.limited
    ? trans.__(
        'Of the %1 cores that this server may use; load of the host %2',
        cpu.cores,
        load
      )
    : trans.__('%1 cores, load %2', cpu.cores, load);
}

function share(memory: { used: number; total: number }): number {
  return memory.total > 0 ? (100 * memory.used) / memory.total : 0;
}

function GpuGauges(props: {
  gpu: Gpu;
  many: boolean;
  history: readonly SystemSample[];
}): JSX.Element {
  const trans = useTrans();
  const { gpu, many, history } = props;
  const past = history.map(
    sample => sample.gpus.find(item => item.uuid === gpu.uuid) ?? null
  );
  const used = (item: Gpu | null) =>
    item && item.memory_used !== null && item.memory_total
      ? (100 * item.memory_used) / item.memory_total
      : null;
  const details = [
    gpu.name,
    gpu.temperature !== null ? `${gpu.temperature} °C` : '',
    gpu.power !== null ? `${Math.round(gpu.power)} W` : ''
  ]
    .filter(Boolean)
    .join(', ');
  return (
    <>
      <Gauge
        name={many ? trans.__('GPU %1', gpu.index) : trans.__('GPU')}
        value={gpu.load}
        text={gpu.load === null ? '–' : percent(gpu.load)}
        history={past.map(item => item?.load ?? null)}
        title={details}
      />
      <Gauge
        name={many ? trans.__('GPU %1 mem', gpu.index) : trans.__('GPU memory')}
        value={used(gpu)}
        text={percent(used(gpu)) || '–'}
        history={past.map(used)}
        title={trans.__(
          '%1 of %2 used',
          bytes(gpu.memory_used),
          bytes(gpu.memory_total)
        )}
      />
    </>
  );
}

interface IGaugeProps {
  name: string;
  /** Percent. */
  value: number | null;
  text: string;
  history: readonly (number | null)[];
  title: string;
}

/** A name, a figure, and its last minute and a half. */
export function Gauge(props: IGaugeProps): JSX.Element {
  const { name, value, text, history, title } = props;
  const high = value !== null && value >= 90;
  return (
    <div
      className={`pyr-gauge ${high ? 'pyr-is-high' : ''}`}
      title={title}
      role="meter"
      aria-label={name}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={value === null ? undefined : Math.round(value)}
      aria-valuetext={text || undefined}
    >
      <span className="pyr-gauge-name">{name}</span>
      <span className="pyr-gauge-value">{text || '–'}</span>
      <Sparkline values={history} />
    </div>
  );
}

/** The newest value is at the right; one not known leaves a gap. */
function Sparkline(props: { values: readonly (number | null)[] }): JSX.Element {
  const { values } = props;
  const shift = SHOWN - values.length;
  const lines: string[] = [];
  let line: string[] = [];
  values.forEach((value, index) => {
    if (value === null) {
      lines.push(line.join(' '));
      line = [];
    } else {
      const y = 20 - (19 * Math.min(100, Math.max(0, value))) / 100;
      line.push(`${shift + index},${y.toFixed(1)}`);
    }
  });
  lines.push(line.join(' '));
  return (
    <svg
      className="pyr-sparkline"
      viewBox={`0 0 ${SHOWN - 1} 21`}
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      {lines.filter(Boolean).map(points => (
        <g key={points.split(' ')[0]}>
          <polygon
            points={`${points.split(',')[0]},21 ${points} ${lastX(points)},21`}
          />
          <polyline points={points} vectorEffect="non-scaling-stroke" />
        </g>
      ))}
    </svg>
  );
}

function lastX(points: string): string {
  const last = points.slice(points.lastIndexOf(' ') + 1);
  return last.split(',')[0];
}
