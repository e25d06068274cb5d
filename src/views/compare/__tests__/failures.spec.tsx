import { act, fireEvent, render, screen, within } from '@testing-library/react';
import * as React from 'react';

import type { FailureGroup } from '../../../client/types';
import { TaskListModel } from '../../../model/tasklist';
import { FakeClient } from '../../../model/__tests__/fake';
import type { ITrans } from '../../shared/context';
import { plainTrans, withTrans } from '../../shared/context';
import type { IFailuresProps } from '../failures';
import { Failures } from '../failures';
import { FocusModel } from '../focus';

const GROUPS: FailureGroup[] = [
  {
    message: 'CUDA out of memory',
    names: ['a', 'b'],
    others: 3,
    shared: [{ key: 'bs', value: 512, others: 0 }],
    advice: 'Reserve more GPU memory.',
    remedies: [
      { kind: 'exclusive_gpus', run: { gpus: 2 } },
      { kind: 'sequential', run: { jobs: 1 } }
    ]
  },
  { message: 'ValueError: x', names: ['c'], others: 4, shared: [] }
];

const View = withTrans((props: IFailuresProps & { trans: ITrans }) => (
  <Failures {...props} />
));

function opened(change: Partial<IFailuresProps> = {}) {
  const client = new FakeClient();
  const onTemplate = jest.fn();
  const tasks = new TaskListModel(client.asClient, 'ws');
  render(
    <View
      groups={GROUPS}
      onOpenLog={() => undefined}
      focus={new FocusModel()}
      tasks={tasks}
      onTemplate={onTemplate}
      trans={plainTrans}
      {...change}
    />
  );
  const card = (message: string) =>
    within(screen.getByText(message).closest('section') as HTMLElement);
  return { client, tasks, onTemplate, card };
}

describe('failed tasks', () => {
  it('can be run again with what may prevent the error', async () => {
    const { client, card } = opened();
    const memory = card('CUDA out of memory');
    expect(memory.getByText('Reserve more GPU memory.')).toBeTruthy();
    const press = async (name: string) => {
      await act(async () => {
        fireEvent.click(memory.getByRole('button', { name }));
      });
      return client.actOnTasks.mock.calls.pop()?.[1];
    };
    const run = { action: 'run', names: ['a', 'b'] };
    expect(await press('Run again with 2 exclusive GPUs')).toMatchObject({
      ...run,
      run: { gpus: 2 }
    });
    expect(await press('Run again sequentially')).toMatchObject({
      ...run,
      run: { jobs: 1 }
    });
    expect(await press('Run again')).toMatchObject(run);
  });

  it('can be the configurations of a new sweep', async () => {
    const { onTemplate, card } = opened();
    await act(async () => {
      fireEvent.click(
        card('CUDA out of memory').getByRole('button', {
          name: 'New sweep from these configurations'
        })
      );
    });
    expect(onTemplate).toHaveBeenLastCalledWith(['a', 'b']);
    const other = card('ValueError: x');
    expect(
      other.queryByRole('button', { name: /exclusive|sequentially/ })
    ).toBeNull();
    await act(async () => {
      fireEvent.click(
        other.getByRole('button', { name: 'New tasks from this configuration' })
      );
    });
    expect(onTemplate).toHaveBeenLastCalledWith(['c']);
  });

  it('shows why an action failed', async () => {
    const { client, card } = opened();
    client.actOnTasks.mockRejectedValueOnce(new Error('The disk is full.'));
    await act(async () => {
      fireEvent.click(
        card('ValueError: x').getByRole('button', { name: 'Run again' })
      );
    });
    expect(screen.getByRole('alert').textContent).toContain(
      'The disk is full.'
    );
  });

  it('offers nothing that the user may not do', () => {
    const { card } = opened({ canExecute: false, canWrite: false });
    for (const button of card('CUDA out of memory').getAllByRole('button')) {
      const isAction = /again|New/.test(button.textContent ?? '');
      expect(button.hasAttribute('disabled')).toBe(isAction);
    }
  });

  it('has no actions where they cannot be performed', () => {
    const { card } = opened({ tasks: undefined });
    expect(
      card('ValueError: x').queryByRole('button', { name: 'Run again' })
    ).toBeNull();
  });
});
