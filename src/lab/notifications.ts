import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import type { IHandlers } from './notifier';
import { ICore } from './tokens';

export const notificationsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:notifications',
  description: 'Tells when a task fails and when all tasks are done.',
  autoStart: true,
  requires: [ICore],
  activate: (app, pyruns: ICore): void => {
    /** Events wait for it in their order. */
    let notifier: Promise<IHandlers> | undefined;
    const load = async () => {
      const last = pyruns.current?.id;
      const fetched = () => import('./notifier');
      try {
        const { makeNotifier } = await fetched().catch(fetched);
        return makeNotifier(app, pyruns, last);
      } catch (error) {
        // The next event tries again.
        notifier = undefined;
        throw error;
      }
    };
    const tell = (event: (handlers: IHandlers) => void) => {
      notifier ??= load();
      notifier.then(event, () => undefined);
    };
    for (const event of ['ended', 'trials', 'alerted', 'silent'] as const) {
      pyruns[event].connect((_, happened) =>
        tell(handlers => handlers[event](happened))
      );
    }
    pyruns.idle.connect((_, happened) =>
      tell(handlers => handlers.idle(happened))
    );
    pyruns.currentChanged.connect((_, current) => {
      if (notifier) {
        tell(handlers => handlers.currentChanged(current));
      }
    });
    // Before it is needed, as an update may have replaced the files by then.
    void app.restored.then(() => tell(() => undefined));
  }
};
