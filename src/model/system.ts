import type {
  ConnectionState,
  IClient,
  IStream,
  SystemSample
} from '../client/types';
import { Model } from './model';

/** How many samples are kept; there is about one per second. */
const MAX_SAMPLES = 300;

/** Delay after the last watcher has gone. */
const CLOSE_DELAY_MS = 5000;

export interface ISystemState {
  readonly latest: SystemSample | null;
  /** Oldest first, the latest included. */
  readonly history: readonly SystemSample[];
  readonly connection: ConnectionState;
  readonly error: Error | null;
}

/** Utilization of the machine; connected while the model is watched. */
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
    this.schedule('close', CLOSE_DELAY_MS, () => this._close());
  }

  private _take(samples: readonly SystemSample[]): void {
    const history = samples.slice(-MAX_SAMPLES);
    this.update({ history, latest: history[history.length - 1] ?? null });
  }

  private _close(): void {
    this._stream?.dispose();
    this._stream = null;
  }

  private _stream: IStream | null = null;
}
