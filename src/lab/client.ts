import { PageConfig } from '@jupyterlab/coreutils';
import type { ServerConnection } from '@jupyterlab/services';

import { ServerClient } from '../client/server';
import type { IClient } from '../client/types';
import { labTransport } from './transport';

/** Whether the page's configuration asks for simulated tasks (`demo/`). */
export function isDemo(): boolean {
  return PageConfig.getOption('pyrunsDemo') === 'true';
}

/** The client of the server extension, or of a demo that has none. */
export async function makeClient(
  settings: ServerConnection.ISettings
): Promise<IClient> {
  if (isDemo()) {
    const { DemoClient } = await import('../client/demo');
    return new DemoClient();
  }
  return new ServerClient(labTransport(settings));
}
