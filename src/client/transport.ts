/** The part of a `WebSocket` that the streams use. */
export type ISocket = Pick<
  WebSocket,
  'binaryType' | 'onopen' | 'onmessage' | 'onclose' | 'send' | 'close'
>;

/** How requests and sockets reach the server. */
export interface ITransport {
  /** The server's base URL, with its trailing slash. */
  readonly baseUrl: string;
  /** The same for websockets. */
  readonly wsUrl: string;
  request(url: string, init: RequestInit): Promise<Response>;
  openSocket(url: string): ISocket;
}

function cookie(name: string): string | null {
  const found = document.cookie.match(`(?:^|;\\s*)${name}=([^;]*)`);
  return found ? found[1] : null;
}

/**
 * Plain `fetch` and `WebSocket` in a page of the server, authenticated by its
 * cookies; for where Lab's own connection cannot be reached.
 *
 * @param baseUrl - the server's base URL, absolute or relative to the page
 */
export function fetchTransport(baseUrl: string): ITransport {
  const base = new URL(baseUrl, window.location.href);
  if (!base.pathname.endsWith('/')) {
    base.pathname += '/';
  }
  const socket = new URL(base.href);
  socket.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:';
  return {
    baseUrl: base.href,
    wsUrl: socket.href,
    request: (url, init) => {
      const headers = new Headers(init.headers);
      const xsrf = cookie('_xsrf');
      if (xsrf !== null) {
        headers.set('X-XSRFToken', xsrf);
      }
      return fetch(url, { ...init, headers, credentials: 'same-origin' });
    },
    openSocket: url => new WebSocket(url)
  };
}
