import type { ITransport } from '../client/transport';
import { fetchTransport } from '../client/transport';
import type { IServerPlace } from './types';

/** The way to the page's server, with its token where it has one. */
export function serverTransport(server: IServerPlace): ITransport {
  const plain = fetchTransport(server.baseUrl);
  const { token } = server;
  return {
    baseUrl: server.baseUrl,
    wsUrl: server.wsUrl,
    request: (url, init) => {
      const headers = new Headers(init.headers);
      if (token) {
        headers.set('Authorization', `token ${token}`);
      }
      return plain.request(url, { ...init, headers });
    },
    openSocket: url => {
      const address = new URL(url);
      if (token) {
        address.searchParams.set('token', token);
      }
      return plain.openSocket(address.href);
    }
  };
}
