import { CommandLinker } from '@jupyterlab/apputils';
import {
  RenderMimeRegistry,
  standardRendererFactories
} from '@jupyterlab/rendermime';
import { CommandRegistry } from '@lumino/commands';
import type { ContextMenu } from '@lumino/widgets';

import { workspaceOf } from '../fileactions';
import { markdownRenderer } from '../pagefactory';
import { CommandIDs } from '../tokens';
import { answer, dialog, makeLab, settle, WORKSPACE } from './lab';

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
    const { commands, changes, opened } = makeLab();
    const done = commands.execute(command, args);
    await settle();
    expect(dialog()).not.toBeNull();
    expect(document.activeElement?.textContent).toBe('Cancel');
    await answer('Cancel');
    await done;
    expect(changes).toEqual([]);
    expect(opened.filter(({ id }) => id.includes('generator'))).toEqual([]);
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
    linker.dispose();
    // Lumino refuses to detach what has left the page already.
    element.remove();
    expect(end).not.toThrow();
  });
});
