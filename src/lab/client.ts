import { PageConfig } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { PromiseDelegate } from '@lumino/coreutils';

import { createClient } from '../client/client';
import type { IServerConnection } from '../client/server';
import { ServerTransport, withToken } from '../client/server';
import type { ITrans } from '../client/trans';
import type { IClient } from '../client/types';

/** Timeout of answers in a demo, whose first ones wait until Python is loaded. */
const DEMO_TIMEOUT_MS = 120000;

/** The address of the worker of a demo (`demo/`), empty if there is a server. */
function demoUrl(): string {
  return PageConfig.getOption('pyrunsDemoUrl');
}

/** Return whether the page is a demo without a server. */
export function isDemo(): boolean {
  return demoUrl() !== '';
}

const demoReady = new PromiseDelegate<void>();

/** Wait until Python is loaded in a demo. */
export function whenReady(): Promise<void> {
  return demoReady.promise;
}

/** The worker, which the page of a demo starts before it loads JupyterLab. */
function demoWorker(): Worker {
  const { pyrunsDemoWorker } = globalThis as { pyrunsDemoWorker?: Worker };
  return pyrunsDemoWorker ?? new Worker(demoUrl(), { type: 'module' });
}

/** Make the client of the server extension, or of a demo without a server. */
export async function makeClient(
  settings: ServerConnection.ISettings,
  trans?: ITrans
): Promise<IClient> {
  if (isDemo()) {
    const [{ CommTransport }, { workerChannel }] = await Promise.all([
      import('../client/comm'),
      import('../client/workerchannel')
    ]);
    const { channel, ready } = workerChannel(demoWorker());
    demoReady.resolve(ready);
    return createClient(new CommTransport(channel, DEMO_TIMEOUT_MS, trans));
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
