import * as React from 'react';

import type { GpuProcess, SystemSample } from '../../client/types';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { bytes } from '../shared/format';
import { DataTable } from '../shared/table';
import { Card } from './card';
import { baseName, commandOf } from './processes';

interface IUse {
  user: string;
  memory: number;
  gpus: string[];
  /** Tasks, notebooks and other programs, each once. */
  what: string[];
}

/** What each user holds of all GPUs; worth a table when there is more than one. */
export function Users(props: {
  sample: SystemSample | null;
}): JSX.Element | null {
  const trans = useTrans();
  const uses = props.sample ? usesOf(trans, props.sample) : [];
  if (uses.length === 0 || (uses.length === 1 && uses[0].gpus.length < 2)) {
    return null;
  }
  return (
    <Card title={trans.__('GPU users')} className="pyr-users">
      <DataTable
        rows={uses}
        hasRowHeads
        columns={[
          { id: 'user', title: trans.__('User'), cell: use => use.user },
          {
            id: 'memory',
            title: trans.__('Memory'),
            className: 'pyr-align-right',
            cell: use => bytes(use.memory)
          },
          {
            id: 'gpus',
            title: trans.__('GPUs'),
            cell: use => use.gpus.join(', ')
          },
          {
            id: 'what',
            title: trans.__('Running'),
            cell: use => use.what.join(', '),
            text: use => use.what.join('\n')
          }
        ]}
      />
    </Card>
  );
}

/** Users by the memory they hold. */
export function usesOf(trans: ITrans, sample: SystemSample): IUse[] {
  const found = new Map<string, IUse>();
  const take = (process: GpuProcess, gpu: string) => {
    const user = process.user ?? trans.__('unknown');
    const use = found.get(user) ?? { user, memory: 0, gpus: [], what: [] };
    found.set(user, use);
    use.memory += process.memory ?? 0;
    if (!use.gpus.includes(gpu)) {
      use.gpus.push(gpu);
    }
    const what =
      process.task ??
      (process.notebook && baseName(process.notebook)) ??
      commandOf(trans, process);
    if (!use.what.includes(what)) {
      use.what.push(what);
    }
  };
  for (const gpu of sample.gpus) {
    gpu.processes.forEach(process => take(process, String(gpu.index)));
    for (const device of gpu.mig) {
      device.processes.forEach(process =>
        take(process, `${gpu.index}:${device.index}`)
      );
    }
  }
  return [...found.values()].sort((a, b) => b.memory - a.memory);
}
