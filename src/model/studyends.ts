import type { IClient, Study } from '../client/types';

/** How long a study has time to end after its last task did, in ms. */
const PAUSE = 2000;

/** Notices that adaptive sweeps end that went on before. */
export class StudyEnds {
  /** @param onEnd - told of a study that has all its trials, or gave up */
  constructor(
    client: Pick<IClient, 'listStudies'>,
    onEnd: (ws: string, study: Study) => void | Promise<void>
  ) {
    this._client = client;
    this._onEnd = onEnd;
  }

  /** Trials of a workspace changed. */
  hear(ws: string): void {
    if (!this._waiting.has(ws)) {
      this._waiting.add(ws);
      setTimeout(() => void this._ask(ws), PAUSE);
    }
  }

  private async _ask(ws: string): Promise<void> {
    this._waiting.delete(ws);
    const { items } = await this._client
      .listStudies(ws)
      .catch(() => ({ items: [] as Study[] }));
    for (const study of items) {
      const key = `${ws} ${study.name}`;
      if (study.state === 'active') {
        this._active.add(key);
      } else if (this._active.delete(key) && study.state !== 'stopped') {
        void this._onEnd(ws, study);
      }
    }
  }

  private readonly _client: Pick<IClient, 'listStudies'>;
  private readonly _onEnd: (ws: string, study: Study) => void | Promise<void>;
  /** Workspaces that are about to be asked for. */
  private readonly _waiting = new Set<string>();
  private readonly _active = new Set<string>();
}
