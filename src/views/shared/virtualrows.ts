import type { Virtualizer, VirtualizerOptions } from '@tanstack/react-virtual';
import { useVirtualizer } from '@tanstack/react-virtual';
import type * as React from 'react';

type Rows = Virtualizer<HTMLDivElement, Element>;

/** The rows of a long list that are in sight, and some around them. */
export function useVirtualRows(
  scroller: React.RefObject<HTMLDivElement>,
  count: number,
  height: number,
  options: Partial<VirtualizerOptions<HTMLDivElement, Element>> = {}
): Rows {
  return useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
    ...options
  });
}
