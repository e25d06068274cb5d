import type { ITransport } from './client';
import { abortError, ClientError } from './errors';
import type { IRequest, OperationId } from './operations';
import { isChange } from './operations';
import type { ISocket } from './socket';
import type { ILogRange, LogHits } from './types';

/** How long the kernel may take to answer. */
const ANSWER_TIMEOUT_MS = 10000;

const BUSY =
  'The kernel has not answered yet: it is busy with a cell, or it has died. The table goes on by itself once the kernel is free.';
const BUSY_CHANGE =
  'The kernel has not answered yet: it is busy with a cell, or it has died. What you asked for may still happen once it is free.';
const GONE =
  'The kernel of this widget is gone. Run the cell again to bring the widget back.';
const UNSEARCHED = 'The kernel did not search this log to its end.';
const REFUSED = 'The kernel refused the request.';

/** Messages to and from one kernel-side object, in order. */
export interface IChannel {
  /** Throws when there is nothing at the other end any more. */
  send(content: object): void;
  /** Listen to every message; returns a function that ends that. */
  listen(
    onMessage: (content: unknown, buffers: Uint8Array[]) => void
  ): () => void;
  /** Listen to the loss of the other end; returns a function that ends that. */
  onGone(onGone: () => void): () => void;
}

/** Why the kernel refused something. */
type IRefusal = Partial<ClientError.IDetails> & { message?: string };

/** A message of the kernel (`notebook/comm_server.py`). */
interface IMessage {
  type?: string;
  /** Of an answer: the request. */
  request?: string;
  error?: IRefusal;
  /** Of other messages: the socket. */
  socket?: string;
  /** JSON, or a text frame. */
  text?: string;
}

interface IReply {
  value: unknown;
  buffers: Uint8Array[];
}

interface IPending {
  resolve(reply: IReply): void;
  reject(error: Error): void;
}

/**
 * A kernel over a comm, where no server extension can be reached.
 *
 * A workspace's id is the absolute path of its folder. Requests are answered
 * between cells; streams continue while a cell runs.
 */
export class CommTransport implements ITransport {
  constructor(channel: IChannel, timeout: number = ANSWER_TIMEOUT_MS) {
    this._channel = channel;
    this._timeout = timeout;
    this._disconnect = [
      channel.listen((content, buffers) =>
        this._onMessage((content ?? {}) as IMessage, buffers)
      ),
      channel.onGone(() => this._onGone())
    ];
  }

  /** Close all streams and reject pending requests. */
  dispose(): void {
    this._disconnect.splice(0).forEach(disconnect => disconnect());
    [...this._sockets.values()].forEach(socket => socket.close());
    this._rejectAll();
  }

  async perform(id: OperationId, request: IRequest): Promise<unknown> {
    return (await this._request(id, request, isChange(id))).value;
  }

  async download(
    id: 'exportResults' | 'downloadArtifact',
    parameters: object
  ): Promise<{ blob: Blob; name: string }> {
    const { value, buffers } = await this._request(id, { parameters });
    const { name, type } = value as { name: string; type: string };
    return { blob: new Blob(buffers.map(exactBuffer), { type }), name };
  }

  async readLog(parameters: object, signal?: AbortSignal): Promise<ILogRange> {
    const request = { parameters, signal };
    const { value, buffers } = await this._request('readLog', request);
    const range = value as { offset: number; size: number };
    return { ...range, bytes: buffers[0] ?? new Uint8Array() };
  }

  searchLog(
    parameters: object,
    onHits: (hits: LogHits) => void,
    signal?: AbortSignal
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        throw abortError();
      }
      const socket = this.openSocket('search', parameters);
      const end = (): void => {
        signal?.removeEventListener('abort', onAbort);
        socket.close();
      };
      const fail = (error: Error): void => {
        end();
        reject(error);
      };
      const onAbort = (): void => fail(abortError());
      signal?.addEventListener('abort', onAbort);
      socket.onmessage = ({ data }) => {
        const line = JSON.parse(String(data)) as LogHits & { error?: IRefusal };
        if (line.error) {
          fail(new ClientError(line.error.message ?? UNSEARCHED, line.error));
          return;
        }
        onHits(line);
        if (line.done) {
          end();
          resolve();
        }
      };
      socket.onclose = () =>
        fail(new ClientError(UNSEARCHED, { code: 'not_searched' }));
    });
  }

  logUrl(): null {
    return null;
  }

  openSocket(stream: string, parameters: object): ISocket {
    if (this._isGone) {
      throw gone();
    }
    const id = this._newId();
    const send = (type: string, content: object = {}): void =>
      this._channel.send({ type, socket: id, ...content });
    const socket: ISocket = {
      binaryType: 'arraybuffer',
      onopen: null,
      onmessage: null,
      onclose: null,
      send: text => {
        if (this._sockets.has(id)) {
          send('text', { text });
        }
      },
      close: () => {
        if (this._sockets.delete(id)) {
          try {
            send('close');
          } catch {
            // The kernel is gone, and the stream with it.
          }
        }
      }
    };
    send('open', { stream, arguments: parameters });
    this._sockets.set(id, socket);
    return socket;
  }

  private _request(
    operation: string,
    { parameters, body, signal }: IRequest,
    changes = false
  ): Promise<IReply> {
    return new Promise((resolve, reject) => {
      const busy = new ClientError(changes ? BUSY_CHANGE : BUSY, {
        code: 'kernel_busy'
      });
      if (signal?.aborted) {
        throw abortError();
      }
      if (this._isGone) {
        throw gone();
      }
      if (this._overdue.size > 0 && !changes) {
        // The request would only wait behind the one without an answer.
        throw busy;
      }
      const request = this._newId();
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this._pending.delete(request);
      };
      const pending: IPending = {
        resolve: reply => {
          end();
          resolve(reply);
        },
        reject: error => {
          end();
          reject(error);
        }
      };
      const onAbort = (): void => pending.reject(abortError());
      const timer = setTimeout(() => {
        this._overdue.add(request);
        pending.reject(busy);
      }, this._timeout);
      this._pending.set(request, pending);
      signal?.addEventListener('abort', onAbort);
      try {
        this._channel.send({
          type: 'request',
          request,
          operation,
          arguments: body ? { ...parameters, body } : parameters
        });
      } catch {
        pending.reject(gone());
      }
    });
  }

  private _onMessage(message: IMessage, buffers: Uint8Array[]): void {
    const { type, request = '', error, text = '' } = message;
    if (type === 'answer') {
      // A late answer, too, shows that the kernel is free again.
      if (request.startsWith(`${this._prefix}.`)) {
        this._overdue.clear();
      }
      const pending = this._pending.get(request);
      if (error) {
        pending?.reject(new ClientError(error.message ?? REFUSED, error));
      } else {
        pending?.resolve({ value: JSON.parse(text || 'null'), buffers });
      }
      return;
    }
    const id = message.socket ?? '';
    const socket = this._sockets.get(id);
    const receive = (data: string | ArrayBuffer): void =>
      socket?.onmessage?.(new MessageEvent('message', { data }));
    switch (type) {
      case 'opened':
        socket?.onopen?.(new Event('open'));
        break;
      case 'text':
        receive(text);
        break;
      case 'binary':
        buffers.forEach(bytes => receive(exactBuffer(bytes)));
        break;
      case 'closed':
        this._sockets.delete(id);
        socket?.onclose?.(new CloseEvent('close'));
        break;
    }
  }

  private _onGone(): void {
    this._isGone = true;
    const sockets = [...this._sockets.values()];
    this._sockets.clear();
    sockets.forEach(socket => socket.onclose?.(new CloseEvent('close')));
    this._rejectAll();
  }

  private _rejectAll(): void {
    [...this._pending.values()].forEach(pending => pending.reject(gone()));
  }

  /** Several views may share the channel: ids differ between them. */
  private _newId(): string {
    return `${this._prefix}.${this._count++}`;
  }

  private readonly _channel: IChannel;
  private readonly _timeout: number;
  private readonly _disconnect: (() => void)[];
  private readonly _pending = new Map<string, IPending>();
  /** Requests whose answer did not come in time. */
  private readonly _overdue = new Set<string>();
  /** Sockets that neither side has closed. */
  private readonly _sockets = new Map<string, ISocket>();
  private readonly _prefix = Math.random().toString(36).slice(2, 12);
  private _count = 0;
  private _isGone = false;
}

function gone(): ClientError {
  return new ClientError(GONE, { code: 'kernel_gone' });
}

function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer;
}
