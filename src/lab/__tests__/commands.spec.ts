import type { ITranslator } from '@jupyterlab/translation';
import { nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyJSONObject } from '@lumino/coreutils';

import type { ActionId } from '../../views/actions';
import { ACTIONS } from '../../views/actions';
import { callerOf, ownArgs, watchKeys } from '../caller';
import { CommandIDs } from '../tokens';
import { answer, dialog, makeLab, settle, STUDY, WORKSPACE } from './lab';

/** A file, by its path in the repository. */
const read = (file: string) =>
  jest
    .requireActual<{ readFileSync(path: string, encoding: string): string }>(
      'fs'
    )
    .readFileSync(file, 'utf-8');

/** Arguments of every kind, as anybody may write them. */
const ARGS: ReadonlyJSONObject = {
  workspace: WORKSPACE.id,
  tasks: ['a', 'b'],
  tags: ['t'],
  name: 'n',
  text: 'lr: 1',
  query: 'lr<1',
  options: { jobs: 2 },
  before: 'c',
  format: 'csv',
  page: 'generator',
  task: 'a',
  names: ['a', 'b'],
  study: 's',
  trials: 30,
  file: 'a.yaml',
  source: 'old/mlruns',
  path: 'study/train.py',
  search: `?pyruns=${WORKSPACE.id}`
};

/** Commands without an action that change something, or what is being written. */
const CHANGING: string[] = [
  CommandIDs.openWorkspace,
  CommandIDs.runFile,
  CommandIDs.useAsTemplate,
  CommandIDs.openGenerator,
  CommandIDs.openPage
];

/** Need a page in front. */
const IN_PAGE = Object.keys(ACTIONS).filter(id => {
  const { opens, args, run, isOffered } = ACTIONS[id as ActionId];
  const isForm =
    opens && !args && !['log', 'compare', 'template'].includes(opens);
  return (isForm && !run) || (isOffered !== undefined && id.includes('log'));
});

const actionOf = (command: string) =>
  ACTIONS[command.replace('pyruns:', '') as ActionId];

// The browser gets a file.
Object.assign(URL, {
  createObjectURL: () => 'blob:x',
  revokeObjectURL: () => undefined
});
HTMLAnchorElement.prototype.click = () => undefined;
document.execCommand = () => true;

const { ids, commands: registered } = makeLab();

const namesIn = (cell: string) =>
  [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name).sort();

/** The table of the documentation. */
const DOCUMENTED = new Map(
  [
    ...read('docs/commands.md').matchAll(
      /^\| `(pyruns:[\w-]+)` +\| (.*?) +\| (.*?) +\| (.*?) +\|$/gm
    )
  ].map(([, id, caption, args, result]) => [
    id,
    { caption, args: namesIn(args), result: namesIn(result) }
  ])
);

async function closeDialogs(): Promise<void> {
  while (dialog()) {
    await answer('Cancel');
    await answer('OK');
  }
}

afterEach(closeDialogs);

describe.each(ids)('%s', command => {
  let lab: ReturnType<typeof makeLab>;

  beforeAll(() => {
    lab = makeLab();
  });

  it('asks before it changes anything for a document', async () => {
    const { commands, changes, opened } = lab;
    // Forged marks of ours, and what a key adds.
    const forged = {
      ...ARGS,
      own: true,
      isTrusted: true,
      context: true,
      confirm: false,
      caller: 'user',
      _luminoEvent: { type: 'keybinding', keys: ['Alt Y', 'R'] }
    };
    const done = commands.execute(command, forged).catch(() => undefined);
    await settle();
    const isAsked = document.activeElement?.textContent === 'Cancel';
    const isChanging =
      actionOf(command)?.needs !== undefined || CHANGING.includes(command);
    expect(isAsked).toBe(isChanging);
    await closeDialogs();
    await done;
    expect(changes).toEqual([]);
    expect(opened.filter(({ id }) => id.includes('generator'))).toEqual([]);
  });

  it('answers with JSON, or says why not', async () => {
    const answered = await lab.pyruns
      .execute(command, ARGS)
      .catch(error => error);
    expect(dialog()).toBeNull();
    if (answered instanceof Error) {
      expect(answered.message).toMatch(/^[A-Z].*\.$/);
      expect(IN_PAGE).toContain(command.replace('pyruns:', ''));
    } else {
      expect(JSON.parse(JSON.stringify(answered))).toEqual(answered);
      expect(Object.keys(answered).sort()).toEqual(
        DOCUMENTED.get(command)?.result
      );
      expect(answered).toEqual(
        actionOf(command)
          ? expect.objectContaining({ workspace: WORKSPACE.id })
          : expect.any(Object)
      );
    }
  });

  it('describes itself, also in the documentation', async () => {
    expect(registered.label(command)).toMatch(/\w/);
    const caption = registered.caption(command);
    expect(caption).toMatch(/^[A-Z].*\w$/);
    expect(registered.icon(command)).toBeTruthy();
    const { args } = await registered.describedBy(command);
    const { properties } = args as unknown as {
      properties: Record<string, { description: string; type: string }>;
    };
    for (const [name, { description, type }] of Object.entries(properties)) {
      expect([name, type, description]).toEqual([
        name,
        expect.stringMatching(/\w/),
        expect.stringMatching(/\w/)
      ]);
    }
    expect(DOCUMENTED.get(command)).toMatchObject({
      caption,
      args: Object.keys(properties).sort()
    });
  });
});

describe('all commands', () => {
  it('speak Chinese', async () => {
    const zh = JSON.parse(
      read('pyruns_jupyter/locale/zh_CN/LC_MESSAGES/pyruns_jupyter.json')
    ) as Record<string, string[]>;
    const trans = nullTranslator.load('');
    const translator = {
      load: () =>
        Object.assign(Object.create(trans), {
          __: (text: string, ...rest: unknown[]) =>
            String(zh[text]?.[0] ?? text).replace('%1', String(rest[0]))
        })
    } as unknown as ITranslator;
    const { commands, ids: own } = makeLab(undefined, translator);
    for (const id of own) {
      expect(commands.caption(id)).toMatch(/\p{Script=Han}/u);
      expect(commands.label(id)).toMatch(/\p{Script=Han}|Pyruns/u);
    }
  });

  it('are in the documentation, and no others', () => {
    expect([...DOCUMENTED.keys()].sort()).toEqual([...ids].sort());
  });
});

describe('an action', () => {
  it('is done at once from the palette, and asks what the page asks', async () => {
    const { commands, palette, client } = makeLab();
    const [, mark] = palette.find(([id]) => id === 'pyruns:delete-tasks') ?? [];
    const result = await commands.execute('pyruns:delete-tasks', {
      ...mark,
      tasks: ['a']
    });
    expect(dialog()).toBeNull();
    expect(client.actOnTasks).toHaveBeenCalledWith(WORKSPACE.id, {
      action: 'delete',
      names: ['a']
    });
    expect(result).toEqual({
      workspace: WORKSPACE.id,
      tasks: ['a'],
      refused: {}
    });
    const queued = commands.execute('pyruns:requeue-tasks', { ...mark });
    await settle();
    expect(dialog()?.textContent).toContain('Queue 2 tasks here?');
    await answer('Cancel');
    expect(await queued).toMatchObject({ requeued: 0 });
  });

  it('says what is refused: to the user in a dialog, to others by rejecting', async () => {
    const { commands, client, pyruns } = makeLab();
    client.actOnTasks.mockRejectedValue(new Error('The disk is full.'));
    const args = { tasks: ['a'] };
    await expect(pyruns.execute('pyruns:pin-tasks', args)).rejects.toThrow(
      'The disk is full.'
    );
    expect(dialog()).toBeNull();
    expect(await commands.execute('pyruns:pin-tasks', ownArgs(args))).toEqual({
      error: 'The disk is full.'
    });
    await settle();
    expect(dialog()?.textContent).toContain('The disk is full.');
  });

  it('names what it would do to whom', async () => {
    const { commands, client } = makeLab();
    const names = Array.from({ length: 12 }, (_, index) => `lr=${index}`);
    const done = commands.execute('pyruns:tag-tasks', {
      tasks: names,
      tags: ['best']
    });
    await settle();
    expect(dialog()?.textContent).toMatch(
      /Add tags.*study\/_pyruns_\/train.*lr=9 and 2 more.*\["best"\]/
    );
    await answer('Tags…');
    expect(await done).toMatchObject({ tasks: names });
    expect(client.actOnTasks).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['pyruns:pin-tasks', { tasks: ['a'] }],
    [CommandIDs.openManager, {}],
    [CommandIDs.openPage, { page: 'dashboard' }],
    [CommandIDs.copyLink, {}],
    [CommandIDs.useAsTemplate, { path: 'a.yaml' }],
    [CommandIDs.importRuns, { path: 'old/mlruns' }]
  ])(
    'is about the workspace that was open when it was called: %s',
    async (id, args) => {
      const { commands, core } = makeLab();
      const done = commands.execute(id, ownArgs(args));
      Object.assign(core, { current: { ...WORKSPACE, id: 'another' } });
      expect(await done).toMatchObject({ workspace: WORKSPACE.id });
    }
  );

  it('without tasks is not offered, and says so', async () => {
    const { commands, pyruns } = makeLab();
    expect(commands.isEnabled('pyruns:run-tasks', ownArgs())).toBe(false);
    expect(commands.isEnabled('pyruns:run-tasks', { tasks: ['a'] })).toBe(true);
    await expect(pyruns.execute('pyruns:run-tasks')).rejects.toThrow(
      'No task is selected.'
    );
  });

  it('refuses arguments of the wrong type', async () => {
    const { pyruns, changes } = makeLab();
    const refusals = [
      ['pyruns:tag-tasks', { tasks: 'a', tags: ['t'] }, /“tasks” must be of/],
      ['pyruns:list-tasks', { limit: 1.5 }, /“limit” must be of type integer/],
      ['pyruns:export-results', { format: 'pdf' }, /one of: csv, json/],
      ['pyruns:open-page', {}, /“page” is missing/]
    ] as const;
    for (const [id, args, reason] of refusals) {
      await expect(pyruns.execute(id, args)).rejects.toThrow(reason);
    }
    expect(changes).toEqual([]);
  });

  it('needs the right to do it', () => {
    const { commands, core } = makeLab();
    const rights = { canWrite: true, canExecute: false };
    Object.defineProperty(core.session, 'rights', { value: rights });
    const args = { tasks: ['a'] };
    expect(commands.isEnabled('pyruns:run-tasks', args)).toBe(false);
    expect(commands.isEnabled('pyruns:delete-tasks', args)).toBe(true);
  });
});

describe('a study', () => {
  it('is paused, resumed and cancelled', async () => {
    const { pyruns, client } = makeLab();
    const study = { study: 's' };
    await pyruns.execute('pyruns:pause-study', study);
    await pyruns.execute('pyruns:resume-study', { ...study, trials: 30 });
    await pyruns.execute('pyruns:resume-study');
    await pyruns.execute('pyruns:cancel-study', study);
    expect(client.changeStudy.mock.calls.map(call => call.slice(1))).toEqual([
      ['s', { action: 'stop', running: false }],
      ['s', { action: 'resume', n: 30 }],
      ['s', { action: 'resume', n: 20 }],
      ['s', { action: 'stop', running: true }]
    ]);
  });

  it('is deleted when the user confirms it', async () => {
    const { commands, client } = makeLab();
    const remove = async (button: string) => {
      const done = commands.execute('pyruns:delete-study', ownArgs());
      await settle();
      expect(dialog()?.textContent).toContain('Delete study s?');
      await answer(button);
      return done;
    };
    expect(await remove('Cancel')).toMatchObject({ state: 'stopped' });
    expect(client.removeStudy).not.toHaveBeenCalled();
    client.listStudies.mockResolvedValueOnce({ items: [STUDY], damaged: [] });
    client.listStudies.mockResolvedValue({ items: [], damaged: [] });
    expect(await remove('Delete study')).toMatchObject({ state: null });
    expect(client.removeStudy).toHaveBeenCalledWith(WORKSPACE.id, 's');
  });

  it('that does not exist is an error, like a refused change', async () => {
    const { pyruns, client } = makeLab();
    await expect(
      pyruns.execute('pyruns:pause-study', { study: 'none' })
    ).rejects.toThrow('No study is named “none”.');
    client.changeStudy.mockRejectedValue(new Error('It is finished.'));
    await expect(
      pyruns.execute('pyruns:pause-study', { study: 's' })
    ).rejects.toThrow('It is finished.');
  });
});

describe('the trash', () => {
  it('is listed, and emptied when the user confirms it', async () => {
    const { commands, client, pyruns } = makeLab();
    expect(await pyruns.execute('pyruns:list-trash')).toMatchObject({
      tasks: [{ name: 'a', original: 'a' }]
    });
    const empty = async (button: string) => {
      const done = commands.execute('pyruns:empty-trash', ownArgs());
      await settle();
      expect(dialog()?.textContent).toContain('Permanently delete a?');
      await answer(button);
      return done;
    };
    expect(await empty('Cancel')).toMatchObject({ tasks: [] });
    expect(client.actOnTasks).not.toHaveBeenCalled();
    expect(await empty('Delete permanently')).toMatchObject({ tasks: ['a'] });
    expect(client.actOnTasks).toHaveBeenCalledWith(WORKSPACE.id, {
      action: 'purge',
      names: ['a']
    });
  });

  it('loses only the tasks that are named', async () => {
    const { pyruns, changes } = makeLab();
    await expect(pyruns.execute('pyruns:purge-tasks')).rejects.toThrow(
      'Specify the names'
    );
    expect(changes).toEqual([]);
    const args = { tasks: ['b'] };
    expect(await pyruns.execute('pyruns:purge-tasks', args)).toEqual({
      workspace: WORKSPACE.id,
      tasks: ['b'],
      refused: {}
    });
  });
});

describe('callerOf', () => {
  const heard = jest.spyOn(window, 'addEventListener');
  watchKeys();
  const [, watcher] = heard.mock.calls[0] as [string, EventListenerObject];
  heard.mockRestore();
  const { commands } = makeLab();
  const id = 'pyruns:run-tasks';
  const keys = ['Alt Y', 'R'];
  commands.addKeyBinding({ command: id, keys, selector: 'body' });
  const who = () => callerOf(commands, id, {});

  /** An event that only a browser could make. */
  const happen = (type: string, change: object = {}) => {
    const event = { isTrusted: true, type, ...change } as unknown as Event;
    watcher.handleEvent(event);
    return event;
  };
  const press = (key: string, change: object = {}) =>
    happen('keydown', {
      key,
      code: `Key${key.toUpperCase()}`,
      keyCode: key.toUpperCase().charCodeAt(0),
      getModifierState: () => false,
      ...change
    });

  it('knows the keys that are bound to the command, once', () => {
    press('y', { altKey: true });
    press('r');
    expect(who()).toBe('user');
    expect(who()).toBe('other');
    press('r');
    expect(who()).toBe('other');
  });

  it('knows no keys that a page has made, or before a click', () => {
    press('y', { altKey: true, isTrusted: false });
    press('r', { isTrusted: false });
    expect(who()).toBe('other');
    press('y', { altKey: true });
    press('r');
    happen('pointerdown');
    expect(who()).toBe('other');
  });

  it('knows a menu of Lab, not one that a document draws', () => {
    const menu = document.createElement('div');
    menu.className = 'lm-Menu';
    const inMenu = [menu, document.body];
    const during = (type: string, path: Element[], isTrusted = true) => {
      const event = { isTrusted, type, composedPath: () => path };
      const spy = jest
        .spyOn(window, 'event', 'get')
        .mockReturnValue(event as unknown as Event);
      const caller = who();
      spy.mockRestore();
      return caller;
    };
    expect(during('pointerup', inMenu)).toBe('user');
    expect(during('keydown', inMenu)).toBe('user');
    expect(during('pointerup', inMenu, false)).toBe('other');
    const drawn = [menu, document.createElement('div'), document.body];
    expect(during('pointerup', drawn)).toBe('other');
  });
});
