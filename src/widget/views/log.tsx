import * as React from 'react';

import { MonitorModel } from '../../model/monitor';
import { TaskListModel } from '../../model/tasklist';
import { MonitorView } from '../../views/monitor';
import type { IViewOptions } from '../types';

/** The log of one task, which is a trait. */
export async function makeLogView(options: IViewOptions): Promise<JSX.Element> {
  const { client, ws, trans, own, atEnd, trait } = options;
  const tasks = own(new TaskListModel(client, ws));
  const monitor = own(new MonitorModel(tasks));
  const task = trait<string>('task');
  const open = (name: string): void => {
    if (name) {
      monitor.open(name);
    }
  };
  open(task.get());
  atEnd(task.listen(open));
  const status = await options.status;
  return (
    <MonitorView
      monitor={monitor}
      trans={trans}
      hasList={false}
      canExecute={status?.can_execute}
      options={{ hasCurves: trait<boolean>('curves').get() }}
    />
  );
}
