/** The event, log and system streams over reconnecting sockets. */
import { ClientError } from './errors';
import type { ISocket } from './socket';
import { ReconnectingSocket } from './socket';
import type { ITrans } from './trans';
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
  /** A request that fails for the same reason as the socket. */
  probe(): Promise<unknown>;
}

/** Follow the changes of a workspace; a new connection resumes at the last revision. */
export function eventStream(
  source: IStreamSource<IEventPosition | null>,
  handlers: IEventHandlers
): IStream {
  let known: IEventPosition | null = null;
  const onText = (message: EventMessage): void => {
    const { epoch, revision } = message;
    if (known !== null && epoch !== known.epoch) {
      // The server was restarted, and counts revisions from the start.
      known = { epoch, revision };
      handlers.onReset({ type: 'reset', epoch, revision });
      if (message.type !== 'changes') {
        return;
      }
    }
    switch (message.type) {
      case 'hello':
        // Changes since the known revision follow, so only the first
        // connection takes the revision of the hello message.
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

/** Follow the utilization of the machine. */
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

/** Follow the log of a run: its bytes in order, each once; see `mayJump`. */
export function logStream(
  source: IStreamSource<ILogStart>,
  start: ILogStart,
  handlers: ILogHandlers
): IStream {
  return new LogReceiver(source, start, handlers).socket;
}

/** How many shown bytes may be unacknowledged. */
const MAX_UNACKNOWLEDGED_BYTES = 65536;

class LogReceiver {
  constructor(
    source: IStreamSource<ILogStart>,
    start: ILogStart,
    private readonly _handlers: ILogHandlers
  ) {
    this._start = { ...start };
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
      handlers: _handlers
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
      case 'jump':
        this._begin(message.offset);
        this._handlers.onJump(message);
        break;
      case 'end':
        this._sendAck(true);
        // Nothing follows, so the connection is not needed any more.
        this.socket.dispose();
        this._handlers.onEnd(message);
        break;
    }
  }

  private _onHeader(message: LogMessage): void {
    // A renewed connection must not switch to a newer run.
    this._start.run = message.run ?? this._start.run;
    this._base = message.offset;
    this._acked = message.offset;
    if (this._position === null) {
      this._position = message.offset;
      this._done = message.offset;
    } else if ((message.size ?? Infinity) < this._position) {
      // The file was truncated or replaced.
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
        // Acknowledged at once, so that the server continues to send.
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

  /** Acknowledge the shown bytes if there are many, or `now`. */
  private _sendAck(now: boolean): void {
    if (
      this._base !== null &&
      this._done > this._acked &&
      (now || this._done - this._acked >= MAX_UNACKNOWLEDGED_BYTES)
    ) {
      this._acked = this._done;
      const jump = this._handlers.mayJump();
      this.socket.send({ ack: this._done, ...(jump && { jump }) });
    }
  }

  readonly socket: ReconnectingSocket;

  private readonly _start: ILogStart;
  /** End of the received bytes; null before the first header. */
  private _position: number | null = null;
  /** Start of this connection; null before its header. */
  private _base: number | null = null;
  /** How many received bytes this connection still repeats. */
  private _skip = 0;
  /** End of the shown and of the acknowledged bytes. */
  private _done = 0;
  private _acked = 0;
  /** Changes when offsets start again, so that late callbacks are ignored. */
  private _life = 0;
}

/** Throw if the file of a task, and so its log, cannot be read. */
export function checkReadable({ task }: TaskDetail, trans: ITrans): void {
  if (!task.readable) {
    throw new ClientError(task.message ?? trans.__('Couldn’t read this task'), {
      code: 'unreadable'
    });
  }
}
