import type { Virtualizer, VirtualizerOptions } from '@tanstack/react-virtual';
import { observeElementRect, useVirtualizer } from '@tanstack/react-virtual';
import type * as React from 'react';

type Rows = Virtualizer<HTMLElement, Element>;

/** With more rows, a list has only those in sight in the page. */
const MAX_WHOLE = 100;

/** Height in pixels, until the list is measured. */
const UNMEASURED = 600;

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

/** Which rows of a list are in the page, from `first` to before `end`: all, or those of a long list in sight. */
export function useRowsInPage(
  scroller: React.RefObject<HTMLElement>,
  count: number,
  height: number,
  mayBeLong = true
): { isLong: boolean; first: number; end: number } {
  const isLong = mayBeLong && count > MAX_WHOLE;
  const rows = useVirtualRows(scroller, count, height, {
    enabled: isLong,
    initialRect: { width: 0, height: UNMEASURED },
    initialOffset: () => scroller.current?.scrollTop ?? 0
  }).getVirtualItems();
  return isLong
    ? {
        isLong,
        first: rows[0]?.index ?? 0,
        end: (rows[rows.length - 1]?.index ?? -1) + 1
      }
    : { isLong, first: 0, end: count };
}
