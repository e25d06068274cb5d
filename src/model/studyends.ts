import type { IClient, Study, TaskRow } from '../client/types';

/** How long a study has time to end after one of its tasks did, in ms. */
const PAUSE = 2000;

/** Notices that adaptive sweeps end: one of their tasks was the last. */
export class StudyEnds {
  /** @param onEnd - told of a study that has all its trials, or gave up */
  constructor(
    client: Pick<IClient, 'listStudies'>,
    onEnd: (ws: string, study: Study) => void | Promise<void>
  ) {
    this._client = client;
    this._onEnd = onEnd;
  }

  /** Tasks of a workspace ended. */
  hear(ws: string, tasks: readonly TaskRow[]): void {
    const names = tasks.flatMap(task => task.study?.name ?? []);
    if (names.length === 0) {
      return;
    }
    const waiting = this._waiting.get(ws);
    if (waiting) {
      names.forEach(name => waiting.add(name));
      return;
    }
    this._waiting.set(ws, new Set(names));
    setTimeout(() => void this._ask(ws), PAUSE);
  }

  private async _ask(ws: string): Promise<void> {
    const names = this._waiting.get(ws) ?? new Set();
    this._waiting.delete(ws);
    const { items } = await this._client
      .listStudies(ws)
      .catch(() => ({ items: [] as Study[] }));
    for (const study of items) {
      if (!names.has(study.name)) {
        continue;
      }
      const isOver = study.state === 'finished' || study.state === 'failed';
      const key = `${ws} ${study.name}`;
      if (isOver && !this._told.has(key)) {
        void this._onEnd(ws, study);
      }
      // One that goes on again may end again.
      this._told[isOver ? 'add' : 'delete'](key);
    }
  }

  private readonly _client: Pick<IClient, 'listStudies'>;
  private readonly _onEnd: (ws: string, study: Study) => void | Promise<void>;
  private readonly _waiting = new Map<string, Set<string>>();
  private readonly _told = new Set<string>();
}
