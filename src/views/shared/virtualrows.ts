import type { Virtualizer, VirtualizerOptions } from '@tanstack/react-virtual';
import { observeElementRect, useVirtualizer } from '@tanstack/react-virtual';
import type * as React from 'react';

type Rows = Virtualizer<HTMLElement, Element>;

/** The rows of a long list that are in sight, and some around them. */
export function useVirtualRows(
  scroller: React.RefObject<HTMLElement>,
  count: number,
  height: number,
  options: Partial<VirtualizerOptions<HTMLElement, Element>> = {}
): Rows {
  return useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
    // A hidden list keeps its rows, so that none is rendered again when it is shown.
    observeElementRect: (rows, onRect) =>
      observeElementRect(rows, rect => rect.height > 0 && onRect(rect)),
    ...options
  });
}
