import type { ITransport } from './client';
import { ClientError, errorFrom, isAbort } from './errors';
import type { IRequest, OperationId } from './operations';
import { addressOf, DOWNLOADS, OPERATIONS } from './operations';
import type { ISocket } from './socket';
import type { ITrans } from './trans';
import { plainTrans } from './trans';
import type { ILogRange, LogHits } from './types';

/** Path of the API of the server extension, below the base URL. */
const API = 'pyruns/api/';

/** Paths of the websockets. */
const STREAMS = {
  events: 'workspaces/{ws}/events',
  log: 'workspaces/{ws}/tasks/{task}/logs/stream',
  system: 'system/stream'
};

/** Opens authenticated requests and sockets to a server. */
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
  constructor(
    private readonly _connection: IServerConnection,
    readonly trans: ITrans = plainTrans
  ) {}

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
      // A login page or a proxy responded instead of the extension.
      throw new ClientError(
        this.trans.__('%1: the response is not JSON', response.url || id),
        { status: response.status, code: 'not_json' }
      );
    }
  }

  async download(
    id: 'exportResults' | 'downloadArtifact' | 'downloadMedium',
    { most, ...parameters }: { most?: number }
  ): Promise<{ blob: Blob; name?: string }> {
    const range: Record<string, string> =
      most === undefined ? {} : { Range: `bytes=0-${most - 1}` };
    const response = await this._fetch(DOWNLOADS[id], { parameters }, range);
    let blob: Blob;
    try {
      blob = await response.blob();
    } catch {
      throw this._incomplete();
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
    for await (const line of this._linesOf(response)) {
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
      // The browser's message ("Failed to fetch") does not help users.
      throw new ClientError(this.trans.__('The server does not respond.'), {
        code: 'unreachable'
      });
    }
    if (!response.ok) {
      throw await errorFrom(response);
    }
    return response;
  }

  private async *_linesOf(
    response: Response
  ): AsyncGenerator<string, void, undefined> {
    const reader = response.body?.getReader();
    const decoder = new TextDecoder();
    let rest = '';
    let isDone = !reader;
    while (reader && !isDone) {
      let value: Uint8Array | undefined;
      try {
        ({ done: isDone, value } = await reader.read());
      } catch (error) {
        throw isAbort(error) ? error : this._incomplete();
      }
      const text = rest + decoder.decode(value, { stream: !isDone });
      const lines = text.split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  }

  private _incomplete(): ClientError {
    return new ClientError(
      this.trans.__(
        'The download is incomplete because the connection was lost. Try again.'
      ),
      { code: 'broken_off' }
    );
  }
}
