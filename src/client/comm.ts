import type { ITransport } from './client';
import type { IErrorDetails } from './errors';
import { abortError, ClientError } from './errors';
import type { IRequest, OperationId } from './operations';
import { isChange } from './operations';
import type { ISocket } from './socket';
import type { ITrans } from './trans';
import { plainTrans } from './trans';
import type { ILogRange, LogHits } from './types';

/** Timeout of the kernel's answer. */
const ANSWER_TIMEOUT_MS = 10000;

/** Messages to and from one kernel-side object, in order. */
export interface IChannel {
  /** Throws if the other end is gone. */
  send(content: object): void;
  /** Listen to all messages; returns a function that ends that. */
  listen(
    onMessage: (content: unknown, buffers: Uint8Array[]) => void
  ): () => void;
  /** Listen to the loss of the other end; returns a function that ends that. */
  onGone(onGone: () => void): () => void;
}

/** Why the kernel refused a request. */
type IRefusal = Partial<IErrorDetails> & { message?: string };

/** A message of the kernel (`notebook/comm_server.py`). */
interface IMessage {
  type?: string;
  /** The request, in an answer. */
  request?: string;
  error?: IRefusal;
  /** The socket, in other messages. */
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
 * A kernel over a comm, if no server extension can be reached.
 *
 * The id of a workspace is the absolute path of its folder. The kernel answers
 * requests between cells; streams continue while a cell runs.
 */
export class CommTransport implements ITransport {
  constructor(
    private readonly _channel: IChannel,
    private readonly _timeout: number = ANSWER_TIMEOUT_MS,
    readonly trans: ITrans = plainTrans
  ) {
    this._disconnect = [
      _channel.listen((content, buffers) =>
        this._onMessage((content ?? {}) as IMessage, buffers)
      ),
      _channel.onGone(() => this._onGone())
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
    id: 'exportResults' | 'downloadArtifact' | 'downloadMedium',
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
          fail(this._refusal(line.error));
          return;
        }
        onHits(line);
        if (line.done) {
          end();
          resolve();
        }
      };
      socket.onclose = () =>
        fail(
          this._refusal({
            code: 'not_searched',
            message: this.trans.__(
              'The kernel did not search the whole log. Try again.'
            )
          })
        );
    });
  }

  logUrl(): null {
    return null;
  }

  openSocket(stream: string, parameters: object): ISocket {
    if (this._isGone) {
      throw this._gone();
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
      if (signal?.aborted) {
        throw abortError();
      }
      if (this._isGone) {
        throw this._gone();
      }
      if (this._overdue.size > 0 && !changes && Date.now() < this._probeAt()) {
        // The request would only queue after the one without an answer.
        throw this._busy(changes);
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
        pending.reject(this._busy(changes));
      }, this._timeout);
      this._pending.set(request, pending);
      signal?.addEventListener('abort', onAbort);
      this._sentAt = Date.now();
      try {
        this._channel.send({
          type: 'request',
          request,
          operation,
          arguments: body ? { ...parameters, body } : parameters
        });
      } catch {
        pending.reject(this._gone());
      }
    });
  }

  private _onMessage(message: IMessage, buffers: Uint8Array[]): void {
    const { type, request = '', error, text = '' } = message;
    if (type === 'answer') {
      // Also a late answer shows that the kernel is free again.
      if (request.startsWith(`${this._prefix}.`)) {
        this._overdue.clear();
      }
      const pending = this._pending.get(request);
      if (error) {
        pending?.reject(this._refusal(error));
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
    [...this._pending.values()].forEach(({ reject }) => reject(this._gone()));
  }

  /**
   * The time of the next read that is sent although the kernel seems busy: the
   * missing answers may be lost. The interval grows, since these reads queue.
   */
  private _probeAt(): number {
    return this._sentAt + this._timeout * (1 + this._overdue.size);
  }

  private _gone(): ClientError {
    return new ClientError(
      this.trans.__(
        'The kernel of this widget has stopped. Run the cell again to restore the widget.'
      ),
      { code: 'kernel_gone' }
    );
  }

  private _busy(changes: boolean): ClientError {
    const { trans } = this;
    return new ClientError(
      changes
        ? trans.__(
            'The kernel does not respond. It is running a cell or has stopped. The request may still be executed later.'
          )
        : trans.__(
            'The kernel does not respond. It is running a cell or has stopped. The widget updates when the kernel is idle again.'
          ),
      { code: 'kernel_busy' }
    );
  }

  private _refusal(refusal: IRefusal): ClientError {
    return new ClientError(
      refusal.message ?? this.trans.__('The kernel refused the request.'),
      refusal
    );
  }

  /** Ids are unique, since several views may share the channel. */
  private _newId(): string {
    return `${this._prefix}.${this._count++}`;
  }

  private readonly _disconnect: (() => void)[];
  private readonly _pending = new Map<string, IPending>();
  /** Requests that timed out. */
  private readonly _overdue = new Set<string>();
  /** When the last request was sent, in milliseconds since the epoch. */
  private _sentAt = 0;
  /** Open sockets. */
  private readonly _sockets = new Map<string, ISocket>();
  private readonly _prefix = Math.random().toString(36).slice(2, 12);
  private _count = 0;
  private _isGone = false;
}

function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer;
}
