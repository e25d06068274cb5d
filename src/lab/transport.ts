import { ServerConnection } from '@jupyterlab/services';

import type { ITransport } from '../client/transport';

/** Requests and sockets with the settings of Lab's own connection. */
export function labTransport(settings: ServerConnection.ISettings): ITransport {
  return {
    baseUrl: settings.baseUrl,
    wsUrl: settings.wsUrl,
    request: (url, init) => ServerConnection.makeRequest(url, init, settings),
    openSocket: url => new settings.WebSocket(withToken(url, settings))
  };
}

/** A socket cannot carry a header, so its token goes into the address. */
function withToken(url: string, settings: ServerConnection.ISettings): string {
  if (!settings.appendToken || !settings.token) {
    return url;
  }
  const mark = url.includes('?') ? '&' : '?';
  return `${url}${mark}token=${encodeURIComponent(settings.token)}`;
}
