/** Finds the server of a Jupyter page. */
import { asRecord, asText } from '../client/shapes';
import type { IServerPlace } from './types';

/** Timeout of the server extension. */
const ANSWER_TIMEOUT_MS = 8000;

/** Return the server of this page; null outside of JupyterLab and Notebook. */
export function pageServer(): Omit<IServerPlace, 'workspace'> | null {
  const element = document.getElementById('jupyter-config-data');
  let config: Record<string, unknown>;
  try {
    config = asRecord(JSON.parse(element?.textContent || '{}'));
  } catch {
    return null;
  }
  const baseUrl = asText(config.baseUrl) || document.body.dataset.baseUrl || '';
  if (!baseUrl) {
    return null;
  }
  const base = slashed(new URL(baseUrl, window.location.href));
  const socket = slashed(
    new URL(asText(config.wsUrl) || base.href, window.location.href)
  );
  socket.protocol = socket.protocol.replace(/^http/, 'ws');
  return {
    baseUrl: base.href,
    wsUrl: socket.href,
    token: asText(config.token)
  };
}

/**
 * Find a workspace on this page's server.
 *
 * Its identity (device and inode) proves that the server sees the same folder
 * as the kernel, not one with the same name on another machine.
 *
 * @returns null without a server extension, or if it does not see the folder
 */
export async function findServer(
  folder: string,
  identity: string
): Promise<IServerPlace | null> {
  const server = pageServer();
  if (!server) {
    return null;
  }
  const query = new URLSearchParams({ folder, identity });
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ANSWER_TIMEOUT_MS);
  try {
    const response = await fetch(
      `${server.baseUrl}pyruns/api/workspaces?${query.toString()}`,
      {
        headers: server.token ? { Authorization: `token ${server.token}` } : {},
        credentials: 'same-origin',
        cache: 'no-store',
        signal: abort.signal
      }
    );
    if (!response.ok) {
      return null;
    }
    const { items } = (await response.json()) as { items: { id: string }[] };
    return items.length === 1 ? { ...server, workspace: items[0].id } : null;
  } catch {
    // The kernel answers instead.
    return null;
  } finally {
    clearTimeout(timer);
  }
}

function slashed(url: URL): URL {
  if (!url.pathname.endsWith('/')) {
    url.pathname += '/';
  }
  return url;
}
