import type { ISocket } from './transport';
import type { ConnectionState, IStream } from './types';

/** Bounds of the pause between two attempts, in milliseconds. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15000;

/** How long a socket may take to open, in milliseconds. */
const OPENING = 20000;

/** Told to the page when the server is back, so that nobody waits on. */
const BACK = 'pyruns-server-is-back';

/** A connection lost for less says nothing about the server, in ms. */
const AWAY = 1500;

/** How long a stand must last before pauses begin small again, in ms. */
const STABLE = 5000;

export interface IConnectionOptions {
  /** Open a socket that goes on where the last one broke. */
  open(): ISocket;
  /** A text frame, parsed. */
  onText(message: unknown): void;
  onBinary?(bytes: Uint8Array): void;
  onState?(state: ConnectionState): void;
  /** Why a socket could not be opened; rejects with the reason if it can. */
  probe?(): Promise<unknown>;
  onError?(error: Error): void;
}

/** A websocket that is opened again, with growing pauses, when it breaks. */
export class Connection implements IStream {
  constructor(options: IConnectionOptions) {
    this._options = options;
    if (typeof window !== 'undefined') {
      window.addEventListener('offline', this._onOffline);
      window.addEventListener('online', this._wake);
      window.addEventListener(BACK, this._wake);
      document.addEventListener('visibilitychange', this._wake);
    }
    this._connect();
  }

  get state(): ConnectionState {
    return this._state;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  retry(): void {
    if (this._timer !== undefined) {
      this._pauses = 0;
      this._connect();
    }
  }

  /** Break the connection and open it again. */
  renew(): void {
    this._drop();
    this._later();
  }

  /** Send a JSON frame; what is sent while there is no connection is lost. */
  send(message: object): void {
    if (this._state === 'open') {
      this._socket?.send(JSON.stringify(message));
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    if (typeof window !== 'undefined') {
      window.removeEventListener('offline', this._onOffline);
      window.removeEventListener('online', this._wake);
      window.removeEventListener(BACK, this._wake);
      document.removeEventListener('visibilitychange', this._wake);
    }
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
      this._options.onError?.(
        error instanceof Error ? error : new Error(String(error))
      );
      this._later();
      return;
    }
    socket.binaryType = 'arraybuffer';
    this._socket = socket;
    this._opening = setTimeout(() => this.renew(), OPENING);
    socket.onopen = () => {
      clearTimeout(this._opening);
      this._opened = Date.now();
      const away = Date.now() - (this._lost ?? Date.now());
      this._lost = null;
      this._setState('open');
      if (away > AWAY && typeof window !== 'undefined') {
        window.dispatchEvent(new Event(BACK));
      }
    };
    socket.onmessage = event => {
      const data: unknown = event.data;
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
      const opened = this._opened;
      this._drop();
      if (opened !== null && Date.now() - opened > STABLE) {
        this._pauses = 0;
      }
      this._later();
      if (opened === null) {
        this._explain();
      }
    };
  }

  private _later(): void {
    if (this._isDisposed) {
      return;
    }
    this._lost ??= Date.now();
    this._setState('lost');
    const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this._pauses);
    this._pauses++;
    clearTimeout(this._timer);
    // Chance spreads the clients of a server that comes back.
    this._timer = setTimeout(
      () => this._connect(),
      longest * (0.5 + Math.random() / 2)
    );
  }

  /** A refused handshake has no words: a plain request may have them. */
  private _explain(): void {
    this._options.probe?.().then(undefined, (error: Error) => {
      if (!this._isDisposed && this._state !== 'open') {
        this._options.onError?.(error);
      }
    });
  }

  private _drop(): void {
    clearTimeout(this._opening);
    this._opened = null;
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
    if (state !== this._state && !this._isDisposed) {
      this._state = state;
      this._options.onState?.(state);
    }
  }

  private _wake = (): void => {
    if (document.visibilityState !== 'hidden') {
      this.retry();
    }
  };

  /** A socket without a network stays open for as long as it sends nothing. */
  private _onOffline = (): void => {
    if (this._state === 'open') {
      this.renew();
    }
  };

  private _options: IConnectionOptions;
  private _socket: ISocket | null = null;
  /** When the connection was lost, while it is. */
  private _lost: number | null = null;
  private _state: ConnectionState = 'connecting';
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _opening: ReturnType<typeof setTimeout> | undefined;
  private _opened: number | null = null;
  private _pauses = 0;
  private _isDisposed = false;
}
