import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, showDialog } from '@jupyterlab/apputils';

import { asClientError } from '../client/errors';
// Needed immediately, to know whether this is a demo.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { isDemo } from './client';
import { ICore } from './tokens';

export const demoPlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:demo',
  description: 'Says in a demo without a server what is simulated.',
  autoStart: true,
  requires: [ICore],
  activate: (app, pyruns: ICore) => {
    const { trans } = pyruns;
    if (isDemo()) {
      import('./demopage')
        .then(({ showDemo }) => showDemo(app, pyruns))
        .catch(error =>
          showDialog({
            title: trans.__('This is a demo.'),
            body: asClientError(error).message,
            buttons: [Dialog.okButton({ label: trans.__('OK') })]
          })
        );
    }
  }
};
