/** Links to the tasks of a workspace, as text. */
import { URLExt } from '@jupyterlab/coreutils';

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
