import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IStateDB } from '@jupyterlab/statedb';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { IClient, Workspace } from '../client/types';
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { SessionModel } from '../model/session';
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { SystemModel } from '../model/system';
// The token is a connection: activation needs it at once.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { makeClient } from './client';
import type { IHappened, IIdle } from './tokens';
import { IPyruns, SETTINGS } from './tokens';

/** Where the id of the last workspace is kept. */
const CURRENT = 'pyruns-jupyter:workspace';

class Pyruns implements IPyruns {
  constructor(client: IClient, state: IStateDB | null) {
    this.client = client;
    this.system = new SystemModel(client);
    this.session = new SessionModel({
      client,
      loadCurrent: async () => {
        const id = await state?.fetch(CURRENT);
        return typeof id === 'string' ? id : null;
      },
      saveCurrent: id => void state?.save(CURRENT, id),
      handlers: workspace => ({
        onEnded: tasks => this._ended.emit({ workspace, tasks }),
        onSilent: tasks => this._silent.emit({ workspace, tasks }),
        onTrials: tasks => this._trials.emit({ workspace, tasks }),
        onIdle: counts => this._idle.emit({ workspace, counts })
      })
    });
    this.session.subscribe(() => {
      if (this._current !== this.current) {
        this._current = this.current;
        this._currentChanged.emit(this.current);
      }
    });
  }

  readonly client: IClient;
  readonly session: SessionModel;
  readonly system: SystemModel;

  get current(): Workspace | null {
    return this.session.getSnapshot().current;
  }

  get currentChanged(): ISignal<this, Workspace | null> {
    return this._currentChanged;
  }

  get ended(): ISignal<this, IHappened> {
    return this._ended;
  }

  get silent(): ISignal<this, IHappened> {
    return this._silent;
  }

  get trials(): ISignal<this, IHappened> {
    return this._trials;
  }

  get idle(): ISignal<this, IIdle> {
    return this._idle;
  }

  openWorkspace(path: string): Promise<Workspace> {
    return this.session.open(path);
  }

  private _current: Workspace | null = null;
  private readonly _currentChanged = new Signal<this, Workspace | null>(this);
  private readonly _ended = new Signal<this, IHappened>(this);
  private readonly _silent = new Signal<this, IHappened>(this);
  private readonly _trials = new Signal<this, IHappened>(this);
  private readonly _idle = new Signal<this, IIdle>(this);
}

export const corePlugin: JupyterFrontEndPlugin<IPyruns> = {
  id: SETTINGS,
  description: 'Connects to the Pyruns server extension.',
  autoStart: true,
  provides: IPyruns,
  optional: [IStateDB],
  activate: async (
    app: JupyterFrontEnd,
    state: IStateDB | null
  ): Promise<IPyruns> => {
    const client = await makeClient(app.serviceManager.serverSettings);
    const pyruns = new Pyruns(client, state);
    // Nothing of Lab's own start waits for us.
    void app.restored.then(() => pyruns.session.start());
    return pyruns;
  }
};
