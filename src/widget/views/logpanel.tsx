import * as React from 'react';

import { MonitorModel } from '../../model/monitor';
import { TaskListModel } from '../../model/tasklist';
import { MonitorView } from '../../views/monitor';
import type { IViewOptions } from '../types';

/**
 * Make a view with the log of one task below it.
 *
 * @param body - makes the view, which may open the log of a task
 * @param tasks - the model with the status of the task; created if missing
 */
export async function withLogPanel(
  options: IViewOptions,
  body: (openLog: (task: string) => void) => JSX.Element,
  tasks?: TaskListModel
): Promise<JSX.Element> {
  const { client, ws, trans, own } = options;
  const model = tasks ?? own(new TaskListModel(client, ws));
  const monitor = own(new MonitorModel(model));
  const status = await options.status;

  const WithLogPanel = (): JSX.Element => {
    const [isOpen, setOpen] = React.useState(false);
    const openLog = React.useCallback((task: string) => {
      monitor.open(task);
      setOpen(true);
    }, []);
    const view = React.useMemo(() => body(openLog), [openLog]);
    return (
      <>
        {view}
        {isOpen && (
          <div className="pyr-widget-log">
            <MonitorView
              monitor={monitor}
              trans={trans}
              hasList={false}
              onClose={() => setOpen(false)}
              canExecute={status?.can_execute}
            />
          </div>
        )}
      </>
    );
  };
  return <WithLogPanel />;
}
