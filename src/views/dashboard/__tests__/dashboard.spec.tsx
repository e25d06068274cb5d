import {
  act,
  fireEvent,
  render,
  screen,
  waitFor,
  within
} from '@testing-library/react';
import * as React from 'react';

import { ClientError } from '../../../client/errors';
import type {
  Gpu,
  GpuProcess,
  Queue,
  QueueChange,
  SystemSample
} from '../../../client/types';
import { FakeClient, row } from '../../../model/__tests__/fake';
import { study, trial } from '../../../model/__tests__/searches';
import { DashboardModel } from '../../../model/dashboard';
import { StudiesModel } from '../../../model/studies';
import { plainTrans, TransContext } from '../../shared/context';
import type { IDashboardProps } from '..';
import { DashboardView } from '..';
import { Studies } from '../studies';

const GIB = 1024 ** 3;

const process = (change: Partial<GpuProcess>): GpuProcess => ({
  pid: 7,
  memory: GIB,
  user: 'ann',
  command: null,
  task: null,
  notebook: null,
  kernel: null,
  idle: null,
  ...change
});

const gpu = (index: number, processes: GpuProcess[]): Gpu => ({
  index,
  uuid: `GPU-${index}`,
  name: 'NVIDIA H100',
  load: 91,
  memory_used: 60 * GIB,
  memory_total: 80 * GIB,
  temperature: 61.4,
  power: 312.3,
  power_limit: 700,
  clock: 1980,
  memory_clock: null,
  mig: [],
  processes
});

const sample = (change: Partial<SystemSample> = {}): SystemSample => ({
  time: 1,
  cpu: {
    percent: 37,
    cores: 2,
    limited: false,
    per_core: [30, 44],
    load: [1, 2, 3]
  },
  memory: { used: 8 * GIB, total: 16 * GIB, limited: false },
  disk: { used: 30 * GIB, total: 40 * GIB },
  network: { received: 2048, sent: 1024 },
  gpu_state: 'ok',
  gpu_message: null,
  gpus: [
    gpu(0, [
      process({ pid: 1, task: 'one', memory: 40 * GIB }),
      process({
        pid: 2,
        user: 'bob',
        notebook: 'work/probe.ipynb',
        idle: 720.5,
        memory: 8 * GIB
      })
    ]),
    gpu(1, []),
    gpu(2, [process({ pid: 3, task: 'other', memory: 10 * GIB })])
  ],
  ...change
});

const QUEUE: Queue = {
  paused: false,
  scheduler_alive: true,
  batches: [
    {
      id: '1',
      workspace: 'train',
      created_at: 1,
      options: { jobs: 2, gpus: 1 },
      total: 3,
      waiting: 2,
      running: 1,
      why: 'GPU 1 is held by the notebook probe.ipynb of bob.',
      next: ['two', 'three'],
      foreign: false
    }
  ]
};

/** As in a copy of a project whose queue was not empty. */
const COPIED: Queue = {
  ...QUEUE,
  batches: [
    {
      ...QUEUE.batches[0],
      id: '0',
      total: 6,
      waiting: 6,
      running: 0,
      why: 'It was queued in another copy of this project.',
      next: ['old_1', 'old_2'],
      foreign: true
    },
    ...QUEUE.batches
  ]
};

async function open(
  change: Partial<SystemSample> = {},
  props: Partial<IDashboardProps> = {},
  queued: Queue = QUEUE
) {
  const client = new FakeClient();
  client.rows = [
    row('one', {
      status: 'running',
      started_at: Date.now() / 1000 - 60,
      progress: 0.5,
      swept: { lr: 0.1 }
    }),
    row('two', { status: 'queued' }),
    row('three', { status: 'queued' }),
    row('four', {
      status: 'failed',
      message: 'ValueError: nan',
      duration: 2,
      finished_at: Date.now() / 1000 - 120
    })
  ];
  const getQueue = jest.fn(async () => queued);
  const changeQueue = jest.fn(async (ws: string, change: QueueChange) => ({
    ...QUEUE,
    paused: change.paused ?? QUEUE.paused
  }));
  const listStudies = async () => ({ available: true, items: [], damaged: [] });
  const calls = { changeQueue, getQueue, listStudies };
  Object.assign(client, calls);
  const model = new DashboardModel(client.asClient, 'ws');
  const handlers = {
    onOpenLog: jest.fn(),
    onOpenTasks: jest.fn(),
    onGenerate: jest.fn(),
    onOpenNotebook: jest.fn()
  };
  render(
    <DashboardView
      workspace={{
        id: 'ws',
        name: 'train',
        kind: 'script',
        path: '',
        script: 'train.py',
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
        scheduler_alive: true,
        problem: null
      }}
      model={model}
      trans={plainTrans}
      {...handlers}
      {...props}
    />
  );
  act(() => client.system?.onHistory([sample(change), sample(change)]));
  // The queue is asked for by a timer.
  await act(() => new Promise(resolve => setTimeout(resolve, 20)));
  return {
    client,
    model,
    getQueue,
    changeQueue,
    ...handlers
  };
}

describe('DashboardView', () => {
  it('shows the machine and each GPU with who uses it', async () => {
    const { onOpenLog, onOpenNotebook } = await open();
    expect(
      screen.getByRole('region', { name: 'This machine' })
    ).toHaveTextContent(
      /CPU37%2 cores, load 1\.0.*Memory50%8\.0 GiB of 16 GiB.*Disk75%10 GiB free.*Network2\.0 KiB\/ssent: 1\.0 KiB\/s/
    );
    const card = within(screen.getByRole('region', { name: 'GPU 0' }));
    const load = card.getByRole('meter', { name: 'Utilization of GPU 0' });
    expect(load).toHaveAttribute('aria-valuenow', '91');
    // In the color of its legend: a GPU should be fully used.
    expect(load.closest('.pyr-is-high')).toBeNull();
    expect(card.getByText('60 / 80 GiB')).toBeInTheDocument();
    expect(card.getByText('61 °C · 312 / 700 W')).toBeInTheDocument();
    expect(card.getByText('idle for 12:00')).toBeInTheDocument();
    fireEvent.click(card.getByRole('button', { name: 'one' }));
    expect(onOpenLog).toHaveBeenLastCalledWith('one');
    fireEvent.click(card.getByRole('button', { name: 'probe.ipynb' }));
    expect(onOpenNotebook).toHaveBeenLastCalledWith('work/probe.ipynb');
    expect(
      within(screen.getByRole('region', { name: 'GPU 1' })).getByText('Idle')
    ).toBeInTheDocument();
    const users = screen.getByRole('region', { name: 'GPU users' });
    expect(users).toHaveTextContent(
      /ann50 GiB0, 2one, other.*bob8\.0 GiB0probe\.ipynb/
    );
  });

  it('says when a task holds a GPU that does nothing', async () => {
    const { client } = await open();
    const idle = sample();
    idle.gpus.forEach(each => (each.load = 0));
    const told = (name: string) =>
      within(screen.getByRole('region', { name })).queryByText(/but idle for/);
    act(() => client.system?.onHistory(Array(300).fill(idle)));
    expect(told('GPU 0')).toHaveTextContent('for the last 5 minutes');
    expect(told('GPU 1')).toBeNull();
    // Once it works, or where too little is known, nothing is said.
    act(() => client.system?.onSample(sample()));
    expect(told('GPU 0')).toBeNull();
    act(() => client.system?.onHistory(Array(200).fill(idle)));
    expect(told('GPU 0')).toBeNull();
  });

  it('says how far what runs is, what waits and for what', async () => {
    const { onOpenLog } = await open();
    expect(screen.getByRole('region', { name: 'Running' })).toHaveTextContent(
      /onelr=0\.11:0\d left1:0\d/
    );
    const queue = within(screen.getByRole('region', { name: 'Queue' }));
    expect(queue.getByText('2 queued, 1 running')).toBeInTheDocument();
    expect(
      queue.getByText('concurrency 2 · 1 GPU per task')
    ).toBeInTheDocument();
    expect(
      queue.getByText('GPU 1 is held by the notebook probe.ipynb of bob.')
    ).toBeInTheDocument();
    fireEvent.click(queue.getByText('three'));
    expect(onOpenLog).toHaveBeenLastCalledWith('three');
    expect(screen.getByRole('region', { name: 'Recent' })).toHaveTextContent(
      /fourValueError: nan2 min ago2 s/
    );
  });

  it('pauses the queue and tells a refusal', async () => {
    const { changeQueue } = await open();
    const press = async (name: string) => {
      fireEvent.click(screen.getByRole('button', { name }));
      await act(async () => undefined);
    };
    // The button changes at once, the sentence when the server has paused it.
    let answer = () => undefined as void;
    const before = changeQueue.getMockImplementation()!;
    changeQueue.mockImplementationOnce(async (...args) => {
      await new Promise<void>(resolve => (answer = resolve));
      return before(...args);
    });
    await press('Pause');
    expect(changeQueue).toHaveBeenLastCalledWith('ws', { paused: true });
    expect(screen.getByRole('button', { name: 'Resume' })).toBeInTheDocument();
    expect(screen.queryByText(/The queue is paused/)).toBeNull();
    await act(async () => answer());
    expect(screen.getByText(/The queue is paused/)).toBeInTheDocument();
    changeQueue.mockImplementation(async () => {
      throw new ClientError('You are not allowed to start tasks.', {
        status: 403
      });
    });
    await press('Resume');
    expect(screen.getByRole('alert')).toHaveTextContent('not allowed');
  });

  it('tells what was queued elsewhere, and queues it again when asked to', async () => {
    const confirm = jest.fn(async () => true);
    const { changeQueue, getQueue } = await open({}, { confirm }, COPIED);
    const card = screen.getByRole('region', { name: 'Queue' });
    const press = async () => {
      fireEvent.click(within(card).getByRole('button', { name: 'Queue here' }));
      await act(async () => undefined);
    };
    expect(card).toHaveTextContent(/^Queue2 queued/);
    expect(card).toHaveTextContent(
      '6 tasks were queued in another copy of this project or by another user. They will not run here.'
    );
    const [own, copied] = within(card)
      .getAllByRole('listitem')
      .filter(item => item.className === 'pyr-batch');
    expect(own).not.toHaveTextContent('not queued here');
    expect(copied).toHaveTextContent(/^6 tasks\s*not queued here/);

    confirm.mockResolvedValueOnce(false);
    await press();
    expect(JSON.stringify(confirm.mock.lastCall)).toMatch(
      /Queue 6 tasks here\?.*Tasks run with your environment and permissions\./
    );
    expect(changeQueue).not.toHaveBeenCalled();

    changeQueue.mockRejectedValueOnce(
      new ClientError('There is no room on the disk.', { status: 507 })
    );
    await press();
    expect(within(card).getByRole('alert')).toHaveTextContent('no room');

    let done: (queue: Queue) => void = () => undefined;
    changeQueue.mockImplementationOnce(
      () => new Promise<Queue>(resolve => (done = resolve))
    );
    await press();
    expect(within(card).queryByRole('alert')).toBeNull();
    expect(
      within(card).getByRole('button', { name: 'Queueing…' })
    ).toBeDisabled();
    getQueue.mockResolvedValue(QUEUE);
    await act(async () => done(QUEUE));
    expect(card).not.toHaveTextContent('another copy');
  });

  it.each([{ canExecute: false }, { canWrite: false }])(
    'offers nothing to who may not queue: %j',
    async rights => {
      await open({}, rights, COPIED);
      expect(screen.getByText(/6 tasks were queued in another/)).toBeVisible();
      expect(screen.queryByRole('button', { name: 'Queue here' })).toBeNull();
    }
  );

  it('leads to the tasks in a state', async () => {
    const { onOpenTasks } = await open();
    fireEvent.click(screen.getByRole('button', { name: /^1\s*Failed$/ }));
    expect(onOpenTasks).toHaveBeenLastCalledWith('failed');
    expect(screen.queryByRole('button', { name: /Unreadable/ })).toBeNull();
  });

  it('leads from a workspace without tasks to new ones', async () => {
    const create = () => screen.queryByRole('button', { name: 'Create tasks' });
    const { client, onGenerate } = await open();
    expect(create()).toBeNull();
    act(() => client.change([], ['one', 'two', 'three', 'four']));
    await waitFor(() => expect(create()).toBeVisible());
    fireEvent.click(create()!);
    expect(onGenerate).toHaveBeenCalledTimes(1);
  });

  it('does without GPUs, and says what is wrong with them', async () => {
    await open({
      gpus: [],
      gpu_state: 'none',
      gpu_message: 'There is no driver for NVIDIA or AMD GPUs on this machine.'
    });
    expect(
      screen.getByText(/no driver for NVIDIA or AMD GPUs/)
    ).toBeInTheDocument();
    expect(screen.queryByRole('region', { name: /GPU/ })).toBeNull();
    document.body.textContent = '';
    await open({
      gpus: [],
      gpu_state: 'error',
      gpu_message: 'The driver does not answer.'
    });
    expect(screen.getByRole('status')).toHaveTextContent('does not answer');
  });

  it('shows the GPUs of one driver, and why those of the other are missing', async () => {
    await open({ gpu_message: 'The AMD driver does not answer.' });
    expect(screen.getByText('The AMD driver does not answer.')).toBeVisible();
    expect(screen.getByRole('region', { name: 'GPU 0' })).toBeInTheDocument();
  });

  it('offers nothing to who may only look', async () => {
    await open({}, { canExecute: false });
    expect(screen.queryByRole('button', { name: 'Pause' })).toBeNull();
  });

  it('shows searches that go on, and nothing where none does', async () => {
    const items = [
      study('s', {
        state: 'active',
        best: trial(1, 0.5),
        counts: { open: 1, complete: 3, pruned: 0, failed: 0 }
      }),
      study('old')
    ];
    const model = new StudiesModel({
      client: {
        listStudies: async () => ({ available: true, items, damaged: [] }),
        getStudy: async () => Promise.reject(new Error('nobody looks')),
        getStudyImportance: async () => Promise.reject(new Error('not shown')),
        changeStudy: async () => items[0],
        removeStudy: async () => undefined
      },
      ws: 'w',
      isBrief: true
    });
    const onOpen = jest.fn();
    render(
      <TransContext.Provider value={plainTrans}>
        <Studies model={model} onOpen={onOpen} />
      </TransContext.Provider>
    );
    model.start();
    await act(async () => undefined);
    expect(screen.getByText('3 of 10 trials')).toBeInTheDocument();
    expect(screen.getByText(/^best acc 0\.50*$/)).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 's' }));
    expect(onOpen).toHaveBeenCalledWith('s');
    expect(screen.queryByText('old')).toBeNull();
    model.dispose();
  });
});
