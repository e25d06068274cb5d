import { act, fireEvent, render, screen, within } from '@testing-library/react';
import * as React from 'react';

import { ClientError } from '../../../client/errors';
import type {
  IClient,
  IEventHandlers,
  ISystemHandlers,
  SystemSample,
  TaskListQuery,
  TaskRow,
  Workspace
} from '../../../client/types';
import { SessionModel } from '../../../model/session';
import { SystemModel } from '../../../model/system';
import { plainTrans } from '../../shared/context';
import { SidebarView } from '..';

const NONE = {
  pending: 0,
  queued: 0,
  running: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  unreadable: 0
};

const WORKSPACE: Workspace = {
  id: 'digits/_pyruns_/train',
  name: 'train',
  kind: 'script',
  path: 'digits',
  script: 'digits/train.py',
  counts: NONE,
  engine: 'local',
  scheduler_alive: true,
  problem: null
};

const TASK: TaskRow = {
  name: 'train_1_lr=0.1',
  status: 'running',
  kind: 'python',
  pinned: false,
  created_at: 1,
  runs: 1,
  run: 1,
  started_at: Date.now() / 1000 - 75,
  finished_at: null,
  duration: null,
  exit_code: null,
  progress: 0.5,
  swept: { lr: 0.1 },
  figures: {},
  message: null,
  tags: [],
  order: null,
  readable: true,
  silent_since: null,
  study: null,
  alert: null
};

const SAMPLE: SystemSample = {
  time: 1,
  cpu: {
    percent: 37,
    cores: 8,
    limited: false,
    per_core: [37],
    load: [1, 2, 3]
  },
  memory: { used: 15, total: 16, limited: false },
  disk: null,
  network: null,
  gpu_state: 'ok',
  gpu_message: null,
  gpus: [
    {
      index: 0,
      uuid: 'a',
      name: 'H100',
      load: 91,
      memory_used: 60,
      memory_total: 80,
      temperature: 60,
      power: 300,
      power_limit: 700,
      clock: null,
      memory_clock: null,
      mig: [],
      processes: []
    }
  ]
};

const stream = () => ({
  state: 'open' as const,
  isDisposed: false,
  retry: () => undefined,
  dispose: () => undefined
});

function clientOf(
  tasks: TaskRow[],
  status?: () => Promise<never>,
  unreadable = 0
): IClient {
  const counts = { ...NONE, running: tasks.length, unreadable };
  return {
    getStatus: status ?? (async () => ({ version: '1', api_version: 2 })),
    listWorkspaces: async () => ({ items: [WORKSPACE] }),
    streamEvents: (ws: string, handlers: IEventHandlers) => stream(),
    streamSystem: (handlers: ISystemHandlers) => {
      handlers.onHistory([SAMPLE, SAMPLE]);
      return stream();
    },
    listTasks: async (ws: string, query: TaskListQuery) => ({
      items: query.status!.includes('running') ? tasks : [],
      total: 0,
      counts,
      revision: 1,
      epoch: 'e',
      columns: { swept: [], figures: [] }
    })
  } as unknown as IClient;
}

describe('SidebarView', () => {
  const onOpen = jest.fn();

  const show = async (client: IClient, onExample?: () => void) => {
    const session = new SessionModel({ client });
    const system = new SystemModel(client);
    render(
      <SidebarView
        session={session}
        system={system}
        trans={plainTrans}
        onOpen={onOpen}
        onExample={onExample}
      />
    );
    await act(() => session.start());
    await act(async () => undefined);
    return () => {
      session.dispose();
      system.dispose();
    };
  };

  it('shows loads, counts and what runs, one click from its log', async () => {
    const done = await show(clientOf([TASK]));
    expect(screen.getByRole('meter', { name: 'CPU' })).toHaveAttribute(
      'aria-valuenow',
      '37'
    );
    expect(screen.getByRole('meter', { name: 'GPU memory' })).toHaveAttribute(
      'aria-valuenow',
      '75'
    );
    expect(screen.getByRole('meter', { name: 'Memory' })).toHaveClass(
      'pyr-is-high'
    );
    // A GPU should be fully used.
    expect(screen.getByRole('meter', { name: 'GPU' })).not.toHaveClass(
      'pyr-is-high'
    );
    expect(screen.getByRole('button', { name: /1 running/ })).toHaveAttribute(
      'title',
      'Show all tasks'
    );
    expect(screen.getByText('1:15')).toBeInTheDocument();
    fireEvent.click(screen.getByText('train_1'));
    expect(onOpen).toHaveBeenLastCalledWith('monitor', WORKSPACE, TASK.name);
    done();
  });

  it('counts tasks that cannot be read', async () => {
    const done = await show(clientOf([], undefined, 1));
    const line = screen.getByRole('button', { name: /unreadable/ });
    expect(
      within(line).getByRole('img', { name: 'Unreadable' })
    ).toBeInTheDocument();
    expect(line.textContent).toBe('1 unreadable');
    done();
  });

  it('says how to begin where there are no tasks', async () => {
    const done = await show(clientOf([]));
    expect(screen.getByText('No tasks yet.')).toBeInTheDocument();
    fireEvent.click(screen.getByRole('button', { name: 'New tasks' }));
    expect(onOpen).toHaveBeenLastCalledWith('generator', WORKSPACE);
    done();
  });

  it('names its pages in words', async () => {
    const done = await show(clientOf([TASK]));
    const pages = within(screen.getByRole('navigation', { name: 'Pages' }));
    const words = pages.getAllByRole('button').map(each => each.textContent);
    expect(words).toEqual(['New tasks', 'Dashboard', 'Tasks', 'Logs']);
    done();
  });

  it('offers an example where nothing was opened yet', async () => {
    const onExample = jest.fn();
    const client = {
      ...clientOf([]),
      listWorkspaces: async () => ({ items: [] })
    };
    const done = await show(client, onExample);
    fireEvent.click(screen.getByRole('button', { name: 'Try an example' }));
    expect(onExample).toHaveBeenCalledTimes(1);
    done();
  });

  it('says what to do where the server extension is missing', async () => {
    const done = await show(
      clientOf([], async () => {
        throw new ClientError('Not Found', { status: 404 });
      })
    );
    expect(
      screen.getByText('The server extension is not enabled')
    ).toBeInTheDocument();
    expect(screen.getByRole('button', { name: 'Retry' })).toBeInTheDocument();
    done();
  });
});
