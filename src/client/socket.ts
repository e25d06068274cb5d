import type { ConnectionState, IStream, IStreamHandlers } from './types';

/** Limits of the delay between attempts. */
const MIN_PAUSE_MS = 500;
const MAX_PAUSE_MS = 15000;

const OPEN_TIMEOUT_MS = 20000;

/** An event of the page: the server is back, so that all sockets reconnect. */
const SERVER_BACK = 'pyruns-server-is-back';

/** A shorter loss of a connection does not mean that the server was gone. */
const MIN_OUTAGE_MS = 1500;

/** Duration of a connection after which delays are short again. */
const STABLE_MS = 5000;

/** The part of a `WebSocket` that the streams use. */
export interface ISocket {
  binaryType: BinaryType;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface ISocketOptions {
  /** Open a socket that continues where the last one broke. */
  open(): ISocket;
  /** A request that fails for the same reason as the socket. */
  probe(): Promise<unknown>;
  /** Called with a text frame, parsed. */
  onText(message: unknown): void;
  onBinary?(bytes: Uint8Array): void;
  handlers: IStreamHandlers;
}

/** A websocket that reconnects, with increasing delays, when it breaks. */
export class ReconnectingSocket implements IStream {
  constructor(private readonly _options: ISocketOptions) {
    const { signal } = this._life;
    window.addEventListener('offline', this._onOffline, { signal });
    window.addEventListener('online', this._onWake, { signal });
    window.addEventListener(SERVER_BACK, this._onWake, { signal });
    document.addEventListener('visibilitychange', this._onWake, { signal });
    this._connect();
  }

  get state(): ConnectionState {
    return this._state;
  }

  get isDisposed(): boolean {
    return this._life.signal.aborted;
  }

  retry(): void {
    if (this._timer !== undefined) {
      this._attempts = 0;
      this._connect();
    }
  }

  /** Break the connection and open it again. */
  renew(): void {
    this._drop();
    this._reconnectLater();
  }

  /** Send a JSON frame, which is lost while there is no connection. */
  send(message: object): void {
    if (this._state === 'open') {
      this._socket?.send(JSON.stringify(message));
    }
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._life.abort();
    clearTimeout(this._timer);
    this._timer = undefined;
    this._drop();
  }

  private _connect(): void {
    clearTimeout(this._timer);
    this._timer = undefined;
    let socket: ISocket;
    try {
      socket = this._options.open();
    } catch (error) {
      this._options.handlers.onError?.(
        error instanceof Error ? error : new Error(String(error))
      );
      this._reconnectLater();
      return;
    }
    socket.binaryType = 'arraybuffer';
    this._socket = socket;
    this._openTimer = setTimeout(() => this.renew(), OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(this._openTimer);
      this._openedAt = Date.now();
      const outage = Date.now() - (this._lostAt ?? Date.now());
      this._lostAt = null;
      this._setState('open');
      if (outage > MIN_OUTAGE_MS) {
        window.dispatchEvent(new Event(SERVER_BACK));
      }
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (typeof data !== 'string') {
        this._options.onBinary?.(new Uint8Array(data as ArrayBuffer));
        return;
      }
      let message: unknown;
      try {
        message = JSON.parse(data);
      } catch {
        return;
      }
      this._options.onText(message);
    };
    socket.onclose = () => {
      const openedAt = this._openedAt;
      this._drop();
      if (openedAt !== null && Date.now() - openedAt > STABLE_MS) {
        this._attempts = 0;
      }
      this._reconnectLater();
      if (openedAt === null) {
        this._explain();
      }
    };
  }

  private _reconnectLater(): void {
    if (this.isDisposed) {
      return;
    }
    this._lostAt ??= Date.now();
    this._setState('lost');
    const pause = Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** this._attempts);
    this._attempts++;
    clearTimeout(this._timer);
    // Random, so that not all clients of a server reconnect at once.
    this._timer = setTimeout(
      () => this._connect(),
      pause * (0.5 + Math.random() / 2)
    );
  }

  /** Report why the server refused a handshake. */
  private _explain(): void {
    this._options.probe().then(undefined, (error: Error) => {
      if (!this.isDisposed && this._state !== 'open') {
        this._options.handlers.onError?.(error);
      }
    });
  }

  private _drop(): void {
    clearTimeout(this._openTimer);
    this._openedAt = null;
    const socket = this._socket;
    if (socket) {
      this._socket = null;
      socket.onopen = null;
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    }
  }

  private _setState(state: ConnectionState): void {
    if (state !== this._state && !this.isDisposed) {
      this._state = state;
      this._options.handlers.onState?.(state);
    }
  }

  private _onWake = (): void => {
    if (document.visibilityState !== 'hidden') {
      this.retry();
    }
  };

  /** Without a network a socket stays open until something is sent. */
  private _onOffline = (): void => {
    if (this._state === 'open') {
      this.renew();
    }
  };

  private _socket: ISocket | null = null;
  private _state: ConnectionState = 'connecting';
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _openTimer: ReturnType<typeof setTimeout> | undefined;
  private _openedAt: number | null = null;
  /** When the connection was lost; null while it is open. */
  private _lostAt: number | null = null;
  private _attempts = 0;
  /** Aborted when the socket is disposed. */
  private readonly _life = new AbortController();
}
