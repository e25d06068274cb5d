/** Shares one stream among all listeners to the same events or samples. */
import type {
  EventMessage,
  IEventHandlers,
  IStream,
  IStreamHandlers,
  ISystemHandlers,
  SystemSample
} from './types';

/** How many samples are kept for later listeners: five minutes. */
const MAX_SAMPLES = 300;

type Notify<H> = (call: (handlers: H) => void) => void;

/** How a stream is shared. */
export interface ISharing<H> {
  /** Handlers of the stream, which call those of all listeners. */
  handlers: H;
  /** Report to a later listener what a new connection would report first. */
  greet(handlers: H): void;
}

/** A stream that is opened for the first listener and disposed with the last. */
export class SharedStream<H extends IStreamHandlers> {
  constructor(
    private readonly _share: (notify: Notify<H>) => ISharing<H>,
    private readonly _open: (handlers: H) => IStream
  ) {}

  join(handlers: H): IStream {
    this._listeners.add(handlers);
    if (this._stream === null) {
      const notify: Notify<H> = call => this._notify(call);
      const sharing = (this._sharing = this._share(notify));
      this._stream = this._open({
        ...sharing.handlers,
        onState: state => notify(each => each.onState?.(state)),
        onError: error => notify(each => each.onError?.(error))
      });
    } else {
      // Handlers are never called before this returns.
      queueMicrotask(() => {
        if (this._stream && this._listeners.has(handlers)) {
          handlers.onState?.(this._stream.state);
          this._sharing?.greet(handlers);
        }
      });
    }
    const stream = (): IStream | null => this._stream;
    const isMember = (): boolean => this._listeners.has(handlers);
    return {
      get state() {
        return stream()?.state ?? 'connecting';
      },
      get isDisposed() {
        return !isMember();
      },
      retry: () => void (isMember() && this._stream?.retry()),
      dispose: () => this._leave(handlers)
    };
  }

  private _notify(call: (handlers: H) => void): void {
    for (const handlers of [...this._listeners]) {
      if (this._listeners.has(handlers)) {
        try {
          call(handlers);
        } catch (error) {
          // An error of one listener must not stop the others.
          setTimeout(() => {
            throw error;
          });
        }
      }
    }
  }

  private _leave(handlers: H): void {
    if (this._listeners.delete(handlers) && this._listeners.size === 0) {
      this._stream?.dispose();
      this._stream = null;
      this._sharing = null;
    }
  }

  private readonly _listeners = new Set<H>();
  private _stream: IStream | null = null;
  private _sharing: ISharing<H> | null = null;
}

export function shareEvents(
  notify: Notify<IEventHandlers>
): ISharing<IEventHandlers> {
  let known: EventMessage | null = null;
  const pass =
    (handler: 'onHello' | 'onChanges' | 'onReset') =>
    (message: EventMessage): void => {
      const { epoch, revision, counts = known?.counts } = message;
      known = { type: 'hello', epoch, revision, counts };
      notify(each => each[handler]?.(message));
    };
  return {
    handlers: {
      onHello: pass('onHello'),
      onChanges: pass('onChanges'),
      onReset: pass('onReset')
    },
    greet: handlers => void (known && handlers.onHello?.(known))
  };
}

export function shareSystem(
  notify: Notify<ISystemHandlers>
): ISharing<ISystemHandlers> {
  let known: readonly SystemSample[] = [];
  return {
    handlers: {
      onHistory: samples => {
        known = samples;
        notify(each => each.onHistory(samples));
      },
      onSample: sample => {
        known = [...known, sample].slice(-MAX_SAMPLES);
        notify(each => each.onSample(sample));
      }
    },
    greet: handlers => handlers.onHistory([...known])
  };
}
