import * as React from 'react';

import { ActivityModel } from '../../model/activity';
import { QueueModel } from '../../model/queue';
import { StudiesModel } from '../../model/studies';
import { SystemModel } from '../../model/system';
import { DashboardView } from '../../views/dashboard';
import type { IShowOptions } from '../show';
import { withLog } from '../withlog';

/** The machine and the workspace: what runs, what waits and for what. */
export async function showDashboard(
  options: IShowOptions
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
  return withLog(options, openLog => (
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
