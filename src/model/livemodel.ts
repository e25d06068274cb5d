import type {
  ConnectionState,
  EventMessage,
  IClient,
  IStream
} from '../client/types';
import { Model } from './model';

export interface ILiveState {
  readonly connection: ConnectionState;
  /** When the last message arrived, in epoch ms; updated with `connection`. */
  readonly lastUpdatedAt: number | null;
}

/** A state that follows the events of a workspace. */
export abstract class LiveModel<
  S extends ILiveState,
  C extends Pick<IClient, 'streamEvents'> = IClient
> extends Model<S> {
  constructor(
    readonly client: C,
    /** Workspace id. */
    readonly ws: string,
    initial: Omit<S, keyof ILiveState>
  ) {
    super({ ...initial, connection: 'connecting', lastUpdatedAt: null } as S);
  }

  /** Load and follow events; a second call does nothing. */
  start(): void {
    if (this._stream || this.isDisposed) {
      return;
    }
    this._stream = this.own(
      this.client.streamEvents(this.ws, {
        onHello: message => {
          this.noteMessage();
          this.onHello(message);
        },
        onChanges: message => {
          this.noteMessage();
          this.onChanges(message);
        },
        onReset: message => this.onReset(message),
        onState: connection => this.onConnection(connection),
        onError: error => this.onStreamError(error)
      })
    );
    this.refresh();
  }

  /** Connect and load now instead of waiting for the next attempt. */
  retry(): void {
    this._stream?.retry();
    this.refresh();
  }

  /** Load the state again, now. */
  abstract refresh(): void;

  protected abstract onHello(message: EventMessage): void;
  protected abstract onChanges(message: EventMessage): void;
  protected abstract onReset(message: EventMessage): void;

  protected onConnection(connection: ConnectionState): void {
    // The time is shown only while the connection is lost.
    this.update({
      connection,
      lastUpdatedAt: this._lastUpdatedAt
    } as Partial<S>);
  }

  protected onStreamError(error: Error): void {
    // Requests report the same error.
  }

  /** Note that the server has sent something. */
  protected noteMessage(): void {
    this._lastUpdatedAt = Date.now();
    if (this.state.connection === 'lost') {
      this.update({ lastUpdatedAt: this._lastUpdatedAt } as Partial<S>);
    }
  }

  private _lastUpdatedAt: number | null = null;
  private _stream: IStream | null = null;
}
