/** Links to the tasks of a workspace. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRouter } from '@jupyterlab/application';
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { linkIcon } from '@jupyterlab/ui-components';

import { asClientError } from '../client/errors';
import { describe } from './arguments';
import { CommandIDs, ICore } from './tokens';

/** Matches an address that may be such a link. */
export const LINK_PATTERN = /[?&]pyruns=/;

export const linkPlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:link',
  description: 'Opens the tasks of a workspace that the address asks for.',
  autoStart: true,
  requires: [ICore, IRouter],
  activate: (app, pyruns: ICore, router: IRouter): void => {
    const { trans } = pyruns;
    const { commands } = app;

    commands.addCommand(CommandIDs.openLink, {
      label: trans.__('Open a Link to Tasks'),
      caption: trans.__('Show the tasks that a URL describes'),
      icon: linkIcon,
      describedBy: describe(trans, ['search']),
      execute: args => {
        const search = typeof args.search === 'string' ? args.search : '';
        // Not awaited: Lab restores its layout first.
        import('./links')
          .then(({ openLink }) => openLink(app, pyruns, search))
          .catch(error =>
            showDialog({
              title: trans.__('Couldn’t open this link'),
              body: asClientError(error).message,
              buttons: [Dialog.okButton({ label: trans.__('OK') })]
            })
          );
        return {};
      }
    });
    router.register({ command: CommandIDs.openLink, pattern: LINK_PATTERN });
  }
};
