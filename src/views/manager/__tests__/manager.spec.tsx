import { act, fireEvent, render, screen, within } from '@testing-library/react';
import * as React from 'react';

import { FakeClient, row } from '../../../model/__tests__/fake';
import { TaskListModel } from '../../../model/tasklist';
import { plainTrans } from '../../shared/context';
import type { IManagerProps } from '../ManagerView';
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

const ROWS = [
  row('lr=0.1', {
    status: 'running',
    swept: { lr: 0.1 },
    figures: { acc: 0.54321 },
    started_at: Date.now() / 1000 - 65,
    runs: 1,
    run: 1
  }),
  row('lr=0.01', {
    status: 'completed',
    swept: { lr: 0.01 },
    figures: { acc: 0.91239 },
    started_at: Date.now() / 1000 - 900,
    duration: 187.2,
    exit_code: 0,
    runs: 1,
    run: 1
  }),
  row('lr=1', { status: 'failed', swept: { lr: 1 }, exit_code: 3 })
];

async function open(rows = ROWS, props: Partial<IManagerProps> = {}) {
  const client = new FakeClient();
  client.rows = [...rows];
  const model = new TaskListModel(client.asClient, 'ws');
  const onOpenLog = jest.fn();
  render(
    <ManagerView
      model={model}
      trans={plainTrans}
      onOpenLog={onOpenLog}
      {...props}
    />
  );
  await act(async () => undefined);
  return { client, model, onOpenLog };
}

const lineOf = (name: string): HTMLElement => {
  const line = document.querySelector<HTMLElement>(`[data-task="${name}"]`);
  if (!line) {
    throw new Error(`no row ${name}`);
  }
  return line;
};

describe('ManagerView', () => {
  it('shows states, swept values, figures and times', async () => {
    const { model } = await open();
    const titles = screen
      .getAllByRole('columnheader')
      .map(each => each.textContent);
    expect(titles).toEqual([
      '',
      'Status',
      'Name',
      'lr',
      'acc',
      'Started',
      'Duration',
      'Message'
    ]);
    expect(lineOf('lr=0.1').textContent).toMatch(
      /Running.*0\.1.*0\.5432.*1 min ago.*1:0\d/
    );
    expect(lineOf('lr=0.01').textContent).toMatch(/Completed.*0\.9124.*3:07/);
    expect(lineOf('lr=1').textContent).toContain('Exit code 3');
    expect(screen.getByRole('button', { name: /Running/ })).toHaveTextContent(
      '1'
    );
    model.dispose();
  });

  it('keeps a column wide that had a long number', async () => {
    const { client, model } = await open();
    const template = () =>
      document.querySelector<HTMLElement>('.pyr-grid-head-row')!.style
        .gridTemplateColumns;
    const narrow = template();
    act(() => client.change([{ ...ROWS[2], swept: { lr: 0.123456 } }]));
    const wide = template();
    expect(wide).not.toBe(narrow);
    act(() => client.change([ROWS[2]]));
    expect(template()).toBe(wide);
    model.dispose();
  });

  it('shows the columns of runs once there is a run, or when asked', async () => {
    const { client, model } = await open([
      row('lr=1', { swept: { lr: 1 } }),
      row('lr=2', { swept: { lr: 2 } })
    ]);
    const titles = () =>
      screen
        .getAllByRole('columnheader')
        .slice(2)
        .map(each => each.textContent);
    const choose = (name: RegExp) => {
      fireEvent.click(screen.getByRole('button', { name: 'Columns' }));
      fireEvent.click(screen.getByRole('checkbox', { name }));
      fireEvent.keyDown(document, { key: 'Escape' });
    };
    expect(titles()).toEqual(['Name', 'lr']);
    // To hide another one keeps them, and brings none of them.
    choose(/^lr/);
    expect(titles()).toEqual(['Name']);
    choose(/^Message/);
    expect(titles()).toEqual(['Name', 'Message']);
    act(() =>
      client.change([row('lr=1', { status: 'running', started_at: 1, run: 1 })])
    );
    expect(titles()).toEqual(['Name', 'Started', 'Duration', 'Message']);
    model.dispose();
  });

  it('shows the step of a running task and the number of steps', async () => {
    const { model } = await open([
      row('far', {
        status: 'running',
        started_at: Date.now() / 1000 - 60,
        run: 1,
        progress: 0.25,
        steps: { key: 'epoch', step: 5, total: 20, source: 'training.epochs' }
      }),
      row('done', { status: 'completed', started_at: 1, run: 1 })
    ]);
    const cell = (name: string) =>
      lineOf(name).querySelector('[data-column="progress"]');
    expect(cell('far')).toHaveTextContent(/^5 of 20$/);
    expect(cell('far')?.firstElementChild).toHaveAttribute(
      'title',
      expect.stringMatching(
        /^epoch 5 of 20 \(total from training.epochs\), .*left$/
      )
    );
    expect(cell('done')).toHaveTextContent('');
    model.dispose();
  });

  it('gives the room that is left to the messages, not to the names', async () => {
    const { model } = await open();
    const template =
      document.querySelector<HTMLElement>('.pyr-grid-head-row')?.style
        .gridTemplateColumns;
    expect(template).toMatch(/minmax\(144px, 144px\).* minmax\(160px, 1fr\)$/);
    model.dispose();
  });

  it('makes columns narrower before it hides one', async () => {
    const { model } = await open([
      row('net_1_learning_rate=0.1', { swept: { learning_rate: 0.1 } })
    ]);
    const template =
      document.querySelector<HTMLElement>('.pyr-grid-head-row')?.style
        .gridTemplateColumns;
    expect(template).toMatch(/minmax\(144px, 200px\) minmax\(122px, 138px\)$/);
    model.dispose();
  });

  it('has narrow columns only for short numbers that do not grow', async () => {
    const { model } = await open([
      row('a', {
        swept: { lr: 0.1, seed: 12345678 },
        figures: { acc: 0.5, epoch: 10 }
      }),
      row('b', { swept: { lr: 0.01, seed: 1 }, figures: { epoch: 9 } })
    ]);
    const template =
      document.querySelector<HTMLElement>('.pyr-grid-head-row')?.style
        .gridTemplateColumns;
    // Of lr, seed, acc and epoch.
    expect(template?.match(/\d+px(?=,)/g)?.slice(1, 5)).toEqual([
      '72px',
      '88px',
      '88px',
      '72px'
    ]);
    model.dispose();
  });

  it('shows how far a running task is, and else only that it is active', async () => {
    const running = { status: 'running', started_at: 1, run: 1 } as const;
    const { model } = await open([
      row('far', { ...running, progress: 0.436 }),
      row('active', { ...running, progress: 0 }),
      row('stalled', { ...running, silent_since: 5 }),
      row('done', { status: 'completed', progress: 1, run: 1 })
    ]);
    const bar = (name: string) =>
      within(lineOf(name)).queryByRole('progressbar');
    expect(bar('far')).toHaveAttribute('aria-valuenow', '44');
    expect(lineOf('far')).toHaveTextContent('43%');
    expect(bar('active')).toBeInTheDocument();
    expect(bar('active')).not.toHaveAttribute('aria-valuenow');
    expect(bar('stalled')).toBeNull();
    expect(bar('done')).toBeNull();
    model.dispose();
  });

  it('marks a task whose run has sent alerts', async () => {
    const title = 'loss is nan';
    const alert = {
      time: 1,
      level: 'warning' as const,
      title,
      text: 'loss = nan.',
      number: 2
    };
    const { model } = await open([row('bad', { alert }), row('good')]);
    const mark = (name: string) =>
      within(lineOf(name)).queryByRole('img', { name: /^Alert/ });
    expect(mark('bad')).toHaveAccessibleName(
      'Alert (warning): loss is nan: loss = nan. (2 alerts)'
    );
    expect(mark('good')).toBeNull();
    model.dispose();
  });

  it('changes with an event', async () => {
    const { client, model } = await open();
    act(() =>
      client.change([row('lr=1', { status: 'completed', swept: { lr: 1 } })])
    );
    expect(lineOf('lr=1').textContent).toContain('Completed');
    model.dispose();
  });

  it('sorts by a click and says so', async () => {
    const { client, model } = await open();
    const title = () => screen.getByRole('columnheader', { name: /acc/ });
    const click = async () => {
      fireEvent.click(within(title()).getByRole('button', { name: 'acc' }));
      await act(async () => undefined);
    };
    await click();
    expect(client.listTasks.mock.lastCall?.[1]).toMatchObject({
      sort: 'figure.acc',
      order: 'desc'
    });
    expect(title()).toHaveAttribute('aria-sort', 'descending');
    await click();
    expect(title()).toHaveAttribute('aria-sort', 'ascending');
    model.dispose();
  });

  it('selects with clicks, shift and the keyboard', async () => {
    const { model, onOpenLog } = await open();
    const selected = () => [...model.getSnapshot().selection];
    fireEvent.click(lineOf('lr=0.1'));
    expect(selected()).toEqual(['lr=0.1']);
    fireEvent.click(lineOf('lr=1'), { shiftKey: true });
    expect(selected()).toEqual(['lr=0.1', 'lr=0.01', 'lr=1']);
    fireEvent.click(lineOf('lr=0.01'), { ctrlKey: true });
    expect(selected()).toEqual(['lr=0.1', 'lr=1']);
    const grid = screen.getByRole('grid');
    fireEvent.keyDown(grid, { key: 'Escape' });
    expect(selected()).toEqual([]);
    fireEvent.keyDown(grid, { key: 'Home' });
    fireEvent.keyDown(grid, { key: 'ArrowDown' });
    fireEvent.keyDown(grid, { key: ' ' });
    expect(selected()).toEqual(['lr=0.01']);
    fireEvent.keyDown(grid, { key: 'Enter' });
    expect(onOpenLog).toHaveBeenCalledWith(
      expect.objectContaining({ name: 'lr=0.01' })
    );
    fireEvent.keyDown(grid, { key: 'a', ctrlKey: true });
    await act(async () => undefined);
    expect(selected()).toHaveLength(3);
    model.dispose();
  });

  it('offers for the selection what is possible', async () => {
    // What Lab's settings say is what the field begins with, not what it keeps.
    const { client, model } = await open(ROWS, { jobs: 2 });
    expect(screen.getByRole('spinbutton')).toHaveValue(2);
    const button = (name: string) => screen.getByRole('button', { name });
    expect(button('Run')).toBeDisabled();
    fireEvent.click(lineOf('lr=1'));
    expect(button('Stop')).toBeDisabled();
    fireEvent.change(screen.getByRole('spinbutton'), {
      target: { value: '4' }
    });
    fireEvent.click(button('Run'));
    await act(async () => undefined);
    expect(client.actOnTasks).toHaveBeenLastCalledWith('ws', {
      action: 'run',
      names: ['lr=1'],
      run: { jobs: 4 }
    });
    expect(lineOf('lr=1').textContent).toContain('Queueing…');
    model.dispose();
  });

  it('asks before it stops what runs', async () => {
    const { client, model } = await open();
    fireEvent.click(lineOf('lr=0.1'));
    fireEvent.click(screen.getByRole('button', { name: 'Stop' }));
    expect(client.actOnTasks).not.toHaveBeenCalled();
    const strip = screen.getByText('Stop 1 running task?').closest('div');
    const accept = within(strip?.parentElement as HTMLElement).getByRole(
      'button',
      { name: 'Stop' }
    );
    fireEvent.click(accept);
    await act(async () => undefined);
    expect(client.actOnTasks.mock.lastCall?.[1]).toMatchObject({
      action: 'cancel',
      names: ['lr=0.1']
    });
    model.dispose();
  });

  it('deletes by key and brings back', async () => {
    const { client, model } = await open();
    fireEvent.click(lineOf('lr=1'));
    fireEvent.keyDown(screen.getByRole('grid'), { key: 'Delete' });
    await act(async () => undefined);
    expect(screen.getByText('1 task moved to the trash.')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'Undo' }));
    await act(async () => undefined);
    expect(client.actOnTasks.mock.lastCall?.[1]).toMatchObject({
      action: 'restore',
      names: ['lr=1']
    });
    model.dispose();
  });

  it('shows a refusal as the sentence it is', async () => {
    const { client, model } = await open();
    client.actOnTasks.mockResolvedValueOnce({
      done: [],
      refused: [{ name: 'lr=1', message: 'The script is gone.' }],
      made: []
    });
    fireEvent.click(lineOf('lr=1'));
    fireEvent.click(screen.getByRole('button', { name: 'Run' }));
    await act(async () => undefined);
    expect(screen.getByRole('alert')).toHaveTextContent(
      'lr=1: The script is gone.'
    );
    model.dispose();
  });

  it('says which task cannot be read, and why', async () => {
    const message = 'task_info.json is empty.';
    const { model } = await open([
      ...ROWS,
      row('broken', { readable: false, message })
    ]);
    const line = within(lineOf('broken'));
    expect(line.getByText('Unreadable')).toBeInTheDocument();
    expect(line.queryByText('Pending')).toBeNull();
    expect(line.getByTitle(`Unreadable: ${message}`)).toBeInTheDocument();
    expect(within(lineOf('lr=1')).getByText('Failed')).toBeInTheDocument();
    model.dispose();
  });

  it('counts a task that cannot be read as such, and finds it', async () => {
    const broken = row('broken', { readable: false });
    const { client, model } = await open([...ROWS, broken]);
    const chips = within(
      screen.getByRole('group', { name: 'Show only tasks with status' })
    );
    const chip = (name: RegExp) => chips.queryByRole('button', { name });
    expect(chip(/^All\s*4$/)).toBeInTheDocument();
    expect(chip(/^Pending\s*0$/)).toBeInTheDocument();
    fireEvent.click(chip(/^Unreadable\s*1$/)!);
    await act(async () => undefined);
    expect(lineOf('broken')).toBeInTheDocument();
    expect(document.querySelectorAll('[data-task]')).toHaveLength(1);
    // The chosen one stays where it can be taken back.
    client.rows = [...ROWS];
    await act(async () => model.refresh());
    fireEvent.click(chip(/^Unreadable\s*0$/)!);
    await act(async () => undefined);
    expect(chip(/Unreadable/)).toBeNull();
    model.dispose();
  });

  it('renders few of many rows', async () => {
    const many = Array.from({ length: 5000 }, (_, index) => row(`t${index}`));
    const { model } = await open(many);
    expect(screen.getByRole('grid')).toHaveAttribute('aria-rowcount', '5001');
    expect(document.querySelectorAll('[data-task]').length).toBeLessThan(60);
    model.dispose();
  });

  it('says what to do when there is nothing', async () => {
    const onGenerate = jest.fn();
    const { client, model } = await open([], { onGenerate });
    fireEvent.click(screen.getByRole('button', { name: 'Create tasks' }));
    expect(onGenerate).toHaveBeenCalledTimes(1);
    act(() => client.events?.onState?.('lost'));
    expect(screen.getByText(/Reconnecting…/)).toBeInTheDocument();
    await act(async () => model.setListing({ query: 'nothing' }));
    expect(screen.getByText('No matching tasks')).toBeInTheDocument();
    model.dispose();
  });

  it('announces where many tasks make it slow', async () => {
    const { client, model } = await open();
    expect(screen.queryByText(/take seconds/)).not.toBeInTheDocument();
    const { listTasks } = client;
    client.listTasks = jest.fn(
      async (...args: Parameters<typeof listTasks>) => {
        const page = await listTasks(...args);
        return { ...page, counts: { ...page.counts, completed: 100_000 } };
      }
    ) as typeof listTasks;
    await act(async () => model.retry());
    expect(
      screen.getByText(/This workspace has 100,002 tasks. Above 100,000/)
    ).toBeInTheDocument();
    model.dispose();
  });

  it('lets a reader only read', async () => {
    const { model } = await open(ROWS, { canWrite: false, canExecute: false });
    fireEvent.click(lineOf('lr=1'));
    for (const name of ['Run', 'Stop', 'Delete']) {
      expect(screen.getByRole('button', { name })).toBeDisabled();
    }
    expect(screen.getByRole('button', { name: 'Open log' })).toBeEnabled();
    model.dispose();
  });
});
