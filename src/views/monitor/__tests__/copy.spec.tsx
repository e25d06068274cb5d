import { act, fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import { FakeClient, row } from '../../../model/__tests__/fake';
import { MonitorModel } from '../../../model/monitor';
import { TaskListModel } from '../../../model/tasklist';
import { plainTrans } from '../../shared/context';
import { MonitorView } from '..';

describe('copying a log', () => {
  beforeEach(() => {
    // Without a canvas, xterm.js measures characters by elements.
    jest.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null);
  });

  it('works where the page has no clipboard, as over plain HTTP', async () => {
    expect(navigator.clipboard).toBeUndefined();
    const copied: string[] = [];
    document.execCommand = jest.fn(() => {
      const { value } = document.activeElement as HTMLTextAreaElement;
      copied.push(value);
      return true;
    });
    const client = new FakeClient();
    client.rows = [row('a', { status: 'running', runs: 1, run: 1 })];
    const model = new TaskListModel(client.asClient, 'ws');
    const monitor = new MonitorModel(model);
    monitor.open('a');
    await act(async () => {
      render(<MonitorView monitor={monitor} trans={plainTrans} />);
    });
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: /^Copy/ }));
    });
    expect(document.execCommand).toHaveBeenCalledWith('copy');
    expect(copied).toHaveLength(1);
    expect(screen.queryByText(/clipboard|undefined/)).toBeNull();
    expect(screen.queryByText(/did not allow/)).toBeNull();

    document.execCommand = jest.fn(() => false);
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: /^Copy/ }));
    });
    expect(screen.getByText(/blocked access to the clipboard/)).not.toBeNull();
    monitor.dispose();
    model.dispose();
  });
});
