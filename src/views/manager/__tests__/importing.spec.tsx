import { act, fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import { ClientError } from '../../../client/errors';
import type { IClient, ImportResult } from '../../../client/types';
import { FakeClient } from '../../../model/__tests__/fake';
import { TaskListModel } from '../../../model/tasklist';
import { plainTrans } from '../../shared/context';
import { ManagerView } from '../ManagerView';

const FOUND: ImportResult = {
  created: 12,
  skipped: 1,
  runs: Array.from({ length: 12 }, (_, at) => ({
    task: `trial-${at}`,
    name: `trial ${at}`,
    program: 'MLflow',
    status: at ? 'completed' : 'failed',
    parameters: {},
    metrics: ['loss'],
    points: 3,
    started_at: null,
    finished_at: null
  })),
  left_out: [
    { reason: 'It was deleted in MLflow.', count: 5, names: ['a', 'b', 'c'] }
  ],
  notices: ['x.db cannot be read.']
};

let client: FakeClient;
let model: TaskListModel;
let importRuns: jest.Mock;

beforeEach(() => {
  client = new FakeClient();
  importRuns = jest.fn(() => Promise.resolve(FOUND));
  Object.assign(client, { importRuns });
  model = new TaskListModel(client as unknown as IClient, 'ws');
});
afterEach(() => model.dispose());

const button = (name: string | RegExp) => screen.getByRole('button', { name });

async function show(source?: string): Promise<void> {
  render(
    <ManagerView
      model={model}
      trans={plainTrans}
      onOpenLog={() => undefined}
      source={source}
    />
  );
  await act(async () => undefined);
}

async function submit(): Promise<void> {
  await act(async () =>
    fireEvent.submit(screen.getByRole('dialog').querySelector('form')!)
  );
}

describe('Import', () => {
  it('shows what would be created and left out before it imports', async () => {
    await show();
    fireEvent.click(button('More'));
    await act(async () =>
      fireEvent.click(screen.getByRole('menuitem', { name: /Import runs…/ }))
    );
    fireEvent.change(screen.getByRole('textbox', { name: /Folder or file/ }), {
      target: { value: ' mlruns ' }
    });
    await submit();
    expect(importRuns.mock.lastCall?.[1]).toEqual({
      path: 'mlruns',
      dry_run: true,
      artifacts: false
    });
    const dialog = screen.getByRole('dialog');
    expect(dialog).toHaveTextContent('Will be created: 12 tasks (MLflow)');
    expect(dialog).toHaveTextContent('trial-0 (Failed)');
    expect(dialog).toHaveTextContent('and 2 more tasks');
    expect(dialog).toHaveTextContent('x.db cannot be read.');
    expect(dialog).toHaveTextContent(
      'a, b, c and 2 more: It was deleted in MLflow.'
    );
    await act(async () => fireEvent.click(button('Import 12 tasks')));
    expect(importRuns.mock.lastCall?.[1]).toEqual({
      path: 'mlruns',
      artifacts: false
    });
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('shows what an import leaves out that the preview did not', async () => {
    await show('mlruns');
    await submit();
    const notices = ['Only the first 64 MiB of its log are imported.'];
    importRuns.mockResolvedValueOnce({ ...FOUND, notices });
    await act(async () => fireEvent.click(button('Import 12 tasks')));
    const dialog = screen.getByRole('dialog');
    expect(dialog).toHaveTextContent('Created: 12 tasks (MLflow)');
    expect(dialog).toHaveTextContent('Only the first 64 MiB');
    const calls = importRuns.mock.calls.length;
    await submit();
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(importRuns.mock.calls).toHaveLength(calls);
  });

  it('previews again after a change, and shows why it failed', async () => {
    await show('old/mlruns');
    await submit();
    fireEvent.click(screen.getByRole('checkbox', { name: 'Copy artifacts' }));
    expect(screen.queryByText(/Will be created/)).toBeNull();
    importRuns.mockRejectedValueOnce(
      new ClientError('No runs were found in old.', { status: 404 })
    );
    await submit();
    expect(importRuns.mock.lastCall?.[1]).toEqual({
      path: 'old/mlruns',
      dry_run: true,
      artifacts: true
    });
    expect(screen.getByRole('alert')).toHaveTextContent('No runs were found');
    expect(button('Preview')).toBeEnabled();
  });

  it('ends the preview when it is closed', async () => {
    importRuns.mockReturnValue(new Promise(() => undefined));
    await show('mlruns');
    await submit();
    const [, , signal] = importRuns.mock.lastCall as [
      string,
      object,
      AbortSignal
    ];
    expect(signal.aborted).toBe(false);
    fireEvent.keyDown(document, { key: 'Escape' });
    expect(signal.aborted).toBe(true);
  });
});
