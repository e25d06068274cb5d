import type {
  ConnectionState,
  EventMessage,
  IClient,
  IEventStream
} from '../client/types';
import { Model } from './model';

export interface ILiveState {
  readonly connection: ConnectionState;
  /** When the last message came before the connection changed, in epoch ms. */
  readonly heard: number | null;
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
    super({ ...initial, connection: 'connecting', heard: null } as S);
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

  /** Load everything again, now. */
  abstract refresh(): void;

  protected abstract onHello(message: EventMessage): void;
  protected abstract onChanges(message: EventMessage): void;
  protected abstract onReset(message: EventMessage): void;

  protected onConnection(connection: ConnectionState): void {
    // Only shown while the connection is lost: no reason to render before.
    this.update({ connection, heard: this._heard } as Partial<S>);
  }

  protected onStreamError(error: Error): void {
    // What is loaded reports the same failure.
  }

  /** The server has sent something. */
  protected noteMessage(): void {
    this._heard = Date.now();
    if (this.state.connection === 'lost') {
      this.update({ heard: this._heard } as Partial<S>);
    }
  }

  private _heard: number | null = null;
  private _stream: IEventStream | null = null;
}
