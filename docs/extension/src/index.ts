import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { IStatusBar } from '@jupyterlab/statusbar';
import { Widget } from '@lumino/widgets';
import { IPyruns } from 'pyruns-jupyter';

const STOP = 'pyruns-example:stop-slow-tasks';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-example:plugin',
  description: 'Shows failed tasks, runs them again, and stops slow tasks.',
  autoStart: true,
  requires: [IPyruns],
  optional: [ICommandPalette, IStatusBar],
  activate: (
    app: JupyterFrontEnd,
    pyruns: IPyruns,
    palette: ICommandPalette | null,
    statusBar: IStatusBar | null
  ) => {
    // A status item with the number of failed tasks of the current workspace.
    const item = new Widget();
    const update = async () => {
      item.node.textContent = '';
      if (pyruns.current !== null) {
        const query = 'status:failed';
        const { total } = await pyruns.execute('pyruns:list-tasks', { query });
        item.node.textContent = `${total} failed`;
      }
    };
    pyruns.currentChanged.connect(() => void update());
    void update();
    statusBar?.registerStatusItem('pyruns-example:failed', { item });

    // A notification with a button when runs of the current workspace have failed.
    pyruns.ended.connect((_, { workspace, tasks }) => {
      void update();
      const failed = tasks.filter(task => task.status === 'failed');
      if (failed.length > 0) {
        const names = failed.map(task => task.name);
        Notification.error(`${workspace.name}: ${names.join(', ')} failed.`, {
          actions: [
            {
              label: 'Run again',
              callback: () =>
                void pyruns.execute('pyruns:run-tasks', {
                  workspace: workspace.id,
                  tasks: names
                })
            }
          ]
        });
      }
    });

    // A command that stops the tasks that match a query.
    app.commands.addCommand(STOP, {
      label: 'Stop Tasks That Run for More Than a Day',
      isEnabled: () => pyruns.current !== null,
      execute: () => {
        const query = 'status:running duration>24h';
        return pyruns.execute('pyruns:stop-tasks', { query });
      }
    });
    palette?.addItem({ command: STOP, category: 'Pyruns Example' });
  }
};

export default plugin;
