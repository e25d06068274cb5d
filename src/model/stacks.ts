import type { IClient, StackDump, TaskRow } from '../client/types';
import { Model } from './model';

export interface IStacksState {
  readonly dump: StackDump | null;
  /** Whether stacks are being loaded or read. */
  readonly isLoading: boolean;
  readonly error: Error | null;
}

const NOTHING: IStacksState = { dump: null, isLoading: false, error: null };

/** The stacks of the processes of one run. */
export class StacksModel extends Model<IStacksState> {
  constructor(
    private readonly _client: Pick<IClient, 'getStacks' | 'requestStacks'>,
    private readonly _ws: string
  ) {
    super(NOTHING);
  }

  /** Set the run; its stacks are not loaded yet. */
  show(task: string | null, run: number | null): void {
    if (task !== this._task || run !== this._run) {
      this._task = task;
      this._run = run;
      this.cancel('stacks');
      this.update(NOTHING);
    }
  }

  /**
   * Load the stored stacks, unless stacks are being loaded or read.
   *
   * @param canRequest - whether to read them if none are stored
   */
  async load(canRequest: boolean): Promise<void> {
    const { _task: task, _run: run } = this;
    if (task !== null && run !== null && !this.getSnapshot().isLoading) {
      await this._fetch(
        signal => this._client.getStacks(this._ws, task, { run }, signal),
        canRequest
      );
    }
  }

  /** Have the stacks of the running run read. */
  async requestNow(): Promise<void> {
    const { _task: task } = this;
    if (task !== null) {
      await this._fetch(signal =>
        this._client.requestStacks(this._ws, task, {}, signal)
      );
    }
  }

  private async _fetch(
    ask: (signal: AbortSignal) => Promise<StackDump>,
    canRequest = false
  ): Promise<void> {
    this.update({ isLoading: true, error: null });
    await this.fetch(
      'stacks',
      ask,
      dump => this.update({ dump, isLoading: false }),
      async error => {
        if (canRequest && error.code === 'not_found') {
          await this.requestNow();
        } else {
          this.update({ error, isLoading: false });
        }
      }
    );
  }

  private _task: string | null = null;
  private _run: number | null = null;
}

/** Return whether stacks of a run can be read now. */
export function hasLiveStacks(
  row: TaskRow | undefined,
  run: number | null
): boolean {
  return row?.status === 'running' && row.run === run;
}
