import * as React from 'react';

import { DashboardModel } from '../../model/dashboard';
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
  const model = own(new DashboardModel(client, ws));
  return withLog(options, openLog => (
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
