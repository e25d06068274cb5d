import { act, fireEvent, render, screen, within } from '@testing-library/react';
import * as React from 'react';

import { ClientError } from '../../../client/errors';
import { FakeClient, row } from '../../../model/__tests__/fake';
import { TaskListModel } from '../../../model/tasklist';
import { plainTrans } from '../../shared/context';
import type { IManagerProps } from '../ManagerView';
import { ManagerView } from '../ManagerView';

const NOTICE = {
  code: 'unknown_field',
  message: 'Unknown field `lrr`. Did you mean `lr`?',
  field: 'query',
  line: 1,
  column: 1,
  suggestions: ['lr<1 <b>x</b>']
};

async function open(
  props: Partial<IManagerProps> = {},
  prepare?: (client: FakeClient) => void
) {
  const client = new FakeClient();
  client.rows = [row('one'), row('two')];
  prepare?.(client);
  const model = new TaskListModel(client.asClient, 'ws');
  render(
    <ManagerView
      model={model}
      trans={plainTrans}
      onOpenLog={() => undefined}
      {...props}
    />
  );
  await act(async () => undefined);
  return { client, model };
}

const box = () =>
  screen.getByRole<HTMLTextAreaElement>('textbox', {
    name: 'Filter tasks'
  });

async function search(text: string) {
  fireEvent.change(box(), { target: { value: text } });
  fireEvent.keyDown(box(), { key: 'Enter' });
  await act(async () => undefined);
}

describe('the search of the Manager', () => {
  it('shows notices, and takes a suggestion over', async () => {
    const { client, model } = await open();
    const list = client.listTasks.getMockImplementation()!;
    client.listTasks.mockImplementation(async (ws, query = {}) => ({
      ...(await list(ws, query)),
      notices: query.query?.startsWith('lrr') ? [NOTICE] : []
    }));
    await search('lrr<1 <b>x</b>');
    expect(screen.getByText(/Did you mean/)).toBeTruthy();
    expect(document.querySelector('.pyr-search-note b')).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'lr<1 <b>x</b>' }));
    await act(async () => undefined);
    expect(model.getSnapshot().listing.query).toBe('lr<1 <b>x</b>');
    expect(box().value).toBe('lr<1 <b>x</b>');
    expect(screen.queryByText(/Did you mean/)).toBeNull();
  });

  it('says what is wrong and where, with nothing listed yet too', async () => {
    const { client } = await open({}, made =>
      made.listTasks.mockRejectedValue(
        new ClientError('This quote is never closed.', {
          status: 400,
          field: 'query',
          line: 1,
          column: 4
        })
      )
    );
    expect(screen.getByText(/Column 4: This quote/)).toBeTruthy();
    expect(screen.getByText('Invalid query')).toBeTruthy();
    expect(box().getAttribute('aria-invalid')).toBe('true');
    const described = box().getAttribute('aria-describedby');
    expect(document.getElementById(described!)?.textContent).toMatch(/quote/);
    expect(client.listTasks).toHaveBeenCalled();
  });

  it('takes several lines', async () => {
    const { model } = await open();
    fireEvent.change(box(), { target: { value: 'a OR b\nc' } });
    expect(box().rows).toBe(2);
    fireEvent.keyDown(box(), { key: 'Enter', shiftKey: true });
    expect(model.getSnapshot().listing.query).toBe('');
    fireEvent.keyDown(box(), { key: 'Enter' });
    expect(model.getSnapshot().listing.query).toBe('a OR b\nc');
  });

  it('has help that the keyboard reaches', async () => {
    const { model } = await open();
    await search('one');
    const help = screen.getByRole('button', { name: 'Query syntax' });
    fireEvent.click(help);
    const dialog = screen.getByRole('dialog', { name: 'Query syntax' });
    const items = within(dialog).getAllByRole('button');
    expect(document.activeElement).toBe(items[0]);
    fireEvent.keyDown(items[0], { key: 'ArrowDown' });
    expect(document.activeElement).toBe(items[1]);
    fireEvent.click(within(dialog).getByText('acc>=0.9'));
    expect(model.getSnapshot().listing.query).toBe('one acc>=0.9');
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(document.activeElement).toBe(box());
  });

  it('offers a link only where there is one', async () => {
    const onCopyLink = jest.fn();
    await open({ onCopyLink });
    fireEvent.click(screen.getByRole('button', { name: 'Copy link' }));
    expect(onCopyLink).toHaveBeenCalledTimes(1);
  });
});
