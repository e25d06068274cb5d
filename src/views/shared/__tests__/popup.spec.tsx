import { act, fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import { OpenButton, Popup, PopupItem } from '../popup';

const ANCHOR = 'Values';
const CONTENT = 'adam or sgd';
const OTHER = 'the log of another panel';

/** Where a popup stands is known a moment later. */
const settle = () => act(async () => undefined);

async function show() {
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
  await settle();
  return onClose;
}

describe('Popup', () => {
  it('stays open while another panel scrolls', async () => {
    const onClose = await show();
    fireEvent.scroll(screen.getByText(OTHER));
    fireEvent.scroll(screen.getByText(CONTENT));
    expect(onClose).not.toHaveBeenCalled();
  });

  it('closes when its anchor moves with what is scrolled', async () => {
    const onClose = await show();
    fireEvent.scroll(screen.getByTestId('own'));
    expect(onClose).toHaveBeenCalledTimes(1);
    fireEvent.scroll(document);
    expect(onClose).toHaveBeenCalledTimes(2);
  });

  it('stays within the window where its anchor is at the edge', async () => {
    const size = (width: number, height: number) => ({
      x: 0,
      y: 0,
      left: 0,
      top: 0,
      width,
      height,
      right: width,
      bottom: height
    });
    jest
      .spyOn(HTMLElement.prototype, 'getBoundingClientRect')
      .mockImplementation(function (this: HTMLElement) {
        const box = size(300, 100);
        const isAnchor = this.textContent === ANCHOR;
        return (
          isAnchor ? { ...size(40, 24), x: 980, left: 980, right: 1020 } : box
        ) as DOMRect;
      });
    const box = (name: string, value: number) =>
      jest
        .spyOn(HTMLElement.prototype, name as 'offsetWidth', 'get')
        .mockReturnValue(value);
    box('offsetWidth', 300);
    box('offsetHeight', 100);
    jest
      .spyOn(document.documentElement, 'clientWidth', 'get')
      .mockReturnValue(1024);
    jest
      .spyOn(document.documentElement, 'clientHeight', 'get')
      .mockReturnValue(768);
    try {
      await show();
      const { left, top, maxHeight } = screen.getByRole('dialog').style;
      expect(left).toBe(`${1024 - 300 - 8}px`);
      expect(top).toBe('26px');
      expect(maxHeight).toBe('460px');
    } finally {
      jest.restoreAllMocks();
    }
  });
});

describe('a button that opens a popup', () => {
  const onChoose = jest.fn();

  async function open() {
    onChoose.mockClear();
    render(
      <OpenButton
        label={ANCHOR}
        opens={place => (
          <Popup {...place} label={ANCHOR}>
            {['adam', 'sgd'].map((name, index) => (
              <PopupItem
                key={name}
                autoFocus={index === 0}
                onChoose={() => onChoose(name)}
              >
                {name}
              </PopupItem>
            ))}
          </Popup>
        )}
      />
    );
    const button = screen.getByRole('button', { name: ANCHOR });
    button.focus();
    fireEvent.click(button);
    await settle();
    return button;
  }

  it('leads through its items by keys, and gets the focus back', async () => {
    const button = await open();
    const [first, last] = ['adam', 'sgd'].map(name => screen.getByText(name));
    expect(button).toHaveAttribute('aria-expanded', 'true');
    expect(first).toHaveFocus();
    fireEvent.keyDown(first, { key: 'ArrowUp' });
    expect(last).toHaveFocus();
    fireEvent.keyDown(last, { key: 'ArrowDown' });
    expect(first).toHaveFocus();
    fireEvent.click(last);
    expect(onChoose).toHaveBeenCalledWith('sgd');
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(button).toHaveFocus();
  });

  it('gets the focus back after Escape, and closes what it opened', async () => {
    const button = await open();
    fireEvent.keyDown(screen.getByText('adam'), { key: 'Escape' });
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(button).toHaveFocus();
    fireEvent.click(button);
    await settle();
    // A press on the button itself is not one elsewhere.
    fireEvent.pointerDown(button);
    expect(screen.getByRole('dialog')).toBeInTheDocument();
    fireEvent.click(button);
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(button).toHaveAttribute('aria-expanded', 'false');
    expect(onChoose).not.toHaveBeenCalled();
  });
});
