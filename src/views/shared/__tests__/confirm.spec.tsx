import { act, fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import type { Confirm } from '../confirm';
import { useConfirm } from '../confirm';

function open() {
  let confirm: Confirm = async () => false;
  const Asking = () => {
    const [ask, strip] = useConfirm(undefined);
    confirm = ask;
    return strip;
  };
  render(
    <React.StrictMode>
      <Asking />
    </React.StrictMode>
  );
  const answers: [string, boolean][] = [];
  const ask = (title: string) =>
    void confirm({ title, body: '', accept: title }).then(accepted =>
      answers.push([title, accepted])
    );
  return { ask, answers };
}

describe('a question in the page', () => {
  it('is answered by a button', async () => {
    const { ask, answers } = open();
    act(() => ask('Delete'));
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Delete' }));
    });
    expect(answers).toEqual([['Delete', true]]);
    expect(screen.queryByRole('button')).toBeNull();
  });

  it('is declined by a newer one, which stays', async () => {
    const { ask, answers } = open();
    await act(async () => {
      ask('Stop');
      ask('Move');
      ask('Delete');
    });
    expect(answers).toEqual([
      ['Stop', false],
      ['Move', false]
    ]);
    expect(screen.queryByRole('button', { name: 'Stop' })).toBeNull();
    await act(async () => {
      fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
    });
    expect(answers.slice(2)).toEqual([['Delete', false]]);
    expect(screen.queryByRole('button')).toBeNull();
  });
});
