import type { JupyterFrontEnd } from '@jupyterlab/application';
import { CommandLinker } from '@jupyterlab/apputils';
import {
  RenderMimeRegistry,
  standardRendererFactories
} from '@jupyterlab/rendermime';
import { CommandRegistry } from '@lumino/commands';
import { ContextMenu, Widget } from '@lumino/widgets';

import { ClientError } from '../../client/errors';
import type { Created, IClient, Workspace } from '../../client/types';
import { SessionModel } from '../../model/session';
import { filesPlugin, workspaceOf } from '../files';
import { linkPlugin } from '../linkplugin';
import { pagesPlugin } from '../pages';
import { markdownRenderer } from '../pageviews';
import { sidebarPlugin } from '../sidebar';
import type { IPyruns } from '../tokens';
import { CommandIDs } from '../tokens';

const WORKSPACE: Workspace = {
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
    cancelled: 0
  },
  engine: 'local',
  scheduler_alive: false,
  problem: null
};

const CREATED: Created = { names: ['train'], queued: true, message: null };

/** Commands that look at something; no argument makes them change anything. */
const LOOKING = [
  CommandIDs.openDashboard,
  CommandIDs.openManager,
  CommandIDs.openMonitor,
  CommandIDs.openCompare,
  CommandIDs.copyLink,
  CommandIDs.openLink,
  CommandIDs.showSidebar
];

/** Our commands in a Lab whose server is the test, and whose file browser selects a file. */
function makeLab(selection = 'study/train.py') {
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
  const client = {
    getWorkspace: jest.fn(async (): Promise<Workspace> =>
      Promise.reject(new ClientError('There is none.', { status: 404 }))
    ),
    getTemplate: jest.fn(async () => ({ text: 'lr: 0.1\n', name: 'train' })),
    previewSweep: jest.fn(async () => ({ count: 1 })),
    createTasks: jest.fn(async () => CREATED)
  };
  const openWorkspace = jest.fn(async () => WORKSPACE);
  const pyruns = {
    client,
    openWorkspace,
    current: WORKSPACE,
    session: Object.assign(
      new SessionModel({ client: client as unknown as IClient }),
      {
        choose: jest.fn(),
        getSnapshot: () => ({ handshake: 'ready', workspaces: [WORKSPACE] })
      }
    )
  } as unknown as IPyruns;
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
  void filesPlugin.activate(app, pyruns, browsers, items, null);
  void pagesPlugin.activate(
    app,
    pyruns,
    ...[null, null, null, null, null, null, null, null]
  );
  void linkPlugin.activate(app, pyruns, { register: jest.fn() }, null);
  void sidebarPlugin.activate(app, pyruns, null, null, null);
  const made = [openWorkspace, client.createTasks];
  return {
    app,
    commands,
    contextMenu,
    client,
    openWorkspace,
    opened,
    made,
    palette
  };
}

// Lab's dialogs are not rendered by this test.
Reflect.set(globalThis, 'IS_REACT_ACT_ENVIRONMENT', false);

const settle = async () => {
  for (let turn = 0; turn < 20; turn++) {
    await new Promise(resolve => setTimeout(resolve));
  }
};

const dialog = () => document.querySelector<HTMLElement>('.jp-Dialog');

async function answer(label: string): Promise<void> {
  const buttons =
    document.querySelectorAll<HTMLButtonElement>('.jp-Dialog button');
  [...buttons].find(({ textContent }) => textContent === label)?.click();
  await settle();
}

/** Open the context menu of a file and choose an entry of it. */
async function choose(menu: ContextMenu, label: string): Promise<void> {
  const listing = document.createElement('div');
  listing.innerHTML = '<li class="jp-DirListing-item" data-isdir="false"></li>';
  document.body.append(listing);
  listing.querySelector('li')?.addEventListener('contextmenu', event => {
    menu.open(event);
  });
  listing
    .querySelector('li')
    ?.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true }));
  menu.menu.activeIndex = menu.menu.items.findIndex(
    item => item.label === label
  );
  menu.menu.triggerActiveItem();
  listing.remove();
  await settle();
}

describe('commands', () => {
  afterEach(async () => {
    while (dialog()) {
      await answer('Cancel');
      await answer('OK');
    }
  });

  it.each([
    [CommandIDs.runFile, { path: 'study/train.py' }],
    [CommandIDs.runFile, { path: 'study/train.py', context: true }],
    // Forged: the one that a menu of ours would act on.
    [CommandIDs.runFile, {}],
    [CommandIDs.runFile, { context: true, isTrusted: true, own: true }],
    [CommandIDs.openWorkspace, { path: 'study' }],
    [CommandIDs.openWorkspace, { context: true }],
    [CommandIDs.useAsTemplate, { path: 'study/other.yaml' }],
    [CommandIDs.openGenerator, { file: 'study/other.yaml' }],
    [CommandIDs.openPage, { page: 'generator', task: 'other' }]
  ])('%s with %j asks, and Cancel is the default', async (command, args) => {
    const { commands, made, opened } = makeLab();
    const done = commands.execute(command, args);
    await settle();
    expect(dialog()).not.toBeNull();
    expect(document.activeElement?.textContent).toBe('Cancel');
    await answer('Cancel');
    await done;
    made.forEach(each => expect(each).not.toHaveBeenCalled());
    expect(opened.filter(({ id }) => id.includes('generator'))).toEqual([]);
  });

  it('look only, whatever their arguments are', async () => {
    const { commands, client, made } = makeLab();
    client.getWorkspace.mockResolvedValue(WORKSPACE);
    const known = commands.listCommands();
    expect(known).toEqual(
      expect.arrayContaining([
        ...LOOKING,
        CommandIDs.openPage,
        CommandIDs.openGenerator,
        CommandIDs.openWorkspace,
        CommandIDs.runFile,
        CommandIDs.useAsTemplate
      ])
    );
    // A command that is new has to be thought of here.
    expect(known.filter(id => id.startsWith('pyruns:'))).toHaveLength(12);
    const args = {
      workspace: 'a/_pyruns_/b',
      task: 'x',
      names: ['x'],
      study: 's',
      query: 'q',
      search: '?pyruns=study/_pyruns_/train&query=q'
    };
    for (const id of LOOKING) {
      await commands.execute(id, args).catch(() => undefined);
    }
    await settle();
    expect(dialog()).toBeNull();
    made.forEach(each => expect(each).not.toHaveBeenCalled());
  });

  it('show what would run, and run it when the user allows it', async () => {
    const { commands, client, openWorkspace } = makeLab();
    void commands.execute(CommandIDs.runFile, { path: '/study/./train.py' });
    await settle();
    expect(dialog()?.textContent).toContain('study/train.py');
    expect(dialog()?.textContent).toContain('study/_pyruns_/train');
    expect(dialog()?.textContent).toContain('1 task');
    await answer('Run');
    expect(openWorkspace).toHaveBeenCalledWith('study/train.py');
    expect(client.createTasks).toHaveBeenCalledTimes(1);
  });

  it('show the script that the workspace names, not the one that is clicked', async () => {
    const { contextMenu, client } = makeLab();
    client.getWorkspace.mockResolvedValue({
      ...WORKSPACE,
      script: 'study/hidden/\u202eyp.live'
    });
    await choose(contextMenu, 'Run with Pyruns');
    expect(dialog()?.textContent).toContain('study/hidden/\\u{202e}yp.live');
    expect(client.createTasks).not.toHaveBeenCalled();
    await answer('Cancel');
    expect(client.createTasks).not.toHaveBeenCalled();
  });

  it('run no sweep: the Generator shows it', async () => {
    const { contextMenu, client, opened } = makeLab();
    client.previewSweep.mockResolvedValue({ count: 5000 });
    await choose(contextMenu, 'Run with Pyruns');
    expect(client.createTasks).not.toHaveBeenCalled();
    expect(opened[opened.length - 1]?.id).toContain('generator');
  });

  it('act at once on the selection, from our own menus', async () => {
    const { contextMenu, client, openWorkspace } = makeLab();
    await choose(contextMenu, 'Run with Pyruns');
    expect(dialog()).toBeNull();
    expect(client.createTasks).toHaveBeenCalledTimes(1);
    await choose(contextMenu, 'Open in Pyruns');
    expect(dialog()).toBeNull();
    expect(openWorkspace).toHaveBeenCalledTimes(2);

    const { contextMenu: other, opened } = makeLab('study/some.yaml');
    await choose(other, 'Use as Configuration in Pyruns');
    expect(dialog()).toBeNull();
    expect(opened[opened.length - 1]?.id).toContain('generator');
  });

  it('act at once from the palette', async () => {
    const { commands, client, palette } = makeLab();
    const found = palette.find(([command]) => command === CommandIDs.runFile);
    await commands.execute(...(found ?? ['']));
    expect(dialog()).toBeNull();
    expect(client.createTasks).toHaveBeenCalledTimes(1);
  });

  it('know where the workspace of a script is', () => {
    expect(workspaceOf('train.py')).toBe('_pyruns_/train');
    expect(workspaceOf('a/b.ipynb')).toBe('a/_pyruns_/b.ipynb');
    expect(workspaceOf('a/b.c.PY')).toBe('a/_pyruns_/b.c');
    expect(workspaceOf('a/go.sh')).toBe('a/_pyruns_/_shell_');
  });
});

describe('notes', () => {
  it('execute no command when they are clicked', async () => {
    const commands = new CommandRegistry();
    const executed = jest.fn();
    commands.addCommand('pyruns:run-file', {
      describedBy: { args: { type: 'object', properties: {} } },
      execute: executed
    });
    const linker = new CommandLinker({ commands });
    const rendermime = new RenderMimeRegistry({
      initialFactories: standardRendererFactories
    });
    const element = document.createElement('div');
    document.body.append(element);
    const end = markdownRenderer(rendermime)(
      '<button data-commandlinker-command="pyruns:run-file" data-commandlinker-args="{}">Go</button>',
      element
    );
    await settle();
    const button = element.querySelector('button');
    expect(button?.textContent).toBe('Go');
    button?.click();
    await settle();
    expect(executed).not.toHaveBeenCalled();
    expect(dialog()).toBeNull();
    // As a formula does after the rest is shown.
    button?.setAttribute('data-commandlinker-command', 'pyruns:run-file');
    await settle();
    button?.click();
    await settle();
    expect(executed).not.toHaveBeenCalled();
    expect(dialog()).toBeNull();
    end();
    linker.dispose();
    element.remove();
  });
});
