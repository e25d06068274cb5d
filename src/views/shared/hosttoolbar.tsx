import * as React from 'react';
import { createPortal } from 'react-dom';

import type { IStore } from '../../model/store';
import { useStore } from './store';

/** Elements in a toolbar by the names of the controls that are shown there. */
export type ToolbarSlots = Readonly<Record<string, HTMLElement | null>>;

/**
 * The toolbar above the page, which has its commands and room for controls;
 * null where the page has a toolbar of its own.
 */
export const HostToolbarContext =
  React.createContext<IStore<ToolbarSlots> | null>(null);

/** Show controls in the toolbar above the page, as far as it has room for them. */
export function HostToolbar(props: {
  toolbar: IStore<ToolbarSlots>;
  controls: Readonly<Record<string, React.ReactNode>>;
}): JSX.Element {
  const slots = useStore(props.toolbar);
  return (
    <>
      {Object.entries(props.controls).map(([name, control]) => {
        const slot = slots[name];
        return slot ? createPortal(control, slot, name) : null;
      })}
    </>
  );
}
