import { act } from '@testing-library/react';
import { MessageLoop } from '@lumino/messaging';

/**
 * Do something with a widget, and wait until React has rendered what follows
 * from it, however long that takes: outside of `act`, the clock decides when.
 */
export const rendered = (deed?: () => void): Promise<void> =>
  act(async () => {
    deed?.();
    MessageLoop.flush();
  });
