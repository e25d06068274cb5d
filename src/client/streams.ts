/** The event, log and system streams over reconnecting sockets. */
import { ClientError } from './errors';
import type { ISocket } from './socket';
import { ReconnectingSocket } from './socket';
import type {
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

export interface IStreamSource<Start> {
  open(start: Start): ISocket;
  /** A plain request that fails for the reason for which a socket fails. */
  probe(): Promise<unknown>;
}

/** The changes of a workspace; a new connection resumes at the last revision. */
export function eventStream(
  source: IStreamSource<IEventPosition | null>,
  handlers: IEventHandlers
): IStream {
  let known: IEventPosition | null = null;
  const onText = (message: EventMessage): void => {
    const { epoch, revision } = message;
    if (known !== null && epoch !== known.epoch) {
      // The server was restarted: its revisions are counted from the start.
      known = { epoch, revision };
      handlers.onReset({ type: 'reset', epoch, revision });
      if (message.type !== 'changes') {
        return;
      }
    }
    switch (message.type) {
      case 'hello':
        // The changes since the known revision follow, so only the first
        // connection starts at the revision that the greeting names.
        known ??= { epoch, revision };
        handlers.onHello?.(message);
        break;
      case 'changes':
        known = { epoch, revision };
        handlers.onChanges(message);
        break;
      case 'reset':
        known = { epoch, revision };
        handlers.onReset(message);
        break;
    }
  };
  return new ReconnectingSocket({
    open: () => source.open(known),
    probe: () => source.probe(),
    onText: message => onText(message as EventMessage),
    handlers
  });
}

/** Samples of the utilization of the machine. */
export function systemStream(
  source: IStreamSource<null>,
  handlers: ISystemHandlers
): IStream {
  return new ReconnectingSocket({
    open: () => source.open(null),
    probe: () => source.probe(),
    onText: data => {
      const { type, samples } = data as SystemMessage;
      if (type === 'history') {
        handlers.onHistory(samples);
      } else {
        samples.forEach(sample => handlers.onSample(sample));
      }
    },
    handlers
  });
}

/** The bytes of a run's log in order, each once. */
export function logStream(
  source: IStreamSource<ILogStart>,
  start: ILogStart,
  handlers: ILogHandlers
): IStream {
  return new LogReceiver(source, start, handlers).socket;
}

/** Shown bytes that may be unacknowledged. */
const MAX_UNACKNOWLEDGED_BYTES = 65536;

class LogReceiver {
  constructor(
    source: IStreamSource<ILogStart>,
    start: ILogStart,
    handlers: ILogHandlers
  ) {
    this._start = { ...start };
    this._handlers = handlers;
    this.socket = new ReconnectingSocket({
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
      handlers
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
        // Nothing follows, so a lost connection does not matter any more.
        this.socket.dispose();
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
      this.socket.renew();
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
        this.socket.send({ ack: this._acked });
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
      (now || this._done - this._acked >= MAX_UNACKNOWLEDGED_BYTES)
    ) {
      this._acked = this._done;
      this.socket.send({ ack: this._done });
    }
  }

  readonly socket: ReconnectingSocket;

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

/** Throw when a task's file cannot be read: then its log is not found either. */
export function checkReadable(detail: TaskDetail): void {
  const { readable, message } = detail.task;
  if (!readable) {
    throw new ClientError(message ?? 'The task cannot be read.', {
      code: 'unreadable'
    });
  }
}
