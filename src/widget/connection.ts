import type { IServerConnection } from '../client/server';
import { withToken } from '../client/server';
import type { IServerPlace } from './types';

/**
 * Return `fetch` and `WebSocket` for a page of the server, authenticated by
 * cookies or a token: widgets have no access to Lab's connection.
 */
export function pageConnection(server: IServerPlace): IServerConnection {
  const { baseUrl, wsUrl, token } = server;
  return {
    baseUrl,
    wsUrl,
    request: (url, init) => {
      const headers = new Headers(init.headers);
      const xsrf = /(?:^|;\s*)_xsrf=([^;]*)/.exec(document.cookie)?.[1];
      if (xsrf !== undefined) {
        headers.set('X-XSRFToken', xsrf);
      }
      if (token) {
        headers.set('Authorization', `token ${token}`);
      }
      return fetch(url, { ...init, headers, credentials: 'same-origin' });
    },
    openSocket: url => new WebSocket(withToken(url, token))
  };
}
