import type {
  ConnectionState,
  IClient,
  ISystemStream,
  SystemSample
} from '../client/types';
import { Store } from './store';

/** How many samples are kept, about one a second. */
const HISTORY = 300;

/** How long the stream stays after the last watcher went, in milliseconds. */
const LINGER = 5000;

export interface ISystemState {
  readonly latest: SystemSample | null;
  /** Oldest first, the latest included. */
  readonly history: readonly SystemSample[];
  readonly connection: ConnectionState;
  readonly error: Error | null;
}

/** Loads of the machine; connected only while somebody watches. */
export class SystemModel extends Store<ISystemState> {
  constructor(client: IClient) {
    super({ latest: null, history: [], connection: 'connecting', error: null });
    this._client = client;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    this._close();
  }

  /** Connect now instead of waiting for the next attempt. */
  retry(): void {
    this._stream?.retry();
  }

  protected override onWatched(): void {
    clearTimeout(this._linger);
    if (this._stream || this._isDisposed) {
      return;
    }
    this._stream = this._client.streamSystem({
      onHistory: samples => this._take(samples),
      onSample: sample => this._take([...this.state.history, sample]),
      onState: connection =>
        this.update(
          connection === 'open' ? { connection, error: null } : { connection }
        ),
      onError: error => this.update({ error })
    });
  }

  protected override onUnwatched(): void {
    clearTimeout(this._linger);
    this._linger = setTimeout(() => this._close(), LINGER);
  }

  private _take(samples: readonly SystemSample[]): void {
    const history = samples.slice(-HISTORY);
    this.update({ history, latest: history[history.length - 1] ?? null });
  }

  private _close(): void {
    clearTimeout(this._linger);
    this._stream?.dispose();
    this._stream = null;
  }

  private _client: IClient;
  private _stream: ISystemStream | null = null;
  private _linger: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
}
