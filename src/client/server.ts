import type { ITransport } from './client';
import { ClientError, errorFrom, isAbort } from './errors';
import type { IRequest, OperationId } from './operations';
import { addressOf, DOWNLOADS, OPERATIONS } from './operations';
import type { ISocket } from './socket';
import type { ILogRange, LogHits } from './types';

/** Path of the API of the server extension, below the base URL. */
const API = 'pyruns/api/';

/** Paths of the websockets. */
const STREAMS = {
  events: 'workspaces/{ws}/events',
  log: 'workspaces/{ws}/tasks/{task}/logs/stream',
  system: 'system/stream'
};

/** How requests and sockets reach a server and are authenticated there. */
export interface IServerConnection {
  /** The server's base URL, with its trailing slash. */
  readonly baseUrl: string;
  /** The same for websockets. */
  readonly wsUrl: string;
  request(url: string, init: RequestInit): Promise<Response>;
  openSocket(url: string): ISocket;
}

/** Add a token to the address of a socket, which cannot have a header. */
export function withToken(url: string, token: string): string {
  if (!token) {
    return url;
  }
  const mark = url.includes('?') ? '&' : '?';
  return `${url}${mark}token=${encodeURIComponent(token)}`;
}

/** The server extension over REST and websockets. */
export class ServerTransport implements ITransport {
  constructor(connection: IServerConnection) {
    this._connection = connection;
  }

  async perform(id: OperationId, request: IRequest): Promise<unknown> {
    const response = await this._fetch(OPERATIONS[id], request);
    if (response.status === 204) {
      return undefined;
    }
    try {
      return await response.json();
    } catch (error) {
      if (isAbort(error)) {
        throw error;
      }
      // A login page or a proxy answered in place of the extension.
      throw new ClientError(`${response.url || id}: the answer is not JSON`, {
        status: response.status,
        code: 'not_json'
      });
    }
  }

  async download(
    id: 'exportResults' | 'downloadArtifact',
    { most, ...parameters }: { most?: number }
  ): Promise<{ blob: Blob; name?: string }> {
    const range: Record<string, string> =
      most === undefined ? {} : { Range: `bytes=0-${most - 1}` };
    const response = await this._fetch(DOWNLOADS[id], { parameters }, range);
    let blob: Blob;
    try {
      blob = await response.blob();
    } catch {
      throw brokenOff();
    }
    const header = response.headers.get('Content-Disposition') ?? '';
    const name = /filename="([^"]+)"/.exec(header)?.[1];
    return name ? { blob, name } : { blob };
  }

  async readLog(parameters: object, signal?: AbortSignal): Promise<ILogRange> {
    const response = await this._fetch(DOWNLOADS.readLog, {
      parameters,
      signal
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const offset = Number(response.headers.get('X-Pyruns-Log-Offset') ?? 0);
    const size = response.headers.get('X-Pyruns-Log-Size');
    return {
      bytes,
      offset,
      size: size === null ? offset + bytes.length : Number(size)
    };
  }

  async searchLog(
    parameters: object,
    onHits: (hits: LogHits) => void,
    signal?: AbortSignal
  ): Promise<void> {
    const response = await this._fetch(DOWNLOADS.searchLog, {
      parameters,
      signal
    });
    for await (const line of linesOf(response)) {
      onHits(JSON.parse(line) as LogHits);
    }
  }

  logUrl(parameters: object): string | null {
    const url = new URL(
      this._urlOf(DOWNLOADS.downloadLog, parameters),
      window.location.href
    );
    // On another origin the browser would not be authenticated.
    return url.origin === window.location.origin ? url.href : null;
  }

  openSocket(stream: keyof typeof STREAMS, parameters: object): ISocket {
    const { wsUrl } = this._connection;
    return this._connection.openSocket(
      wsUrl + API + addressOf(STREAMS[stream], parameters)
    );
  }

  private _urlOf(route: string, parameters: object): string {
    const path = route.slice(route.indexOf(' ') + 1);
    return this._connection.baseUrl + API + addressOf(path, parameters);
  }

  private async _fetch(
    route: string,
    { parameters, body, signal }: IRequest,
    headers: Record<string, string> = {}
  ): Promise<Response> {
    const init: RequestInit = {
      method: route.slice(0, route.indexOf(' ')),
      cache: 'no-store',
      headers
    };
    if (body) {
      init.body = JSON.stringify(body);
      init.headers = { ...headers, 'Content-Type': 'application/json' };
    }
    if (signal) {
      init.signal = signal;
    }
    let response: Response;
    try {
      response = await this._connection.request(
        this._urlOf(route, parameters),
        init
      );
    } catch (error) {
      if (isAbort(error)) {
        throw error;
      }
      // The browser's own message ("Failed to fetch") does not help a user.
      throw new ClientError('The server does not answer.', {
        status: 0,
        code: 'unreachable'
      });
    }
    if (!response.ok) {
      throw await errorFrom(response);
    }
    return response;
  }

  private readonly _connection: IServerConnection;
}

/** The lines of an answer, as they come. */
async function* linesOf(response: Response): AsyncGenerator<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    while (reader) {
      const { done, value } = await reader.read();
      const lines = (rest + decoder.decode(value, { stream: !done })).split(
        '\n'
      );
      rest = lines.pop() ?? '';
      for (const line of lines) {
        yield line;
      }
      if (done) {
        return;
      }
    }
  } catch (error) {
    throw isAbort(error) ? error : brokenOff();
  }
}

function brokenOff(): ClientError {
  return new ClientError('The file broke off before its end. Try again.', {
    code: 'broken_off'
  });
}
