import * as React from 'react';

import { DashboardModel } from '../../model/dashboard';
import { SystemModel } from '../../model/system';
import { DashboardView, GpusView } from '../../views/dashboard';
import type { IViewOptions } from '../types';
import { withLogPanel } from './logpanel';

/** The machine, and the queue and running tasks of a workspace. */
export async function makeDashboardView(
  options: IViewOptions
): Promise<JSX.Element> {
  const { client, ws, trans, own } = options;
  const workspace = await client.getWorkspace(ws);
  const status = await options.status;
  const model = own(new DashboardModel(client, ws));
  return withLogPanel(options, openLog => (
    <DashboardView
      model={model}
      workspace={workspace}
      trans={trans}
      canExecute={status?.can_execute}
      canWrite={status?.can_write}
      onOpenLog={openLog}
    />
  ));
}

/** The utilization of the machine and of its GPUs. */
export function makeGpusView({
  client,
  trans,
  own
}: IViewOptions): JSX.Element {
  return <GpusView system={own(new SystemModel(client))} trans={trans} />;
}
