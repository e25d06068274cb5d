/** The three streams over websockets and how each of them goes on. */
import { Connection } from './connection';
import { ClientError } from './errors';
import type { ISocket } from './transport';
import type {
  ConnectionState,
  EventMessage,
  IEventHandlers,
  IEventPosition,
  ILogHandlers,
  ILogStart,
  IStream,
  ISystemHandlers,
  LogMessage,
  SystemMessage,
  TaskDetail
} from './types';

export interface IStreamSource<Where> {
  open(where: Where): ISocket;
  /** A plain request that fails for the reason for which a socket fails. */
  probe(): Promise<unknown>;
}

abstract class BaseStream implements IStream {
  get state(): ConnectionState {
    return this.connection.state;
  }

  get isDisposed(): boolean {
    return this.connection.isDisposed;
  }

  retry(): void {
    this.connection.retry();
  }

  dispose(): void {
    this.connection.dispose();
  }

  protected abstract readonly connection: Connection;
}

/** What changed, from a revision on. */
export class EventStream extends BaseStream {
  constructor(
    source: IStreamSource<IEventPosition | null>,
    handlers: IEventHandlers,
    since?: IEventPosition
  ) {
    super();
    this._known = since ?? null;
    this._handlers = handlers;
    this.connection = new Connection({
      open: () => source.open(this._known),
      probe: () => source.probe(),
      onText: message => this._onMessage(message as EventMessage),
      onState: state => handlers.onState?.(state),
      onError: error => handlers.onError?.(error)
    });
  }

  private _onMessage(message: EventMessage): void {
    const { epoch, revision } = message;
    if (this._known !== null && epoch !== this._known.epoch) {
      // Another life of the server: its revisions count from anew.
      this._known = { epoch, revision };
      this._handlers.onReset({ type: 'reset', epoch, revision });
      if (message.type !== 'changes') {
        return;
      }
    }
    switch (message.type) {
      case 'hello':
        // What changed since the known revision follows the greeting, so only
        // who knew nothing stands at the revision that it names.
        this._known ??= { epoch, revision };
        this._handlers.onHello?.(message);
        break;
      case 'changes':
        this._known = { epoch, revision };
        this._handlers.onChanges(message);
        break;
      case 'reset':
        this._known = { epoch, revision };
        this._handlers.onReset(message);
        break;
    }
  }

  protected readonly connection: Connection;
  private _handlers: IEventHandlers;
  private _known: IEventPosition | null;
}

/** Shown bytes are acknowledged at the latest after so many. */
const ACK_EVERY = 65536;

/** The bytes of a run's log in order, each once. */
export class LogStream extends BaseStream {
  constructor(
    source: IStreamSource<ILogStart>,
    start: ILogStart,
    handlers: ILogHandlers
  ) {
    super();
    this._start = { ...start };
    this._handlers = handlers;
    this.connection = new Connection({
      open: () => {
        this._skip = 0;
        this._base = null;
        return source.open(
          this._position === null
            ? this._start
            : { run: this._start.run, offset: this._position }
        );
      },
      probe: () => source.probe(),
      onText: message => this._onMessage(message as LogMessage),
      onBinary: bytes => this._onBytes(bytes),
      onState: state => handlers.onState?.(state),
      onError: error => handlers.onError?.(error)
    });
  }

  private _onMessage(message: LogMessage): void {
    switch (message.type) {
      case 'header':
        this._onHeader(message);
        break;
      case 'reset':
        this._begin(message.offset);
        this._handlers.onReset(message);
        break;
      case 'end':
        this._sendAck(true);
        // Nothing follows: a connection that breaks now is not missed.
        this.connection.dispose();
        this._handlers.onEnd(message);
        break;
    }
  }

  private _onHeader(message: LogMessage): void {
    // "The latest run" must stay the same run when the connection is renewed.
    this._start.run = message.run ?? this._start.run;
    this._base = message.offset;
    this._acked = message.offset;
    if (this._position === null) {
      this._position = message.offset;
      this._done = message.offset;
    } else if ((message.size ?? Infinity) < this._position) {
      // Shorter than what was received: the file was cut or replaced.
      this._begin(0);
      this._base = null;
      this._handlers.onReset({ ...message, type: 'reset', offset: 0 });
      this.connection.renew();
      return;
    } else if (message.offset < this._position) {
      this._skip = this._position - message.offset;
    } else if (message.offset > this._position) {
      this._begin(message.offset);
      this._handlers.onReset({ ...message, type: 'reset' });
    }
    this._handlers.onHeader(message);
  }

  private _begin(offset: number): void {
    this._life++;
    this._position = offset;
    this._base = offset;
    this._done = offset;
    this._acked = offset;
    this._skip = 0;
  }

  private _onBytes(data: Uint8Array): void {
    if (this._position === null || this._base === null) {
      return;
    }
    let bytes = data;
    if (this._skip > 0) {
      const known = Math.min(this._skip, bytes.length);
      this._skip -= known;
      bytes = bytes.subarray(known);
      if (bytes.length === 0) {
        // Known already: the window must not close over it.
        this._acked = this._position - this._skip;
        this.connection.send({ ack: this._acked });
        return;
      }
    }
    const offset = this._position;
    const end = offset + bytes.length;
    const life = this._life;
    this._position = end;
    this._handlers.onData({
      offset,
      bytes,
      done: () => {
        if (life === this._life && end > this._done) {
          this._done = end;
          this._sendAck(end === this._position);
        }
      }
    });
  }

  /** Tell how far the log is shown; `now` even when it is not much more. */
  private _sendAck(now: boolean): void {
    if (
      this._base !== null &&
      this._done > this._acked &&
      (now || this._done - this._acked >= ACK_EVERY)
    ) {
      this._acked = this._done;
      this.connection.send({ ack: this._done });
    }
  }

  protected readonly connection: Connection;
  private _start: ILogStart;
  private _handlers: ILogHandlers;
  /** Up to where bytes were received, null before the first header. */
  private _position: number | null = null;
  /** Where this connection began, null before its header. */
  private _base: number | null = null;
  /** Bytes that this connection repeats. */
  private _skip = 0;
  /** Up to where bytes are shown, and up to where the server was told so. */
  private _done = 0;
  private _acked = 0;
  /** Changes when offsets begin anew, so that late callbacks do not count. */
  private _life = 0;
}

/** Samples of the machine's load. */
export class SystemStream extends BaseStream {
  constructor(source: IStreamSource<null>, handlers: ISystemHandlers) {
    super();
    this.connection = new Connection({
      open: () => source.open(null),
      probe: () => source.probe(),
      onText: data => {
        const message = data as SystemMessage;
        if (message.type === 'history') {
          handlers.onHistory(message.samples);
        } else {
          message.samples.forEach(sample => handlers.onSample(sample));
        }
      },
      onState: state => handlers.onState?.(state),
      onError: error => handlers.onError?.(error)
    });
  }

  protected readonly connection: Connection;
}

/** Throws when a task's file cannot be read: then its log is not found. */
export function checkReadable(detail: TaskDetail): void {
  const { readable, message } = detail.task;
  if (!readable) {
    throw new ClientError(message ?? 'The task cannot be read.', {
      code: 'unreadable'
    });
  }
}
