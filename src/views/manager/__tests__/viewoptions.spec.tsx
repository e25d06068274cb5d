import {
  act,
  cleanup,
  fireEvent,
  render,
  screen,
  within
} from '@testing-library/react';
import * as React from 'react';

import type { Groups } from '../../../client/types';
import { countsOf, FakeClient, row } from '../../../model/__tests__/fake';
import type { ISavedTable } from '../../../model/savedviews';
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
  row(`lr=0.1,seed=${seed}`, {
    status: 'completed',
    swept: { lr: 0.1, seed },
    figures: { acc: 0.9 },
    values: { opt: 'adam' },
    run: 1
  })
);

const GROUPS: Groups = {
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
      counts: { ...countsOf(ROWS), completed: 1, failed: 1 },
      figures: {
        acc: {
          count: 2,
          mean: 0.90123,
          deviation: 0.012345,
          least: 0.8,
          greatest: 1
        }
      },
      duration: {
        count: 1,
        mean: 75,
        deviation: null,
        least: 75,
        greatest: 75
      },
      gpu_hours: 12.5,
      energy_kwh: null
    }
  ]
};

async function open(saved?: ISavedTable) {
  const extra = {
    listColumns: jest.fn(async () => ({
      parameters: [
        { key: 'lr', distinct: 1, tasks: 2, swept: true },
        { key: 'seed', distinct: 2, tasks: 2, swept: true },
        { key: 'opt', distinct: 1, tasks: 2, swept: false }
      ],
      figures: [{ key: 'acc', tasks: 2 }]
    })),
    listCurves: jest.fn(async () => ({ key: 'acc', items: [] })),
    groupTasks: jest.fn(async () => GROUPS)
  };
  const client = Object.assign(new FakeClient(), extra);
  client.rows = [...ROWS];
  const model = new TaskListModel(client.asClient, 'ws');
  const save = jest.fn();
  const table = new TableLayoutModel({
    client: client.asClient,
    ws: 'ws',
    saved,
    save
  });
  render(
    <ManagerView
      model={model}
      table={table}
      trans={plainTrans}
      onOpenLog={() => undefined}
    />
  );
  await settle();
  return { client, model, table, save };
}

const settle = () => act(() => new Promise(resolve => setTimeout(resolve, 30)));

const press = async (name: string | RegExp) => {
  fireEvent.click(screen.getByRole('button', { name }));
  await settle();
};

const titles = () =>
  screen.getAllByRole('columnheader').map(each => each.textContent);

describe('groups that could not be listed', () => {
  it('are asked for again by a button', async () => {
    const { client } = await open();
    client.groupTasks.mockRejectedValue(new Error('busy'));
    await press('Group');
    fireEvent.click(screen.getByRole('checkbox', { name: 'seed' }));
    await settle();
    fireEvent.keyDown(screen.getByRole('dialog'), { key: 'Escape' });
    expect(await screen.findByText('busy')).toBeInTheDocument();
    client.groupTasks.mockResolvedValue(GROUPS);
    fireEvent.click(screen.getByRole('button', { name: 'Retry' }));
    expect(
      await screen.findByRole('grid', { name: 'Groups of tasks' })
    ).toBeInTheDocument();
    expect(screen.queryByText('busy')).toBeNull();
  });
});

describe('columns', () => {
  it('are chosen, and their values asked for', async () => {
    const { client, model } = await open();
    expect(titles()).not.toContain('opt');
    await press('Columns');
    const popup = within(screen.getByRole('dialog', { name: 'Columns' }));
    expect(popup.getAllByText('constant')).toHaveLength(2);
    fireEvent.click(popup.getByRole('checkbox', { name: /^opt/ }));
    await settle();
    expect(titles()).toContain('opt');
    expect(client.listTasks.mock.lastCall?.[1]?.fields).toContain('opt');
    expect(document.querySelector('[data-task]')).toHaveTextContent('adam');
    fireEvent.click(popup.getByRole('button', { name: 'Automatic' }));
    expect(titles()).not.toContain('opt');
    model.dispose();
  });

  it('keep the values of a task that runs on', async () => {
    const { client, model, table } = await open();
    act(() => table.showColumn('config:opt', true));
    await settle();
    const { values, ...told } = ROWS[0];
    expect(values).toBeDefined();
    act(() => client.change([{ ...told, figures: { acc: 0.95 } }]));
    const line = document.querySelector(`[data-task="${ROWS[0].name}"]`);
    expect(line).toHaveTextContent(/adam.*0\.9500/);
    model.dispose();
  });

  it('are sorted, moved and hidden by their menu', async () => {
    const { client, model } = await open();
    const menu = (name: RegExp) =>
      fireEvent.contextMenu(screen.getByRole('columnheader', { name }));
    const choose = async (name: string) => {
      fireEvent.click(screen.getByRole('menuitem', { name }));
      await settle();
    };
    menu(/^seed/);
    await choose('Sort ascending');
    expect(client.listTasks.mock.lastCall?.[1]).toMatchObject({
      sort: 'config.seed',
      order: 'asc'
    });
    menu(/^seed/);
    await choose('Move left');
    expect(titles().slice(2, 5)).toEqual(['Name', 'seed', 'lr']);
    menu(/^seed/);
    await choose('Hide');
    expect(titles()).not.toContain('seed');
    model.dispose();
  });

  it('of aggregates come from the menu of a metric, and from a name', async () => {
    const { client, model, table } = await open();
    client.rows = ROWS.map((each, at) => ({
      ...each,
      values: { 'max(acc)': 0.95 + at / 100, 'mean(acc, 10)': 0.5 }
    }));
    client.best = {
      'max(acc)': { value: 0.96, direction: 'maximize', origin: 'name' }
    };
    fireEvent.contextMenu(screen.getByRole('columnheader', { name: /^acc/ }));
    fireEvent.click(
      screen.getByRole('menuitemcheckbox', { name: 'Show column max(acc)' })
    );
    await settle();
    expect(client.listTasks.mock.lastCall?.[1]).toMatchObject({
      fields: expect.arrayContaining(['max(acc)']),
      best: ['acc', 'max(acc)']
    });
    const cells = [
      ...document.querySelectorAll('[data-column="figure:max(acc)"]')
    ].slice(1);
    expect(cells.map(each => each.textContent)).toEqual([
      '0.9500',
      '0.9600(best)'
    ]);
    // Sighted people see it in bold, and read why in the tooltip.
    expect(cells[0].querySelector('.pyr-is-best')).toBeNull();
    expect(cells[1].querySelector('.pyr-is-best')).toHaveAttribute(
      'title',
      '0.96: best of all tasks that match the filter (higher is better, judging by the name of the metric)'
    );
    await press('Columns');
    const popup = within(screen.getByRole('dialog', { name: 'Columns' }));
    fireEvent.change(popup.getByRole('searchbox'), {
      target: { value: 'mean(acc, 10)' }
    });
    fireEvent.click(popup.getByRole('checkbox', { name: 'mean(acc, 10)' }));
    await settle();
    expect(titles()).toContain('mean(acc, 10)');
    act(() => table.showColumn('figure:mean(acc, 10)', false));
    // An event has no aggregates: they stay until the list is there again.
    const { values, ...told } = client.rows[0];
    expect(values).toBeDefined();
    act(() => client.change([{ ...told, figures: { acc: 0.99 } }]));
    expect(cells[0]).toHaveTextContent('0.9500');
    model.dispose();
  });

  it('define which values of a metric are better', async () => {
    const { client, model } = await open();
    const { length } = client.listTasks.mock.calls;
    fireEvent.contextMenu(screen.getByRole('columnheader', { name: /^acc/ }));
    const goals = () =>
      screen
        .getAllByRole('menuitemradio')
        .map(each => [each.textContent, each.getAttribute('aria-checked')]);
    expect(goals()).toEqual([
      ['Automatic (maximize)', 'true'],
      ['Minimize', 'false'],
      ['Maximize', 'false']
    ]);
    client.goals = {
      acc: {
        direction: 'minimize',
        origin: 'settings',
        automatic: 'maximize'
      }
    };
    fireEvent.click(
      screen.getByRole('menuitemradio', { name: 'Goal of acc: Minimize' })
    );
    await settle();
    expect(client.defineMetric).toHaveBeenCalledWith('ws', {
      name: 'acc',
      goal: 'minimize'
    });
    expect(client.listTasks.mock.calls.length).toBeGreaterThan(length);

    fireEvent.contextMenu(screen.getByRole('columnheader', { name: /^acc/ }));
    expect(goals()).toEqual([
      ['Automatic (maximize)', 'false'],
      ['Minimize', 'true'],
      ['Maximize', 'false']
    ]);
    fireEvent.click(screen.getByRole('menuitemradio', { name: /Automatic/ }));
    await settle();
    expect(client.defineMetric).toHaveBeenLastCalledWith('ws', {
      name: 'acc',
      goal: null
    });
    model.dispose();
  });

  it('are dragged to another place and made wider', async () => {
    const { model, table } = await open();
    const head = (name: RegExp) => screen.getByRole('columnheader', { name });
    const data = new Map<string, string>();
    const dataTransfer = {
      setData: (type: string, value: string) => data.set(type, value),
      getData: (type: string) => data.get(type) ?? '',
      get types() {
        return [...data.keys()];
      }
    };
    // Lab's stand-in for these events does not bubble.
    const drag = (type: string, name: RegExp) => {
      const event = new Event(type, { bubbles: true, cancelable: true });
      Object.defineProperty(event, 'dataTransfer', { value: dataTransfer });
      fireEvent(head(name), event);
    };
    drag('dragstart', /^acc/);
    drag('dragover', /^lr/);
    drag('drop', /^lr/);
    expect(titles().slice(2, 5)).toEqual(['Name', 'acc', 'lr']);
    act(() => table.setWidth('figure:acc', 222));
    expect(
      document.querySelector<HTMLElement>('.pyr-grid-head-row')?.style
        .gridTemplateColumns
    ).toContain('222px');
    model.dispose();
  });
});

describe('groups', () => {
  it('fold seeds to mean and deviation, and lead to their tasks and back', async () => {
    const { client, model } = await open();
    await press('Group');
    fireEvent.click(
      within(screen.getByRole('dialog')).getByRole('checkbox', {
        name: 'seed'
      })
    );
    await settle();
    expect(client.groupTasks).toHaveBeenLastCalledWith(
      'ws',
      expect.objectContaining({ fold: ['seed'], by: undefined }),
      expect.anything()
    );
    fireEvent.keyDown(document, { key: 'Escape' });
    const grid = within(screen.getByRole('grid', { name: 'Groups of tasks' }));
    const line = grid.getAllByRole('row')[1];
    expect(line).toHaveTextContent(/0\.1.*2.*1.*0\.9012 ± 0\.012.*1:15/);
    // Sums that no group has are not shown.
    expect(line).toHaveTextContent(/1:1512\.50$/);
    expect(grid.queryByRole('button', { name: 'Energy (kWh)' })).toBeNull();
    fireEvent.click(grid.getByRole('button', { name: 'GPU-hours' }));
    await settle();
    expect(client.groupTasks).toHaveBeenLastCalledWith(
      'ws',
      expect.objectContaining({ sort: 'gpu_hours', order: 'desc' }),
      expect.anything()
    );
    fireEvent.click(grid.getByRole('button', { name: 'acc' }));
    await settle();
    expect(client.groupTasks).toHaveBeenLastCalledWith(
      'ws',
      expect.objectContaining({ sort: 'figure.acc', order: 'desc' }),
      expect.anything()
    );
    await press('Aggregates');
    fireEvent.click(screen.getByRole('checkbox', { name: 'max(acc)' }));
    await settle();
    expect(client.groupTasks).toHaveBeenLastCalledWith(
      'ws',
      expect.objectContaining({ metrics: ['max(acc)'] }),
      expect.anything()
    );
    fireEvent.keyDown(document, { key: 'Escape' });
    fireEvent.click(line);
    await settle();
    expect(model.getSnapshot().listing.query).toBe('config.lr=0.1');
    expect(screen.getByText('Tasks with lr=0.1')).toBeInTheDocument();
    await press('Back to groups');
    expect(model.getSnapshot().listing.query).toBe('');
    expect(
      screen.getByRole('grid', { name: 'Groups of tasks' })
    ).toBeInTheDocument();
    model.dispose();
  });
});

describe('cards', () => {
  it('show tasks in another way, and are selected too', async () => {
    const { client, model, save } = await open();
    await press('Show as cards');
    const cards = screen.getAllByRole('gridcell');
    expect(cards[0]).toHaveTextContent(/Completed.*lr=0\.1,seed=1.*acc0\.9/);
    client.rows = ROWS.map(each => ({ ...each, values: { 'max(acc)': 0.97 } }));
    await press('Aggregates');
    fireEvent.change(screen.getByRole('searchbox'), {
      target: { value: 'max' }
    });
    fireEvent.click(screen.getByRole('checkbox', { name: 'max(acc)' }));
    await settle();
    expect(cards[0]).toHaveTextContent(/max\(acc\)0\.97.*acc0\.9/);
    client.rows = ROWS;
    fireEvent.keyDown(document, { key: 'Escape' });
    fireEvent.click(cards[1]);
    expect([...model.getSnapshot().selection]).toEqual([ROWS[1].name]);
    expect(save.mock.lastCall?.[0].layout.look).toBe('cards');
    await press(`Run ${ROWS[0].name}`);
    expect(client.actOnTasks).toHaveBeenLastCalledWith('ws', {
      action: 'run',
      names: [ROWS[0].name],
      run: { jobs: 1 }
    });
    await press('Show as table');
    expect(screen.getByRole('grid', { name: 'Tasks' })).toBeInTheDocument();
    model.dispose();
  });
});

describe('views', () => {
  it('are saved with search and columns, and come back', async () => {
    const { model, table, save } = await open();
    act(() => model.setListing({ query: 'acc>0.8', sort: 'figure.acc' }));
    act(() => table.showColumn('config:seed', false));
    await settle();
    await press('Views');
    fireEvent.change(screen.getByRole('textbox', { name: /View name/ }), {
      target: { value: 'best ones' }
    });
    await press('Save');
    const kept = save.mock.lastCall?.[0] as ISavedTable;
    expect(kept.views).toHaveLength(1);
    model.dispose();
    cleanup();

    const again = await open(JSON.parse(JSON.stringify(kept)));
    await press('Views');
    await press('best ones');
    expect(again.model.getSnapshot().listing).toMatchObject({
      query: 'acc>0.8',
      sort: 'figure.acc'
    });
    expect(titles()).not.toContain('seed');
    await press('Views');
    await press('Remove the view best ones');
    expect(again.table.getSnapshot().views).toEqual([]);
    again.model.dispose();
  });
});

describe('completion', () => {
  it('offers keys and values while one types, taken by Tab', async () => {
    const { model } = await open();
    const search = screen.getByRole<HTMLTextAreaElement>('textbox', {
      name: 'Filter tasks'
    });
    const type = (value: string) => {
      // The caret stands at the end, as it does when one types.
      fireEvent.change(search, { target: { value } });
    };
    type('status:f');
    const options = screen.getAllByRole('option');
    expect(options.map(each => each.textContent)).toEqual(['failed']);
    fireEvent.keyDown(search, { key: 'Tab' });
    expect(search).toHaveValue('status:failed');
    expect(screen.queryByRole('listbox')).toBeNull();
    type('status:failed se');
    fireEvent.keyDown(search, { key: 'ArrowDown' });
    fireEvent.keyDown(search, { key: 'Enter' });
    expect(search).toHaveValue('status:failed seed');
    await settle();
    expect(model.getSnapshot().listing.query).toBe('status:failed seed');
    type('op');
    fireEvent.keyDown(search, { key: 'Escape' });
    expect(screen.queryByRole('listbox')).toBeNull();
    expect(search).toHaveValue('op');
    model.dispose();
  });
});
