/** Links to the tasks of a workspace: text in, text out. */
import { URLExt } from '@jupyterlab/coreutils';

export interface ILink {
  /** Id of the workspace. */
  readonly workspace: string;
  /** What is searched for among its tasks. */
  readonly query: string;
}

/** Longest search in a link, in characters; addresses do not take much more. */
const LONGEST = 8000;

const WORKSPACE = 'pyruns';
const QUERY = 'query';

/** Whether an address may hold a link of ours. */
export const LINK_PATTERN = /[?&]pyruns=/;

/** The address that opens Lab with the tasks of a workspace; holds no token. */
export function linkTo(baseUrl: string, appUrl: string, link: ILink): string {
  const parameters = new URLSearchParams({ [WORKSPACE]: link.workspace });
  if (link.query) {
    parameters.set(QUERY, link.query);
  }
  return `${URLExt.join(baseUrl, appUrl || '/lab')}?${parameters}`;
}

/** What the search part of an address asks for, null when it is nothing of ours. */
export function readLink(search: string): ILink | null {
  const parameters = new URLSearchParams(search);
  const workspace = parameters.get(WORKSPACE)?.replace(/^\/+|\/+$/g, '');
  return workspace
    ? { workspace, query: (parameters.get(QUERY) ?? '').slice(0, LONGEST) }
    : null;
}

/** The search part of an address without what is ours. */
export function withoutLink(search: string): string {
  const parameters = new URLSearchParams(search);
  parameters.delete(WORKSPACE);
  parameters.delete(QUERY);
  const left = parameters.toString();
  return left && `?${left}`;
}
