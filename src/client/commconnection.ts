import { ClientError } from './errors';
import { CommSocket, abortError } from './commsocket';

/** How long the kernel may take to answer, in milliseconds. */
const PATIENCE = 10000;

const BUSY =
  'The kernel has not answered yet: it is busy with a cell, or it has died. The table goes on by itself once the kernel is free.';
const BUSY_CHANGE =
  'The kernel has not answered yet: it is busy with a cell, or it has died. What you asked for may still happen once it is free.';
const GONE =
  'The kernel of this widget is gone. Run the cell again to bring the widget back.';

/** Messages to and from one kernel-side object, in order. */
export interface IChannel {
  /** Throws when there is nothing at the other end any more. */
  send(content: object): void;
  /** Hear every message; returns how to stop that. */
  listen(heard: (content: unknown, buffers: Uint8Array[]) => void): () => void;
  /** Hear that the other end is gone; returns how to stop that. */
  onGone(heard: () => void): () => void;
}

/** What the kernel says in answer to a request. */
interface IAnswer {
  /** JSON. */
  text?: string;
  error?: Partial<ClientError.IDetails> & { message?: string };
}

interface IPending {
  resolve(answer: { value: unknown; buffers: Uint8Array[] }): void;
  reject(error: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

/**
 * Requests to a kernel over a comm, and sockets through it.
 *
 * Requests are answered by the kernel between cells; what comes through a
 * socket goes on while a cell runs.
 *
 * @param channel - the way to the kernel
 * @param patience - how long a request may take, in milliseconds
 */
export class CommConnection {
  constructor(channel: IChannel, patience: number = PATIENCE) {
    this._channel = channel;
    this._patience = patience;
    this._unlisten = [
      channel.listen((content, buffers) => this._onMessage(content, buffers)),
      channel.onGone(() => this._onGone())
    ];
  }

  /** Close every stream; requests under way are given up. */
  dispose(): void {
    this._unlisten.forEach(end => end());
    this._unlisten = [];
    for (const socket of [...this._sockets.values()]) {
      socket.close();
    }
    this._giveUp(new ClientError(GONE, { code: 'kernel_gone' }));
  }

  protected async json<T>(
    operation: string,
    parameters: object,
    options: CommConnection.ICallOptions = {}
  ): Promise<T> {
    return (await this.call(operation, parameters, options)).value as T;
  }

  protected call(
    operation: string,
    parameters: object,
    { signal, changes }: CommConnection.ICallOptions
  ): Promise<{ value: unknown; buffers: Uint8Array[] }> {
    return new Promise((resolve, reject) => {
      const busy = new ClientError(changes ? BUSY_CHANGE : BUSY, {
        code: 'kernel_busy'
      });
      if (signal?.aborted) {
        reject(abortError());
        return;
      }
      if (this._isGone) {
        reject(new ClientError(GONE, { code: 'kernel_gone' }));
        return;
      }
      if (this._overdue.size > 0 && !changes) {
        // Another question would only wait behind the one without an answer.
        reject(busy);
        return;
      }
      const request = this._newId();
      const end = (): void => {
        clearTimeout(pending.timer);
        signal?.removeEventListener('abort', onAbort);
        this._pending.delete(request);
      };
      const onAbort = (): void => {
        end();
        reject(abortError());
      };
      const pending: IPending = {
        resolve: answer => {
          end();
          resolve(answer);
        },
        reject: error => {
          end();
          reject(error);
        },
        timer: setTimeout(() => {
          this._overdue.add(request);
          pending.reject(busy);
        }, this._patience)
      };
      this._pending.set(request, pending);
      signal?.addEventListener('abort', onAbort);
      try {
        this._channel.send({
          type: 'request',
          request,
          operation,
          arguments: parameters
        });
      } catch {
        pending.reject(new ClientError(GONE, { code: 'kernel_gone' }));
      }
    });
  }

  protected open(stream: string, parameters: object): CommSocket {
    if (this._isGone) {
      throw new ClientError(GONE, { code: 'kernel_gone' });
    }
    const id = this._newId();
    const socket = new CommSocket(
      text => this._channel.send({ type: 'text', socket: id, text }),
      () => {
        this._sockets.delete(id);
        if (!this._isGone) {
          this._channel.send({ type: 'close', socket: id });
        }
      }
    );
    this._channel.send({
      type: 'open',
      socket: id,
      stream,
      arguments: parameters
    });
    this._sockets.set(id, socket);
    return socket;
  }

  private _onMessage(content: unknown, buffers: Uint8Array[]): void {
    const message = content as {
      type?: string;
      request?: string;
      socket?: string;
      text?: string;
    };
    if (message?.type === 'answer' && message.request !== undefined) {
      // It may be late, but it shows that the kernel is free again.
      if (this._isMine(message.request)) {
        this._overdue.clear();
      }
      const pending = this._pending.get(message.request);
      if (pending) {
        settle(pending, content as IAnswer, buffers);
      }
      return;
    }
    const socket = this._sockets.get(message?.socket ?? '');
    switch (socket && message.type) {
      case 'opened':
        socket?.opened();
        break;
      case 'text':
        socket?.heard(message.text ?? '');
        break;
      case 'binary':
        buffers.forEach(bytes => socket?.heard(exactBuffer(bytes)));
        break;
      case 'closed':
        this._sockets.delete(message.socket ?? '');
        socket?.closed();
        break;
    }
  }

  private _onGone(): void {
    this._isGone = true;
    const sockets = [...this._sockets.values()];
    this._sockets.clear();
    sockets.forEach(socket => socket.closed());
    this._giveUp(new ClientError(GONE, { code: 'kernel_gone' }));
  }

  private _giveUp(error: Error): void {
    for (const pending of [...this._pending.values()]) {
      pending.reject(error);
    }
  }

  /** Several views may share the channel: ids differ between them. */
  private _newId(): string {
    return `${this._prefix}.${this._count++}`;
  }

  private _isMine(id: string): boolean {
    return id.startsWith(`${this._prefix}.`);
  }

  private _channel: IChannel;
  private _patience: number;
  private _unlisten: (() => void)[];
  private _pending = new Map<string, IPending>();
  /** Requests whose answer did not come in time. */
  private _overdue = new Set<string>();
  private _sockets = new Map<string, CommSocket>();
  private _prefix = Math.random().toString(36).slice(2, 12);
  private _count = 0;
  private _isGone = false;
}

export namespace CommConnection {
  export interface ICallOptions {
    signal?: AbortSignal;
    /** The operation changes something, so a late answer is no harmless one. */
    changes?: boolean;
  }
}

function settle(
  pending: IPending,
  { text, error }: IAnswer,
  buffers: Uint8Array[]
): void {
  if (error) {
    pending.reject(
      new ClientError(error.message ?? 'The kernel refused the request.', error)
    );
  } else {
    pending.resolve({ value: JSON.parse(text ?? 'null'), buffers });
  }
}

export function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer;
}
