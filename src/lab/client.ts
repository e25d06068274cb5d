import { PageConfig } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { createClient } from '../client/client';
import type { IServerConnection } from '../client/server';
import { ServerTransport, withToken } from '../client/server';
import type { ITrans } from '../client/trans';
import type { IClient } from '../client/types';

/** Return whether the page is configured to simulate tasks (`demo/`). */
export function isDemo(): boolean {
  return PageConfig.getOption('pyrunsDemo') === 'true';
}

/** Make the client of the server extension, or of a demo without a server. */
export async function makeClient(
  settings: ServerConnection.ISettings,
  trans?: ITrans
): Promise<IClient> {
  if (isDemo()) {
    const { createDemoClient } = await import('../client/demo');
    return createDemoClient();
  }
  return createClient(new ServerTransport(labConnection(settings), trans));
}

/** Requests and sockets with the settings of Lab's own connection. */
export function labConnection(
  settings: ServerConnection.ISettings
): IServerConnection {
  const { baseUrl, wsUrl, WebSocket, appendToken, token } = settings;
  return {
    baseUrl,
    wsUrl,
    request: (url, init) => ServerConnection.makeRequest(url, init, settings),
    openSocket: url => new WebSocket(withToken(url, appendToken ? token : ''))
  };
}
