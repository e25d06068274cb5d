import { act, fireEvent, render, screen, within } from '@testing-library/react';
import * as React from 'react';

import { countsOf, FakeClient, row } from '../../../model/__tests__/fake';
import { TableLayoutModel } from '../../../model/tablelayout';
import { TaskListModel } from '../../../model/tasklist';
import { plainTrans } from '../../shared/context';
import { ManagerView } from '../ManagerView';

// jsdom lays nothing out; the virtualiser asks for these.
beforeAll(() => {
  const size = (value: number) => ({ configurable: true, get: () => value });
  Object.defineProperties(HTMLElement.prototype, {
    clientHeight: size(480),
    clientWidth: size(900)
  });
  HTMLElement.prototype.scrollTo = () => undefined;
});

const ROWS = [1, 2].map(seed =>
  row(`seed=${seed}`, {
    status: 'completed',
    swept: { lr: 0.1, seed },
    run: 1,
    tags: seed === 2 ? ['good'] : []
  })
);

const GROUPS = {
  by: ['lr'],
  total: 1,
  tasks: 2,
  notices: [],
  items: [
    {
      values: { lr: 0.1 },
      tasks: 2,
      names: ROWS.map(each => each.name),
      query: 'config.lr=0.1',
      counts: countsOf(ROWS),
      figures: {},
      duration: null,
      gpu_hours: null,
      energy_kwh: null
    }
  ]
};

const TRASHED = ['old', 'older'].map(name => ({
  name,
  original: name,
  trashed_at: 1000,
  status: 'failed',
  message: null
}));

const settle = () => act(async () => undefined);

async function open(groups = GROUPS, trashed = TRASHED) {
  const client = Object.assign(new FakeClient(), {
    groupTasks: jest.fn(async () => groups)
  });
  client.rows = [...ROWS];
  client.trashed = trashed;
  const model = new TaskListModel(client.asClient, 'ws');
  const table = new TableLayoutModel({ client: client.asClient, ws: 'ws' });
  const onOpenLog = jest.fn();
  render(
    <ManagerView
      model={model}
      table={table}
      trans={plainTrans}
      onOpenLog={onOpenLog}
    />
  );
  await settle();
  return { model, table, onOpenLog };
}

/** What Tab stops at below the titles of a grid. */
const stops = (grid: HTMLElement) =>
  [grid, ...grid.querySelectorAll<HTMLElement>('[tabindex], button, input')]
    .filter(each => each.tabIndex >= 0 && !each.closest('.pyr-grid-head'))
    .map(each => each.getAttribute('role'));

/** The entry that keys act on. */
const activeOf = (grid: HTMLElement) =>
  document.getElementById(grid.getAttribute('aria-activedescendant') ?? '');

it('keys lead from card to card, of which none is a Tab stop', async () => {
  const { model, table, onOpenLog } = await open();
  act(() => table.setLayout({ look: 'cards' }));
  await settle();
  const grid = screen.getByRole('grid', { name: 'Tasks' });
  const cards = screen.getAllByRole('gridcell');
  expect(stops(grid)).toEqual(['grid']);
  act(() => grid.focus());
  expect(activeOf(grid)).toBe(cards[0]);
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowDown']) {
    fireEvent.keyDown(grid, { key });
    expect(activeOf(grid)).toBe(cards[1]);
  }
  fireEvent.keyDown(grid, { key: ' ' });
  expect([...model.getSnapshot().selection]).toEqual([ROWS[1].name]);
  fireEvent.keyDown(grid, { key: 'Enter' });
  expect(onOpenLog).toHaveBeenLastCalledWith(
    expect.objectContaining({ name: ROWS[1].name })
  );
  fireEvent.keyDown(grid, { key: 'F10', shiftKey: true });
  expect(screen.getByRole('menu')).toBeInTheDocument();

  const tag = within(cards[1]).getByText('good');
  onOpenLog.mockClear();
  fireEvent.doubleClick(tag);
  expect(onOpenLog).not.toHaveBeenCalled();
  fireEvent.click(tag);
  expect(model.getSnapshot().listing.query).toBe('tag:good');
  model.dispose();
});

it('keys lead from group to group, of which none is a Tab stop', async () => {
  const { model, table } = await open();
  act(() => table.setLayout({ grouping: { by: ['lr'] } }));
  await settle();
  const grid = screen.getByRole('grid', { name: 'Groups of tasks' });
  expect(stops(grid)).toEqual(['grid']);
  act(() => grid.focus());
  expect(activeOf(grid)).toHaveAttribute('aria-rowindex', '2');
  fireEvent.keyDown(grid, { key: 'Enter' });
  await settle();
  expect(model.getSnapshot().listing.query).toBe('config.lr=0.1');
  model.dispose();
});

it('names the active entry of a long list only while it is rendered', async () => {
  const many = Array.from({ length: 90 }, (_, at) => at);
  const { model, table } = await open(
    {
      ...GROUPS,
      items: many.map(lr => ({ ...GROUPS.items[0], values: { lr } }))
    },
    many.map(at => ({ ...TRASHED[0], name: `old${at}` }))
  );
  const expectNamed = (list: HTMLElement) => {
    act(() => list.focus());
    expect(activeOf(list)).not.toBeNull();
    // Nothing is scrolled here, so the last entry is not rendered.
    fireEvent.keyDown(list, { key: 'End' });
    expect(list).not.toHaveAttribute('aria-activedescendant');
    fireEvent.keyDown(list, { key: 'Home' });
    expect(activeOf(list)).not.toBeNull();
  };
  act(() => table.setLayout({ grouping: { by: ['lr'] } }));
  await settle();
  expectNamed(screen.getByRole('grid', { name: 'Groups of tasks' }));
  fireEvent.click(screen.getByRole('button', { name: 'More' }));
  fireEvent.click(screen.getByRole('menuitem', { name: /^Trash/ }));
  await settle();
  expectNamed(screen.getByRole('listbox', { name: 'Trash' }));
  model.dispose();
});

it('a check box selects all tasks in the trash, or none', async () => {
  const { model } = await open();
  fireEvent.click(screen.getByRole('button', { name: 'More' }));
  fireEvent.click(screen.getByRole('menuitem', { name: /^Trash/ }));
  await settle();
  const box = screen.getByRole('checkbox', { name: 'Select all tasks' });
  const selected = () =>
    screen.queryAllByRole('option', { selected: true }).length;
  fireEvent.click(screen.getAllByRole('option')[0]);
  expect(box).toBePartiallyChecked();
  fireEvent.click(box);
  expect(selected()).toBe(2);
  expect(box).toBeChecked();
  fireEvent.click(box);
  expect(selected()).toBe(0);
  model.dispose();
});
