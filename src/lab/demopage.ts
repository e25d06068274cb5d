/** What a demo without a server shows above and in JupyterLab. */
import '../../style/demo.css';

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Widget } from '@lumino/widgets';

import { whenReady } from './client';
import { CommandIDs, type ICore } from './tokens';

/** The workspace that is opened first. */
const FIRST_WORKSPACE = 'digits/_pyruns_/train';

/** The notice above JupyterLab that this is a demo. */
class DemoNotice extends Widget {
  constructor(title: string) {
    super();
    this.id = 'pyruns-demo-notice';
    this.addClass('pyr-demo-notice');
    this.node.setAttribute('role', 'note');
    const strong = document.createElement('strong');
    strong.textContent = title;
    this.node.append(strong, ' ', this._text, this._progress);
    this._progress.setAttribute('aria-label', title);
  }

  /** Show a text; with `isBusy`, also that something is loading. */
  say(text: string, isBusy = false): void {
    this._text.textContent = text;
    this._progress.hidden = !isBusy;
  }

  private readonly _text = document.createElement('span');
  private readonly _progress = document.createElement('progress');
}

/** Show the notice, and the demo's workspace once it is known. */
export function showDemo(app: JupyterFrontEnd, pyruns: ICore): void {
  // A link to a notebook shows that notebook; JupyterLite removes the path later.
  const showsFile = new URLSearchParams(location.search).has('path');
  const { trans } = pyruns;
  const notice = new DemoNotice(trans.__('This is a demo.'));
  notice.say(trans.__('Python is loading in your browser.'), true);
  app.shell.add(notice, 'header', { rank: 0 });
  whenReady().then(
    () => {
      notice.say(
        trans.__(
          'Pyruns runs in your browser. Processes, GPUs and metrics are simulated, studies choose trials at random, and everything resets when you close this page.'
        )
      );
      // The host of a demo may be slow, so the code of all pages is loaded
      // early. A page whose code is missing tells so when it is opened.
      import('./pagefactory')
        .then(({ loadViews }) => loadViews())
        .catch(() => undefined);
    },
    (error: Error) =>
      notice.say(trans.__('Couldn’t load Python: %1', error.message))
  );
  void app.restored.then(async () => {
    await pyruns.session.settled();
    if (!showsFile) {
      await app.commands.execute(CommandIDs.openDashboard, {
        workspace: FIRST_WORKSPACE
      });
    }
    await app.commands.execute(CommandIDs.showSidebar);
  });
}
