import * as React from 'react';

import { WorkspaceModel } from '../../model/workspace';
import { ManagerView } from '../../views/manager';
import { syncSelection } from '../selection';
import type { IShowOptions } from '../show';
import { withLog } from '../withlog';

/** The table of tasks; its search and its selection are traits. */
export async function showTable(options: IShowOptions): Promise<JSX.Element> {
  const { client, ws, trans, own, atEnd, trait } = options;
  const query = trait<string>('query');
  const tasks = own(
    new WorkspaceModel(client, ws, { order: 'asc', query: query.get() })
  );
  const searched = (): string => tasks.getSnapshot().listing.query;
  atEnd(syncSelection(tasks, trait<readonly string[]>('selected')));
  atEnd(tasks.subscribe(() => query.set(searched())));
  atEnd(
    query.listen(text => {
      if (text !== searched()) {
        tasks.setListing({ query: text, statuses: [] });
      }
    })
  );
  const status = await options.status;
  return withLog(
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
