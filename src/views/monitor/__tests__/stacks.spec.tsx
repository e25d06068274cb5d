import { act, fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import { ClientError } from '../../../client/errors';
import { LogModel } from '../../../model/log';
import { TaskListModel } from '../../../model/tasklist';
import { FakeClient } from '../../../model/__tests__/fake';
import type { ILogHandle, ITaskContext } from '../../actions/action';
import { chooseTasks } from '../../actions/action';
import { useActions } from '../../actions/controls';
import { plainTrans, withTrans } from '../../shared/context';
import type { ITrans } from '../../shared/context';
import { RunStacks } from '../stacks';

const TEXT = 'Process 7: python train.py\n  in <b>stuck</b>';

async function opened(canExecute: boolean, isLive = true) {
  const client = Object.assign(new FakeClient().asClient, {
    getStacks: jest.fn(() =>
      Promise.reject(
        new ClientError('Run 1 has no stored stacks.', {
          status: 404,
          code: 'not_found'
        })
      )
    ),
    requestStacks: jest.fn(() =>
      Promise.resolve({ run: 1, taken_at: 1000, text: TEXT })
    )
  });
  const log = new LogModel(client, 'ws');
  log.open('a', 1);
  const model = new TaskListModel(client, 'ws');
  const onClose = jest.fn();
  const View = withTrans((props: { trans: ITrans }) => {
    const context: ITaskContext = {
      workspace: 'ws',
      trans: props.trans,
      model,
      confirm: async () => true,
      canExecute,
      canWrite: true,
      chosen: chooseTasks([], []),
      show: {},
      log: {
        task: 'a',
        canRequestStacks: isLive,
        setStacks: () => undefined,
        requestStacks: () => log.stacks.requestNow()
      } as Partial<ILogHandle> as ILogHandle
    };
    const actions = useActions();
    return <RunStacks {...{ log, isLive, context, actions, onClose }} />;
  });
  await act(async () => {
    render(<View trans={plainTrans} />);
  });
  return { client, log, model, onClose };
}

describe('the stacks next to a log', () => {
  it('are read when they are opened, and again on request', async () => {
    const { client, onClose } = await opened(true);
    const text = screen.getByLabelText('Processes and Python stacks');
    expect(text.textContent).toBe(TEXT);
    expect(screen.getByText(/^Run 1, /)).toBeTruthy();
    expect(client.requestStacks).toHaveBeenCalledTimes(1);
    await act(async () => {
      fireEvent.click(
        screen.getByRole('button', { name: 'Read the stacks again' })
      );
    });
    expect(client.requestStacks).toHaveBeenCalledTimes(2);
    fireEvent.click(screen.getByRole('button', { name: 'Close the stacks' }));
    expect(onClose).toHaveBeenCalled();
  });

  it('are not read for a user who may not execute, or after the run', async () => {
    const { client } = await opened(false);
    expect(client.requestStacks).not.toHaveBeenCalled();
    expect(screen.getByRole('alert').textContent).toBe(
      'Run 1 has no stored stacks.'
    );
    const button = screen.getByRole('button', {
      name: 'Read the stacks again'
    });
    expect(button.hasAttribute('disabled')).toBe(true);
    document.body.innerHTML = '';
    const ended = await opened(true, false);
    expect(ended.client.requestStacks).not.toHaveBeenCalled();
    expect(
      screen.queryByRole('button', { name: 'Read the stacks again' })
    ).toBeNull();
  });
});
