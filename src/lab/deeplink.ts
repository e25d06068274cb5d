/** Links to the tasks of a workspace. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRouter } from '@jupyterlab/application';
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { URLExt } from '@jupyterlab/coreutils';
import { linkIcon } from '@jupyterlab/ui-components';

import { asClientError } from '../client/errors';
import { describe } from './arguments';
import { CommandIDs, ICore } from './tokens';

export interface ILink {
  /** Id of the workspace. */
  readonly workspace: string;
  /** Filters its tasks. */
  readonly query: string;
}

/** In characters; addresses cannot be much longer. */
const MAX_QUERY_LENGTH = 8000;

/** Names of the parameters in the address. */
const WORKSPACE = 'pyruns';
const QUERY = 'query';

/** Matches an address that may be such a link. */
export const LINK_PATTERN = /[?&]pyruns=/;

/** Return the address that opens Lab with the tasks of a workspace, without a token. */
export function linkTo(baseUrl: string, appUrl: string, link: ILink): string {
  const parameters = new URLSearchParams({ [WORKSPACE]: link.workspace });
  if (link.query) {
    parameters.set(QUERY, link.query);
  }
  return `${URLExt.join(baseUrl, appUrl || '/lab')}?${parameters}`;
}

/** Read the link in the search part of an address; null if there is none. */
export function readLink(search: string): ILink | null {
  const parameters = new URLSearchParams(search);
  const workspace = parameters.get(WORKSPACE)?.replace(/^\/+|\/+$/g, '');
  return workspace
    ? {
        workspace,
        query: (parameters.get(QUERY) ?? '').slice(0, MAX_QUERY_LENGTH)
      }
    : null;
}

/** Return the search part of an address without the link. */
export function withoutLink(search: string): string {
  const parameters = new URLSearchParams(search);
  parameters.delete(WORKSPACE);
  parameters.delete(QUERY);
  const left = parameters.toString();
  return left && `?${left}`;
}

export const linkPlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:link',
  description: 'Opens the tasks of a workspace that the address asks for.',
  autoStart: true,
  requires: [ICore, IRouter],
  activate: (app, pyruns: ICore, router: IRouter): void => {
    const { trans } = pyruns;
    const { commands } = app;

    // A link only opens a workspace that exists; nothing is created.
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
          title: trans.__('Couldn’t open this link'),
          body: asClientError(error).message,
          buttons: [Dialog.okButton({ label: trans.__('OK') })]
        });
      }
    };

    commands.addCommand(CommandIDs.openLink, {
      label: trans.__('Open a Link to Tasks'),
      caption: trans.__('Show the tasks that a URL describes'),
      icon: linkIcon,
      describedBy: describe(trans, ['search']),
      execute: args => {
        // Not awaited: Lab restores its layout first.
        void open(typeof args.search === 'string' ? args.search : '');
        return {};
      }
    });
    router.register({ command: CommandIDs.openLink, pattern: LINK_PATTERN });
  }
};
