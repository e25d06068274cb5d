import * as React from 'react';

import { ActivityModel } from '../../model/activity';
import { QueueModel } from '../../model/queue';
import { StudiesModel } from '../../model/studies';
import { SystemModel } from '../../model/system';
import { DashboardView, GpusView } from '../../views/dashboard';
import type { IViewOptions } from '../types';
import { withLogPanel } from './logpanel';

/** The machine and the workspace: what runs, what waits and for what. */
export async function makeDashboardView(
  options: IViewOptions
): Promise<JSX.Element> {
  const { client, ws, trans, own } = options;
  const workspace = await client.getWorkspace(ws);
  const status = await options.status;
  const models = {
    activity: own(new ActivityModel(client, ws)),
    system: own(new SystemModel(client)),
    queue: own(new QueueModel(client, ws)),
    studies: own(new StudiesModel({ client, ws, isBrief: true }))
  };
  return withLogPanel(options, openLog => (
    <DashboardView
      {...models}
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
