import type { ISocket } from './transport';

/** The end of an operation that its caller gave up, as `fetch` tells it. */
export function abortError(): DOMException {
  return new DOMException('The operation was aborted.', 'AbortError');
}

/**
 * One of many sockets over one channel, with the face of a `WebSocket`.
 *
 * @param post - sends a text frame to the other end
 * @param leave - tells the other end that this one was closed here
 */
export class CommSocket implements ISocket {
  constructor(post: (text: string) => void, leave: () => void) {
    this._post = post;
    this._leave = leave;
  }

  binaryType: BinaryType = 'arraybuffer';
  onopen: WebSocket['onopen'] = null;
  onmessage: WebSocket['onmessage'] = null;
  onclose: WebSocket['onclose'] = null;

  send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
    if (typeof data !== 'string') {
      throw new TypeError('Only text is sent to the kernel.');
    }
    if (!this._isClosed) {
      this._post(data);
    }
  }

  close(): void {
    if (!this._isClosed) {
      this._isClosed = true;
      try {
        this._leave();
      } catch {
        // There is nobody left to tell.
      }
    }
  }

  /** The other end answered. */
  opened(): void {
    if (!this._isClosed) {
      this.onopen?.call(this._self, new Event('open'));
    }
  }

  /** A frame came from the other end. */
  heard(data: string | ArrayBuffer): void {
    if (!this._isClosed) {
      this.onmessage?.call(this._self, new MessageEvent('message', { data }));
    }
  }

  /** The other end closed the socket, or is gone. */
  closed(): void {
    if (!this._isClosed) {
      this._isClosed = true;
      this.onclose?.call(this._self, new CloseEvent('close'));
    }
  }

  private get _self(): WebSocket {
    return this as unknown as WebSocket;
  }

  private _post: (text: string) => void;
  private _leave: () => void;
  private _isClosed = false;
}
