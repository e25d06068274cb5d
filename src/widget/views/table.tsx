import * as React from 'react';

import { TaskListModel } from '../../model/tasklist';
import { ManagerView } from '../../views/manager';
import type { IViewOptions } from '../types';
import { withLogPanel } from './logpanel';

/** The table of tasks; its query and its selection are traits. */
export async function makeTableView(
  options: IViewOptions
): Promise<JSX.Element> {
  const { client, ws, trans, own, atEnd, trait } = options;
  const query = trait<string>('query');
  const tasks = own(
    new TaskListModel(client, ws, { order: 'asc', query: query.get() })
  );
  const selected = trait<readonly string[]>('selected');
  tasks.select([...selected.get()], 'replace');
  atEnd(
    selected.bind(
      tasks,
      () => [...tasks.getSnapshot().selection],
      names => tasks.select([...names], 'replace')
    )
  );
  atEnd(
    query.bind(
      tasks,
      () => tasks.getSnapshot().listing.query,
      text => tasks.setListing({ query: text, statuses: [] })
    )
  );
  const status = await options.status;
  return withLogPanel(
    options,
    openLog => (
      <ManagerView
        model={tasks}
        trans={trans}
        onOpenLog={task => openLog(task.name)}
        canWrite={status?.can_write}
        canExecute={status?.can_execute}
      />
    ),
    tasks
  );
}
