import * as React from 'react';

import type { Gpu, SystemSample } from '../../client/types';
import type { SystemModel } from '../../model/system';
import { useTrans } from '../shared/context';
import { bytes, percent } from '../shared/format';
import { UsageChart } from '../shared/usagechart';
import {
  coresTitle,
  gpuMessage,
  memoryShare,
  pastOf,
  shareOf
} from '../shared/utilization';
import { useStore } from '../shared/store';
import { Banner } from '../shared/banner';

/** Samples that a sparkline shows, one a second. */
const HISTORY_SECONDS = 90;

/** How busy the machine is: processors, memory and each GPU. */
export function Gauges({ model }: { model: SystemModel }): JSX.Element {
  const trans = useTrans();
  const { latest, history } = useStore(model);
  const recent = history.slice(-HISTORY_SECONDS);
  return (
    <section
      className="pyr-gauges"
      aria-label={trans.__('Machine utilization')}
    >
      <Gauge
        name={trans.__('CPU')}
        value={latest ? latest.cpu.percent : null}
        text={percent(latest?.cpu.percent ?? null)}
        history={recent.map(sample => sample.cpu.percent)}
        warns
        title={latest ? coresTitle(trans, latest.cpu) : ''}
      />
      <Gauge
        name={trans.__('Memory')}
        value={latest ? shareOf(latest.memory) : null}
        text={latest ? percent(shareOf(latest.memory)) : ''}
        history={recent.map(sample => shareOf(sample.memory))}
        warns
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
      {latest && latest.gpu_state !== 'none' && (
        <Banner kind="warning">{gpuMessage(trans, latest)}</Banner>
      )}
    </section>
  );
}

function GpuGauges(props: {
  gpu: Gpu;
  many: boolean;
  history: readonly SystemSample[];
}): JSX.Element {
  const trans = useTrans();
  const { gpu, many, history } = props;
  const past = pastOf(history, gpu);
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
        value={memoryShare(gpu)}
        warns
        text={percent(memoryShare(gpu)) || '–'}
        history={past.map(memoryShare)}
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
  /** Whether a value of at least 90 % is a warning; that of a GPU is wanted. */
  warns?: boolean;
}

/** A name, a figure, and its last minute and a half. */
export function Gauge(props: IGaugeProps): JSX.Element {
  const { name, value, text, history, title } = props;
  const high = props.warns && value !== null && value >= 90;
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
      <span className="pyr-gauge-name pyr-note pyr-cut">{name}</span>
      <span className="pyr-gauge-value">{text || '–'}</span>
      <UsageChart
        series={[{ values: history, kind: 'area' }]}
        length={HISTORY_SECONDS}
      />
    </div>
  );
}
