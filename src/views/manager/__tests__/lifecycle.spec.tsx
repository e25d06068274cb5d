import { act, fireEvent, render, screen, within } from '@testing-library/react';
import * as React from 'react';

import { ClientError } from '../../../client/errors';
import type { TaskRow } from '../../../client/types';
import { FakeClient, row } from '../../../model/__tests__/fake';
import { TaskListModel } from '../../../model/tasklist';
import { chooseTasks } from '../../actions/action';
import { TASK_ACTIONS } from '../../actions/tasks';
import type { IQuestion } from '../../shared/confirm';
import { plainTrans } from '../../shared/context';
import type { IManagerProps } from '../ManagerView';
import { ManagerView } from '../ManagerView';
import { withTag } from '../tags';

// jsdom lays nothing out; the virtualiser asks for these.
beforeAll(() => {
  const size = (value: number) => ({ configurable: true, get: () => value });
  Object.defineProperties(HTMLElement.prototype, {
    clientHeight: size(480),
    clientWidth: size(900)
  });
  HTMLElement.prototype.scrollTo = () => undefined;
});

// What is listed again after a pause would come between the steps.
beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const ROWS = [
  row('a', { status: 'completed', tags: ['paper'] }),
  row('b', { status: 'failed' }),
  row('c', { status: 'running' })
];

async function open(
  rows: TaskRow[] = ROWS,
  props: Partial<IManagerProps> = {}
) {
  const client = new FakeClient();
  client.rows = [...rows];
  const model = new TaskListModel(client.asClient, 'ws');
  render(
    <ManagerView
      model={model}
      trans={plainTrans}
      onOpenLog={jest.fn()}
      {...props}
    />
  );
  await act(async () => undefined);
  return { client, model };
}

const lineOf = (name: string) =>
  document.querySelector(`[data-task="${name}"]`) as HTMLElement;
const settle = () => act(async () => undefined);
const lastAction = (client: FakeClient) =>
  client.actOnTasks.mock.lastCall?.[1] as unknown;

async function choose(name: string) {
  // Behind the name stands the key that does the same.
  fireEvent.click(
    screen.getByRole('menuitem', { name: text => text.startsWith(name) })
  );
  await settle();
}

async function more(name: string) {
  fireEvent.click(screen.getByRole('button', { name: 'More' }));
  await choose(name);
}

describe('the menu of a row', () => {
  it('opens with the right button, and duplicates', async () => {
    const { client, model } = await open();
    fireEvent.contextMenu(lineOf('b'));
    expect([...model.getSnapshot().selection]).toEqual(['b']);
    client.actOnTasks.mockResolvedValueOnce({
      done: ['b'],
      refused: [],
      made: ['b_copy']
    });
    await choose('Duplicate');
    expect(lastAction(client)).toEqual({ action: 'duplicate', names: ['b'] });
    expect(screen.getByText('Duplicated as b_copy.')).toBeInTheDocument();
    expect([...model.getSnapshot().selection]).toEqual(['b_copy']);
    expect(screen.queryByRole('menu')).toBeNull();
    model.dispose();
  });

  it('says by its own name what was deleted', async () => {
    const { client, model } = await open();
    client.actOnTasks.mockResolvedValueOnce({
      done: ['b'],
      refused: [],
      made: ['b_in_trash']
    });
    const context = {
      trans: plainTrans,
      confirm: async () => true,
      canWrite: true,
      canExecute: true,
      show: {},
      workspace: 'ws',
      model,
      chosen: chooseTasks(ROWS, ['b'])
    };
    const result = await TASK_ACTIONS['delete-tasks'].run(context, {});
    expect(result).toEqual({ workspace: 'ws', tasks: ['b'], refused: {} });
    model.dispose();
  });

  it('is walked with keys, and gives the focus back', async () => {
    const { model } = await open();
    const grid = screen.getByRole('grid');
    grid.focus();
    fireEvent.keyDown(grid, { key: 'ArrowDown' });
    fireEvent.keyDown(grid, { key: 'ContextMenu' });
    const menu = screen.getByRole('menu');
    const focused = () => document.activeElement?.textContent;
    expect(focused()).toContain('Open log');
    const press = (key: string) =>
      fireEvent.keyDown(document.activeElement as Element, { key });
    press('ArrowDown');
    expect(focused()).toContain('Details');
    press('ArrowDown');
    expect(focused()).toContain('Run');
    press('ArrowDown');
    // Stop is not possible here.
    expect(focused()).toContain('Pin');
    press('End');
    expect(focused()).toContain('Delete');
    press('d');
    expect(focused()).toContain('Details');
    press('d');
    expect(focused()).toContain('Duplicate');
    press('Escape');
    expect(menu).not.toBeInTheDocument();
    expect(grid).toHaveFocus();
    model.dispose();
  });

  it('offers nothing but to delete what cannot be read', async () => {
    const message = '/x/tasks/broken/task_info.json is empty.';
    const { model } = await open([
      row('broken', { readable: false, message }),
      ...ROWS
    ]);
    expect(lineOf('broken').textContent).toContain('task_info.json is empty.');
    expect(lineOf('broken').textContent).not.toContain('/x/');
    fireEvent.contextMenu(lineOf('broken'));
    const items = within(screen.getByRole('menu')).getAllByRole('menuitem');
    expect(items.map(item => item.textContent)).toEqual(['DeleteDel']);
    fireEvent.keyDown(document, { key: 'Escape' });
    for (const name of ['Run', 'Stop']) {
      expect(screen.getByRole('button', { name })).toBeDisabled();
    }
    expect(screen.getByRole('button', { name: 'Delete' })).toBeEnabled();
    model.dispose();
  });

  it('has what is done seldom in the toolbar too', async () => {
    const { client, model } = await open();
    fireEvent.click(screen.getByRole('button', { name: 'More' }));
    const shown = () =>
      screen.getAllByRole('menuitem').map(item => item.textContent);
    const always = ['Export…', 'Trash…', 'Import runs…', 'Alert rules…'];
    expect(shown()).toEqual(always);
    fireEvent.keyDown(document, { key: 'Escape' });
    fireEvent.click(lineOf('a'));
    fireEvent.click(screen.getByRole('button', { name: 'More' }));
    expect(shown()).toEqual([
      'Pin to the top',
      'Tags…',
      'Duplicate',
      'Rename…',
      'Copy as command',
      ...always
    ]);
    await choose('Pin');
    expect(lastAction(client)).toEqual({ action: 'pin', names: ['a'] });
    model.dispose();
  });

  it('lets a reader only read', async () => {
    const { model } = await open(ROWS, { canWrite: false, canExecute: false });
    fireEvent.contextMenu(lineOf('a'));
    const items = within(screen.getByRole('menu')).getAllByRole('menuitem');
    expect(items.map(item => item.textContent)).toEqual([
      'Open logEnter',
      'Detailsi',
      'Copy as command'
    ]);
    model.dispose();
  });

  it('moves tasks in an order given by hand', async () => {
    const { client, model } = await open();
    fireEvent.click(screen.getByRole('button', { name: 'More' }));
    fireEvent.click(
      screen.getByRole('menuitemcheckbox', { name: 'Custom order' })
    );
    await settle();
    expect(client.listTasks.mock.lastCall?.[1]).toMatchObject({
      sort: 'order',
      order: 'asc'
    });
    fireEvent.contextMenu(lineOf('b'));
    await choose('Move up');
    expect(lastAction(client)).toEqual({
      action: 'move',
      names: ['b'],
      before: 'a'
    });
    fireEvent.keyDown(screen.getByRole('grid'), {
      key: 'ArrowDown',
      altKey: true
    });
    await settle();
    expect(lastAction(client)).toEqual({
      action: 'move',
      names: ['b'],
      after: 'c'
    });
    model.dispose();
  });
});

describe('tags', () => {
  it('are added, ticked and taken away', async () => {
    const { client, model } = await open();
    fireEvent.click(lineOf('a'));
    fireEvent.click(lineOf('b'), { ctrlKey: true });
    fireEvent.contextMenu(lineOf('b'));
    await choose('Tags…');
    const field = screen.getByLabelText('New tag');
    fireEvent.change(field, { target: { value: 'best, run 2' } });
    fireEvent.keyDown(field, { key: 'Enter' });
    await settle();
    expect(lastAction(client)).toEqual({
      action: 'tag',
      names: ['a', 'b'],
      tags: ['best', 'run 2']
    });
    const box = screen.getByRole('checkbox', { name: /paper/ });
    expect(box).toHaveAttribute('aria-checked', 'mixed');
    fireEvent.click(box);
    await settle();
    expect(lastAction(client)).toMatchObject({ action: 'tag' });
    act(() => client.change([row('b', { tags: ['paper'] })]));
    expect(box).toHaveAttribute('aria-checked', 'true');
    fireEvent.click(box);
    await settle();
    expect(lastAction(client)).toEqual({
      action: 'untag',
      names: ['a', 'b'],
      tags: ['paper']
    });
    model.dispose();
  });

  it('search when they are clicked', async () => {
    const { model } = await open();
    fireEvent.click(within(lineOf('a')).getByRole('button', { name: 'paper' }));
    await settle();
    expect(model.getSnapshot().listing.query).toBe('tag:paper');
    expect(model.getSnapshot().selection.size).toBe(0);
    model.dispose();
  });

  it.each([
    ['', 'x', 'tag:x'],
    ['lr<1', 'a b', 'lr<1 tag:"a b"'],
    ['a OR b', 'x', 'a OR b\ntag:x'],
    ['lr<1 tag:x', 'x', 'lr<1 tag:x']
  ])('%j and %s make %j', (query, tag, made) => {
    expect(withTag(query, tag)).toBe(made);
  });
});

describe('the export', () => {
  it('asks for what is listed and gives the file to the browser', async () => {
    const made = jest.fn(() => 'blob:x');
    Object.assign(URL, { createObjectURL: made, revokeObjectURL: jest.fn() });
    const clicked: string[] = [];
    jest
      .spyOn(HTMLAnchorElement.prototype, 'click')
      .mockImplementation(function (this: HTMLAnchorElement) {
        clicked.push(this.download);
      });
    const { client, model } = await open();
    await act(async () =>
      model.setListing({ query: 'lr<1', statuses: ['failed'] })
    );
    await more('Export…');
    fireEvent.click(screen.getByRole('radio', { name: 'Every run' }));
    fireEvent.click(screen.getByRole('radio', { name: 'JSON' }));
    fireEvent.click(screen.getByRole('button', { name: 'Download' }));
    await settle();
    expect(client.exportResults).toHaveBeenCalledWith('ws', {
      format: 'json',
      runs: 'all',
      curves: false,
      query: 'lr<1',
      status: 'failed',
      sort: 'created',
      order: model.getSnapshot().listing.order
    });
    expect(clicked).toEqual(['train.json']);
    expect(screen.queryByRole('dialog', { name: 'Export' })).toBeNull();
    model.dispose();
  });

  it('asks for curves, which a folder has anyway', async () => {
    const { client, model } = await open();
    await more('Export…');
    fireEvent.click(screen.getByRole('radio', { name: 'Parquet' }));
    const curves = 'One per value of a curve';
    fireEvent.click(screen.getByRole('radio', { name: curves }));
    fireEvent.click(screen.getByRole('button', { name: 'Download' }));
    await settle();
    const parquet = { format: 'parquet', curves: true, runs: 'latest' };
    expect(client.exportResults.mock.lastCall?.[1]).toMatchObject(parquet);
    await more('Export…');
    fireEvent.click(screen.getByRole('radio', { name: 'MLflow (zip)' }));
    expect(screen.queryByRole('radio', { name: curves })).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Download' }));
    await settle();
    const mlflow = { format: 'mlflow', curves: false };
    expect(client.exportResults.mock.lastCall?.[1]).toMatchObject(mlflow);
    model.dispose();
  });

  it('says why there is no file', async () => {
    const { client, model } = await open();
    await more('Export…');
    client.exportResults.mockRejectedValueOnce(new Error('The disk is full.'));
    fireEvent.click(screen.getByRole('button', { name: 'Download' }));
    await settle();
    expect(screen.getByRole('alert')).toHaveTextContent('The disk is full.');
    model.dispose();
  });
});

describe('the trash', () => {
  const trashed = (name: string, message: string | null = null) => ({
    name,
    original: name,
    trashed_at: Date.now() / 1000 - 600,
    status: 'failed',
    message
  });

  const asked = (answer: boolean) =>
    jest.fn((question: IQuestion) => Promise.resolve(answer));

  async function openTrash(confirm = asked(true)) {
    const { client, model } = await open(ROWS, { confirm });
    client.trashed = [trashed('old'), trashed('older', 'It is empty.')];
    await more('Trash…');
    return { client, model, confirm };
  }

  it('lists, restores and goes back', async () => {
    const { client, model } = await openTrash();
    const options = screen.getAllByRole('option');
    expect(options.map(option => option.textContent)).toEqual([
      expect.stringMatching(/Failed.*old.*10 min ago/),
      expect.stringMatching(/Unreadable.*older.*It is empty\./)
    ]);
    expect(screen.getByRole('button', { name: 'Restore' })).toBeDisabled();
    fireEvent.click(options[0]);
    client.trashed = [trashed('older')];
    fireEvent.click(screen.getByRole('button', { name: 'Restore' }));
    await settle();
    expect(lastAction(client)).toEqual({ action: 'restore', names: ['old'] });
    expect(screen.getAllByRole('option')).toHaveLength(1);
    expect(screen.getByText('Restored 1 task')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Tasks' }));
    expect(screen.getByRole('grid', { name: 'Tasks' })).toBeInTheDocument();
    model.dispose();
  });

  it('deletes for ever only after a question', async () => {
    const confirm = asked(false);
    const { client, model } = await openTrash(confirm);
    const list = screen.getByRole('listbox');
    fireEvent.keyDown(list, { key: 'a', ctrlKey: true });
    fireEvent.keyDown(list, { key: 'Delete' });
    await settle();
    const [[question]] = confirm.mock.calls;
    expect(question.title).toBe('Permanently delete 2 tasks?');
    expect(client.actOnTasks).not.toHaveBeenCalled();
    confirm.mockImplementationOnce(async () => {
      client.trashed = [];
      return true;
    });
    fireEvent.click(screen.getByRole('button', { name: 'Empty trash' }));
    await settle();
    expect(lastAction(client)).toEqual({
      action: 'purge',
      names: ['old', 'older']
    });
    expect(screen.getByText('The trash is empty')).toBeInTheDocument();
    model.dispose();
  });

  it('is listed anew when tasks come or go', async () => {
    const { client, model } = await openTrash();
    client.trashed = [trashed('b'), ...client.trashed];
    await act(async () => client.change([], ['b']));
    expect(screen.getAllByRole('option')).toHaveLength(3);
    model.dispose();
  });
});

describe('renaming', () => {
  it('asks for the new name, and says why it cannot be had', async () => {
    const { client, model } = await open();
    const changeTask = jest
      .fn()
      .mockRejectedValueOnce(
        new ClientError("There is a task 'b' already.", { status: 409 })
      )
      .mockResolvedValue({});
    Object.assign(client, { changeTask });
    fireEvent.contextMenu(lineOf('a'));
    await choose('Rename…');
    const field = screen.getByRole('textbox', { name: 'Task name' });
    expect(field).toHaveValue('a');
    const rename = async (name: string) => {
      fireEvent.change(field, { target: { value: name } });
      fireEvent.click(screen.getByRole('button', { name: 'Rename' }));
      await act(async () => undefined);
    };
    await rename('b');
    expect(screen.getByText("There is a task 'b' already.")).toBeVisible();
    await rename('best');
    expect(changeTask).toHaveBeenLastCalledWith('ws', 'a', {
      name: 'best',
      expected: { name: 'a' }
    });
    expect(field).not.toBeInTheDocument();
    model.dispose();
  });
});
