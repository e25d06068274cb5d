/** Our commands in a Lab whose server is the test. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { ITranslator } from '@jupyterlab/translation';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import type { Widget } from '@lumino/widgets';
import { ContextMenu } from '@lumino/widgets';

import { ClientError } from '../../client/errors';
import type { Created, IClient, Workspace } from '../../client/types';
import { SessionModel } from '../../model/session';
import { pyrunsPlugin } from '../core';
import { filesPlugin } from '../files';
import { linkPlugin } from '../deeplink';
import { pagesPlugin } from '../pages';
import { SettingsStore } from '../settings';
import { sidebarPlugin } from '../sidebar';
import type { ICore, IPyruns } from '../tokens';

export const WORKSPACE: Workspace = {
  id: 'study/_pyruns_/train',
  name: 'train',
  kind: 'script',
  path: 'study',
  script: 'study/train.py',
  counts: {
    pending: 0,
    queued: 0,
    running: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    unreadable: 0
  },
  engine: 'local',
  scheduler_alive: false,
  problem: null
};

const CREATED: Created = { names: ['train'], queued: true, message: null };

export const STUDY = { name: 's', n: 20, state: 'stopped' };

/** Requests that change nothing. */
const LOOKING =
  /^(get|list|read|search|preview|compare|group|export|stream|log)/;

/** A client that records what it is asked to change. */
function makeClient() {
  const known = {
    getWorkspace: jest.fn(async (): Promise<Workspace> =>
      Promise.reject(new ClientError('There is none.', { status: 404 }))
    ),
    streamEvents: () => ({ retry: () => undefined, dispose: () => undefined }),
    getTemplate: jest.fn(async () => ({ text: 'lr: 0.1\n', name: 'train' })),
    getQueue: jest.fn(async () => ({
      paused: false,
      batches: [{ foreign: true, waiting: 2 }]
    })),
    listTasks: jest.fn(async () => ({
      items: [],
      total: 0,
      counts: {},
      columns: { swept: [], figures: [] }
    })),
    listStudies: jest.fn(async () => ({
      items: [STUDY],
      damaged: [] as string[]
    })),
    getStudy: jest.fn(async () => ({ ...STUDY, trials: [] })),
    changeStudy: jest.fn(async () => STUDY),
    removeStudy: jest.fn(async () => undefined),
    listTrash: jest.fn(async () => ({ items: [{ name: 'a', original: 'a' }] })),
    previewSweep: jest.fn(async () => ({ count: 1 })),
    createTasks: jest.fn(async () => CREATED),
    importRuns: jest.fn(async () => ({
      created: 1,
      skipped: 0,
      runs: [{ task: 'a' }],
      left_out: [],
      notices: []
    })),
    exportResults: jest.fn(async () => ({ blob: new Blob([]), name: 'x' })),
    actOnTasks: jest.fn(
      async (ws: string, { names }: { names?: string[] }) => ({
        done: names ?? ['a'],
        refused: [] as { name: string; message: string }[],
        made: []
      })
    )
  };
  const changes: string[] = [];
  const client = new Proxy(known, {
    get: (target, name: string) => {
      // Also of methods that come later.
      const answer = Reflect.get(target, name) ?? (async () => ({}));
      return (...args: never[]) => {
        if (!LOOKING.test(name)) {
          changes.push(name);
        }
        return answer(...args);
      };
    }
  });
  return { known, client, changes };
}

/** A Lab whose file browser selects a file. */
export function makeLab(
  selection = 'study/train.py',
  translator: ITranslator | null = null,
  toolbars: [ISettingRegistry, IToolbarWidgetRegistry] | null = null
) {
  const commands = new CommandRegistry();
  const contextMenu = new ContextMenu({ commands });
  const opened: Widget[] = [];
  const shell = {
    add: (widget: Widget) => opened.push(widget),
    activateById: jest.fn()
  };
  const app = {
    commands,
    contextMenu,
    shell,
    restored: Promise.resolve(),
    serviceManager: {
      contents: { localPath: (path: string) => path },
      serverSettings: { baseUrl: 'http://h/' }
    }
  } as unknown as JupyterFrontEnd;
  const { known, client, changes } = makeClient();
  const openWorkspace = jest.fn(async () => {
    changes.push('openWorkspace');
    return WORKSPACE;
  });
  const core = {
    client,
    trans: (translator ?? nullTranslator).load(''),
    settings: new SettingsStore(null),
    openWorkspace,
    current: WORKSPACE,
    session: Object.assign(
      new SessionModel({ client: client as unknown as IClient }),
      {
        choose: jest.fn(),
        getSnapshot: () => ({ handshake: 'ready', workspaces: [WORKSPACE] })
      }
    )
  } as unknown as ICore;
  const palette: Parameters<CommandRegistry['execute']>[] = [];
  const browsers = {
    tracker: {
      currentWidget: {
        selectedItems: () =>
          [{ type: 'file', path: selection }][Symbol.iterator]()
      }
    }
  };
  const items = {
    addItem: (item: { command: string; args?: object }) =>
      palette.push([item.command, item.args as never])
  };
  commands.addCommand('settingeditor:open', {
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => undefined
  });
  void filesPlugin.activate(app, core, browsers, items);
  void pagesPlugin.activate(
    app,
    core,
    ...[null, items, null, null, null, toolbars?.[0]],
    ...[null, toolbars?.[1], null]
  );
  void linkPlugin.activate(app, core, { register: jest.fn() });
  void sidebarPlugin.activate(app, core, null, items);
  const pyruns = pyrunsPlugin.activate(app, core) as IPyruns;
  return {
    app,
    commands,
    contextMenu,
    client: known,
    changes,
    core,
    openWorkspace,
    opened,
    palette,
    pyruns,
    /** Our own commands. */
    ids: commands.listCommands().filter(id => id.startsWith('pyruns:'))
  };
}

// Lab's dialogs are not rendered by this test.
Reflect.set(globalThis, 'IS_REACT_ACT_ENVIRONMENT', false);

export const settle = async () => {
  for (let turn = 0; turn < 20; turn++) {
    await new Promise(resolve => setTimeout(resolve));
  }
};

export const dialog = () => document.querySelector<HTMLElement>('.jp-Dialog');

export async function answer(label: string): Promise<void> {
  const buttons =
    document.querySelectorAll<HTMLButtonElement>('.jp-Dialog button');
  [...buttons].find(({ textContent }) => textContent === label)?.click();
  await settle();
}
