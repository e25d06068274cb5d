import type {
  ConnectionState,
  IClient,
  ISystemStream,
  SystemSample
} from '../client/types';
import { Model } from './model';

/** How many samples are kept, about one a second. */
const MAX_SAMPLES = 300;

/** How long the stream stays open after the last watcher went. */
const LINGER_MS = 5000;

export interface ISystemState {
  readonly latest: SystemSample | null;
  /** Oldest first, the latest included. */
  readonly history: readonly SystemSample[];
  readonly connection: ConnectionState;
  readonly error: Error | null;
}

/** Loads of the machine; connected only while somebody watches. */
export class SystemModel extends Model<ISystemState> {
  constructor(private readonly _client: IClient) {
    super({ latest: null, history: [], connection: 'connecting', error: null });
  }

  override dispose(): void {
    super.dispose();
    this._close();
  }

  /** Connect now instead of waiting for the next attempt. */
  retry(): void {
    this._stream?.retry();
  }

  protected override onWatched(): void {
    this.cancel('close');
    if (this._stream || this.isDisposed) {
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
    this.schedule('close', LINGER_MS, () => this._close());
  }

  private _take(samples: readonly SystemSample[]): void {
    const history = samples.slice(-MAX_SAMPLES);
    this.update({ history, latest: history[history.length - 1] ?? null });
  }

  private _close(): void {
    this._stream?.dispose();
    this._stream = null;
  }

  private _stream: ISystemStream | null = null;
}
