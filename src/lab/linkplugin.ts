import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IRouter } from '@jupyterlab/application';
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { linkIcon } from '@jupyterlab/ui-components';

import { asClientError } from '../client/errors';
import { describe } from './arguments';
import { LINK_PATTERN, readLink, withoutLink } from './link';
import { CommandIDs, DOMAIN, ICore } from './tokens';

export const linkPlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:link',
  description: 'Opens the tasks of a workspace that the address asks for.',
  autoStart: true,
  requires: [ICore, IRouter],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    pyruns: ICore,
    router: IRouter,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { commands } = app;

    // Looking at a workspace is all that a link does: nothing is created.
    const open = async (search: string) => {
      const link = readLink(search);
      if (!link) {
        return;
      }
      await app.restored;
      const { pathname, hash } = window.location;
      window.history.replaceState(
        {},
        '',
        pathname + withoutLink(window.location.search) + hash
      );
      try {
        const workspace = await pyruns.session.readWorkspace(link.workspace);
        pyruns.session.choose(workspace);
        await commands.execute(CommandIDs.openManager, {
          workspace: workspace.id,
          query: link.query
        });
      } catch (error) {
        await showDialog({
          title: trans.__('This link cannot be opened'),
          body: asClientError(error).message,
          buttons: [Dialog.okButton({ label: trans.__('OK') })]
        });
      }
    };

    commands.addCommand(CommandIDs.openLink, {
      label: trans.__('Open a Link to Tasks'),
      caption: trans.__('Show the tasks that an address asks for'),
      icon: linkIcon,
      describedBy: describe(trans, ['search']),
      execute: args => {
        // Lab starts on meanwhile; what it restores comes first.
        void open(typeof args.search === 'string' ? args.search : '');
        return {};
      }
    });
    router.register({ command: CommandIDs.openLink, pattern: LINK_PATTERN });
  }
};
