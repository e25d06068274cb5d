import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Widget } from '@lumino/widgets';

// Needed immediately, to know whether this is a demo.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { isDemo } from './client';
import { CommandIDs, ICore } from './tokens';

/** The workspace that is opened first. */
const FIRST_WORKSPACE = 'digits/_pyruns_/train';

/** Make the notice above JupyterLab that everything is simulated. */
function makeNotice(title: string, text: string): Widget {
  const notice = new Widget();
  notice.id = 'pyruns-demo-notice';
  notice.addClass('pyr-demo-notice');
  notice.node.setAttribute('role', 'note');
  const strong = document.createElement('strong');
  strong.textContent = title;
  notice.node.append(strong, ` ${text}`);
  return notice;
}

export const demoPlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:demo',
  description: 'Says in a demo without a server that all is simulated.',
  autoStart: true,
  requires: [ICore],
  activate: (app: JupyterFrontEnd, pyruns: ICore) => {
    if (!isDemo()) {
      return;
    }
    const { trans } = pyruns;
    const notice = makeNotice(
      trans.__('This is a demo.'),
      trans.__(
        'Tasks, GPUs and metrics are simulated in your browser. Nothing runs, and everything resets when you close this page.'
      )
    );
    app.shell.add(notice, 'header', { rank: 0 });
    void app.restored.then(async () => {
      await pyruns.session.settled();
      await app.commands.execute(CommandIDs.openDashboard, {
        workspace: FIRST_WORKSPACE
      });
      await app.commands.execute(CommandIDs.showSidebar);
    });
  }
};
