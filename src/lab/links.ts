/** Links to the tasks of a workspace: their addresses, and opening them. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { URLExt } from '@jupyterlab/coreutils';

import { CommandIDs, type ICore } from './tokens';

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

/** Return the address that opens Lab with the tasks of a workspace, without a token. */
export function linkTo(baseUrl: string, appUrl: string, link: ILink): string {
  const parameters = new URLSearchParams({ [WORKSPACE]: link.workspace });
  if (link.query) {
    parameters.set(QUERY, link.query);
  }
  // Lab takes a plus for itself when it writes the address again.
  const search = String(parameters).replaceAll('+', '%20');
  return `${URLExt.join(baseUrl, appUrl || '/lab')}?${search}`;
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

/** Open a link; only a workspace that exists is opened, nothing is created. */
export async function openLink(
  app: JupyterFrontEnd,
  pyruns: ICore,
  search: string
): Promise<void> {
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
  const workspace = await pyruns.session.readWorkspace(link.workspace);
  pyruns.session.choose(workspace);
  await app.commands.execute(CommandIDs.openManager, {
    workspace: workspace.id,
    query: link.query
  });
}
