import type * as React from 'react';

/** By how many places a key moves the focus. */
export type KeySteps = Readonly<Record<string, number>>;

const VERTICAL: KeySteps = { ArrowDown: 1, ArrowUp: -1 };
export const VERTICAL_ALL: KeySteps = {
  ...VERTICAL,
  Home: -Infinity,
  End: Infinity
};
export const HORIZONTAL_ALL: KeySteps = {
  ArrowLeft: -1,
  ArrowRight: 1,
  Home: -Infinity,
  End: Infinity
};

/**
 * Move the focus among elements below the one that has the key handler.
 *
 * @param selector - of the elements
 * @param wraps - from the last one to the first and back; else it stays
 * @returns the element that got the focus; null if the key is not one of these
 */
export function moveFocus(
  event: React.KeyboardEvent<HTMLElement>,
  selector = '[data-item]',
  steps = VERTICAL,
  wraps = true
): HTMLElement | null {
  const items = [
    ...event.currentTarget.querySelectorAll<HTMLElement>(selector)
  ];
  const step = steps[event.key];
  const to = items.indexOf(event.target as HTMLElement) + step;
  const place = Number.isFinite(to)
    ? wraps
      ? (to + items.length) % items.length
      : to
    : to < 0
      ? 0
      : items.length - 1;
  const next = step === undefined ? undefined : items[place];
  if (next) {
    event.preventDefault();
    next.focus();
  }
  return next ?? null;
}
