import { fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import { Popup } from '../popup';

const ANCHOR = 'Values';
const CONTENT = 'adam or sgd';
const OTHER = 'the log of another panel';

function show() {
  const onClose = jest.fn();
  render(
    <>
      <div data-testid="own">
        <button>{ANCHOR}</button>
      </div>
      <div>{OTHER}</div>
    </>
  );
  render(
    <Popup anchor={screen.getByText(ANCHOR)} onClose={onClose} label={ANCHOR}>
      <p>{CONTENT}</p>
    </Popup>
  );
  return onClose;
}

describe('Popup', () => {
  it('stays open while another panel scrolls', () => {
    const onClose = show();
    fireEvent.scroll(screen.getByText(OTHER));
    fireEvent.scroll(screen.getByText(CONTENT));
    expect(onClose).not.toHaveBeenCalled();
  });

  it('closes when its anchor moves with what is scrolled', () => {
    const onClose = show();
    fireEvent.scroll(screen.getByTestId('own'));
    expect(onClose).toHaveBeenCalledTimes(1);
    fireEvent.scroll(document);
    expect(onClose).toHaveBeenCalledTimes(2);
  });
});
