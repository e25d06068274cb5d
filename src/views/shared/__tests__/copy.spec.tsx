import { act, fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import { CopyButton } from '../copy';

describe('a button that copies, over plain HTTP', () => {
  const click = async (isAllowed: boolean) => {
    document.execCommand = jest.fn(() => isAllowed);
    const label = 'Copy the configuration';
    render(<CopyButton text="lr: 1" label={label} />);
    const button = screen.getByRole('button');
    button.focus();
    await act(async () => {
      fireEvent.click(button);
    });
    return button;
  };

  it('says that the text is copied, and keeps the focus', async () => {
    const button = await click(true);
    expect(button.getAttribute('aria-label') ?? button.textContent).toBe(
      'Copied'
    );
    expect(document.activeElement).toBe(button);
  });

  it('does not say so where the browser refused', async () => {
    const button = await click(false);
    expect(button.getAttribute('aria-label') ?? button.textContent).toBe(
      'Copy the configuration'
    );
  });
});
