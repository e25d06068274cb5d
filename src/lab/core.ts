import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator } from '@jupyterlab/translation';
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
import { ownArgs, watchKeys } from './caller';
import type { IHappened, IIdle } from './tokens';
import { DOMAIN, ICore, IPyruns, SETTINGS } from './tokens';

/** Where the id of the last workspace is kept. */
const CURRENT = 'pyruns-jupyter:workspace';

class Core implements ICore {
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

export const corePlugin: JupyterFrontEndPlugin<ICore> = {
  id: SETTINGS,
  description: 'Connects to the Pyruns server extension.',
  autoStart: true,
  provides: ICore,
  optional: [IStateDB, ITranslator],
  activate: async (
    app: JupyterFrontEnd,
    state: IStateDB | null,
    translator: ITranslator | null
  ): Promise<ICore> => {
    watchKeys();
    const client = await makeClient(
      app.serviceManager.serverSettings,
      translator?.load(DOMAIN)
    );
    const core = new Core(client, state);
    // Nothing of Lab's own start waits for us.
    void app.restored.then(() => core.session.start());
    return core;
  }
};

export const pyrunsPlugin: JupyterFrontEndPlugin<IPyruns> = {
  id: 'pyruns-jupyter:interface',
  description: 'What other extensions may use of Pyruns.',
  autoStart: true,
  provides: IPyruns,
  requires: [ICore],
  activate: (app: JupyterFrontEnd, core: ICore): IPyruns => ({
    get current() {
      return core.current;
    },
    currentChanged: core.currentChanged,
    ended: core.ended,
    silent: core.silent,
    idle: core.idle,
    openWorkspace: path => core.openWorkspace(path),
    execute: async (command, args) => {
      if (!command.startsWith('pyruns:')) {
        throw new Error(`${command} is not a command of Pyruns.`);
      }
      return app.commands.execute(command, ownArgs(args, 'code'));
    }
  })
};
