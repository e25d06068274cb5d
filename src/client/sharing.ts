/** One stream for everybody who listens to the same. */
import type {
  EventMessage,
  IEventHandlers,
  IStream,
  IStreamHandlers,
  ISystemHandlers,
  SystemSample
} from './types';

/** Samples that are kept for who comes later: at one a second, five minutes. */
const MOST_SAMPLES = 300;

abstract class SharedStream<H extends IStreamHandlers> {
  /** @param open - connects; what it makes is disposed with the last listener */
  constructor(open: (handlers: H) => IStream) {
    this._open = open;
  }

  /** Listen; who comes later is told what the others know already. */
  join(handlers: H): IStream {
    this._listeners.add(handlers);
    if (this._stream === null) {
      this._stream = this._open(this.everybody());
    } else {
      // As from any stream, nothing comes before this call has returned.
      queueMicrotask(() => {
        if (this._stream && this._listeners.has(handlers)) {
          handlers.onState?.(this._stream.state);
          this.greet(handlers);
        }
      });
    }
    return new Member(
      () => this._stream,
      () => this._leave(handlers)
    );
  }

  /** Handlers that hand everything on, with `tell`. */
  protected abstract everybody(): H;

  /** Tell what a new connection would begin with. */
  protected abstract greet(handlers: H): void;

  /** What was known is forgotten. */
  protected abstract forget(): void;

  protected tell(say: (handlers: H) => void): void {
    for (const handlers of [...this._listeners]) {
      if (this._listeners.has(handlers)) {
        try {
          say(handlers);
        } catch (error) {
          // A mistake of one listener keeps nothing from the others.
          setTimeout(() => {
            throw error;
          });
        }
      }
    }
  }

  protected onState: IStreamHandlers['onState'] = state =>
    this.tell(each => each.onState?.(state));

  protected onError: IStreamHandlers['onError'] = error =>
    this.tell(each => each.onError?.(error));

  private _leave(handlers: H): void {
    if (this._listeners.delete(handlers) && this._listeners.size === 0) {
      this._stream?.dispose();
      this._stream = null;
      this.forget();
    }
  }

  private readonly _open: (handlers: H) => IStream;
  private readonly _listeners = new Set<H>();
  private _stream: IStream | null = null;
}

/** One listener's hold of a shared stream. */
class Member implements IStream {
  constructor(stream: () => IStream | null, leave: () => void) {
    this._stream = stream;
    this._leave = leave;
  }

  get state(): IStream['state'] {
    return this._stream()?.state ?? 'connecting';
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  retry(): void {
    if (!this._isDisposed) {
      this._stream()?.retry();
    }
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this._leave();
    }
  }

  private readonly _stream: () => IStream | null;
  private readonly _leave: () => void;
  private _isDisposed = false;
}

/** What changes in one workspace. */
class SharedEvents extends SharedStream<IEventHandlers> {
  protected everybody(): IEventHandlers {
    return {
      onHello: message => {
        this._know(message);
        this.tell(each => each.onHello?.(message));
      },
      onChanges: message => {
        this._know(message);
        this.tell(each => each.onChanges(message));
      },
      onReset: message => {
        this._know(message);
        this.tell(each => each.onReset(message));
      },
      onState: this.onState,
      onError: this.onError
    };
  }

  protected greet(handlers: IEventHandlers): void {
    if (this._known) {
      handlers.onHello?.(this._known);
    }
  }

  protected forget(): void {
    this._known = null;
  }

  private _know({ epoch, revision, counts }: EventMessage): void {
    this._known = {
      type: 'hello',
      epoch,
      revision,
      counts: counts ?? this._known?.counts
    };
  }

  private _known: EventMessage | null = null;
}

/** The loads of the machine. */
class SharedSystem extends SharedStream<ISystemHandlers> {
  protected everybody(): ISystemHandlers {
    return {
      onHistory: samples => {
        this._samples = samples;
        this.tell(each => each.onHistory(samples));
      },
      onSample: sample => {
        this._samples = [...this._samples, sample].slice(-MOST_SAMPLES);
        this.tell(each => each.onSample(sample));
      },
      onState: this.onState,
      onError: this.onError
    };
  }

  protected greet(handlers: ISystemHandlers): void {
    handlers.onHistory([...this._samples]);
  }

  protected forget(): void {
    this._samples = [];
  }

  private _samples: readonly SystemSample[] = [];
}

/** The streams of one client that several of its users share. */
export class Sharing {
  events(
    ws: string,
    open: (everybody: IEventHandlers) => IStream
  ): SharedEvents {
    const known = this._events.get(ws);
    if (known) {
      return known;
    }
    const shared = new SharedEvents(open);
    this._events.set(ws, shared);
    return shared;
  }

  system(open: (everybody: ISystemHandlers) => IStream): SharedSystem {
    return (this._system ??= new SharedSystem(open));
  }

  private readonly _events = new Map<string, SharedEvents>();
  private _system: SharedSystem | null = null;
}
