import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import { rememberingTrans, sharePageTrans } from '../client/trans';
import type { IClient, Workspace } from '../client/types';
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { SessionModel } from '../model/session';
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { SystemModel } from '../model/system';
// The token is a connection: activation needs it at once.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { makeClient } from './client';
import { ownArgs, watchKeys } from './caller';
import { SettingsStore } from './settings';
import type { IHappened, IIdle } from './tokens';
import { DOMAIN, ICore, IPyruns, SETTINGS } from './tokens';

/** Where the id of the last workspace is kept. */
const CURRENT = 'pyruns-jupyter:workspace';

class Core implements ICore {
  constructor(
    client: IClient,
    state: IStateDB | null,
    readonly trans: TranslationBundle,
    readonly settings: SettingsStore
  ) {
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
        onEnded: tasks => this.ended.emit({ workspace, tasks }),
        onAlerted: tasks => this.alerted.emit({ workspace, tasks }),
        onSilent: tasks => this.silent.emit({ workspace, tasks }),
        onTrials: tasks => this.trials.emit({ workspace, tasks }),
        onIdle: counts => this.idle.emit({ workspace, counts })
      })
    });
    this.session.subscribe(() => {
      if (this._current !== this.current) {
        this._current = this.current;
        this.currentChanged.emit(this.current);
      }
    });
  }

  readonly client: IClient;
  readonly session: SessionModel;
  readonly system: SystemModel;
  readonly currentChanged = new Signal<this, Workspace | null>(this);
  readonly ended = new Signal<this, IHappened>(this);
  readonly alerted = new Signal<this, IHappened>(this);
  readonly silent = new Signal<this, IHappened>(this);
  readonly trials = new Signal<this, IHappened>(this);
  readonly idle = new Signal<this, IIdle>(this);

  get current(): Workspace | null {
    return this.session.getSnapshot().current;
  }

  openWorkspace(path: string): Promise<Workspace> {
    return this.session.open(path);
  }

  private _current: Workspace | null = null;
}

export const corePlugin: JupyterFrontEndPlugin<ICore> = {
  id: SETTINGS,
  description: 'Connects to the Pyruns server extension.',
  autoStart: true,
  provides: ICore,
  optional: [IStateDB, ISettingRegistry, ITranslator],
  activate: async (
    app,
    state: IStateDB | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ): Promise<ICore> => {
    watchKeys();
    const trans = rememberingTrans((translator ?? nullTranslator).load(DOMAIN));
    sharePageTrans(trans);
    const client = await makeClient(app.serviceManager.serverSettings, trans);
    const core = new Core(client, state, trans, new SettingsStore(registry));
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
  activate: (app, core: ICore): IPyruns => ({
    get current() {
      return core.current;
    },
    currentChanged: core.currentChanged,
    ended: core.ended,
    alerted: core.alerted,
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
