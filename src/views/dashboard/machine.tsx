import * as React from 'react';

import type { SystemSample } from '../../client/types';
import type { ISystemState } from '../../model/system';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { bytes, percent } from '../shared/format';
import { UsageChart } from '../shared/usagechart';
import { coresTitle, shareOf } from '../shared/utilization';
import { Bar } from './card';

/** Samples that a picture shows, one a second. */
export const HISTORY_SECONDS = 300;

/** Cores that are shown one by one. */
const MAX_CORES = 256;

/** Processors, memory, disk and network of the machine. */
export function Machine({ state }: { state: ISystemState }): JSX.Element {
  const trans = useTrans();
  const { latest, history } = state;
  const busiest = Math.max(
    1024 * 1024,
    ...history.map(sample =>
      Math.max(sample.network?.received ?? 0, sample.network?.sent ?? 0)
    )
  );
  const disk = latest?.disk ?? null;
  const network = latest?.network ?? null;
  return (
    <section
      className="pyr-machine"
      aria-label={trans.__('This machine')}
      aria-busy={latest === null}
    >
      <Tile
        name={trans.__('CPU')}
        value={latest ? latest.cpu.percent : null}
        text={percent(latest?.cpu.percent ?? null)}
        detail={latest ? coresText(trans, latest.cpu) : ''}
        title={latest ? coresTitle(trans, latest.cpu) : ''}
      >
        <UsageChart
          length={HISTORY_SECONDS}
          series={[
            { kind: 'area', values: history.map(sample => sample.cpu.percent) }
          ]}
        />
        <Cores loads={latest?.cpu.per_core ?? []} />
      </Tile>
      <Tile
        name={trans.__('Memory')}
        value={latest ? shareOf(latest.memory) : null}
        text={latest ? percent(shareOf(latest.memory)) : ''}
        detail={latest ? roomText(trans, latest.memory) : ''}
        title={
          latest?.memory.limited
            ? trans.__('Memory available to this server')
            : ''
        }
      >
        <UsageChart
          length={HISTORY_SECONDS}
          series={[
            {
              kind: 'area',
              values: history.map(sample => shareOf(sample.memory))
            }
          ]}
        />
      </Tile>
      <Tile
        name={trans.__('Disk')}
        value={disk ? shareOf(disk) : null}
        text={disk ? percent(shareOf(disk)) : ''}
        detail={disk ? trans.__('%1 free', bytes(disk.total - disk.used)) : ''}
        title={trans.__('Disk of the server’s root folder')}
      >
        <Bar
          value={disk ? shareOf(disk) : null}
          label={trans.__('Disk used')}
        />
      </Tile>
      <Tile
        name={trans.__('Network')}
        value={null}
        text={network ? rate(trans, network.received) : ''}
        detail={network ? trans.__('sent: %1', rate(trans, network.sent)) : ''}
        title={trans.__('Network throughput (bytes/s)')}
      >
        <UsageChart
          length={HISTORY_SECONDS}
          series={[
            {
              kind: 'area',
              most: busiest,
              values: history.map(sample => sample.network?.received ?? null)
            },
            {
              kind: 'line',
              series: 2,
              most: busiest,
              values: history.map(sample => sample.network?.sent ?? null)
            }
          ]}
        />
      </Tile>
    </section>
  );
}

function coresText(trans: ITrans, cpu: SystemSample['cpu']): string {
  const cores = trans._n('1 core', '%1 cores', cpu.cores);
  return cpu.load
    ? trans.__('%1, load %2', cores, cpu.load[0].toFixed(1))
    : cores;
}

function roomText(
  trans: ITrans,
  room: { used: number; total: number }
): string {
  return trans.__('%1 of %2', bytes(room.used), bytes(room.total));
}

function rate(trans: ITrans, count: number): string {
  return trans.__('%1/s', bytes(count));
}

function Tile(props: {
  name: string;
  /** Percent; null if it is not a share, or unknown. */
  value: number | null;
  text: string;
  detail: string;
  title: string;
  children: React.ReactNode;
}): JSX.Element {
  const { value } = props;
  return (
    <div
      className={`pyr-column pyr-tile ${value !== null && value >= 90 ? 'pyr-is-high' : ''}`}
      title={props.title || undefined}
    >
      <div className="pyr-tile-head">
        <span className="pyr-tile-name pyr-note">{props.name}</span>
        <span className="pyr-tile-value">{props.text || '–'}</span>
        <span className="pyr-tile-detail pyr-note pyr-cut">{props.detail}</span>
      </div>
      {props.children}
    </div>
  );
}

/** A bar for each core. */
function Cores({ loads }: { loads: readonly number[] }): JSX.Element | null {
  const trans = useTrans();
  if (loads.length < 2 || loads.length > MAX_CORES) {
    return null;
  }
  return (
    <div
      className="pyr-cores"
      role="img"
      aria-label={trans.__('Utilization of each core')}
    >
      {loads.map((load, index) => (
        <span key={index} title={`${index}: ${percent(load)}`}>
          <span style={{ height: `${Math.max(2, Math.min(100, load))}%` }} />
        </span>
      ))}
    </div>
  );
}
