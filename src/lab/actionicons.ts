/** The icons of actions in Lab's toolbars, loaded with the first one that is shown. */
import { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';

import { Icon, ICON_NAMES } from '../views/shared/icons';
import { iconId } from './icons';

let isDrawn = false;

/** Give Lab the icons that `actionIcon` returns. */
export function drawActionIcons(): void {
  if (isDrawn) {
    return;
  }
  isDrawn = true;
  const host = document.createElement('div');
  const root = createRoot(host);
  flushSync(() =>
    root.render(
      ICON_NAMES.map(name => React.createElement(Icon, { key: name, name }))
    )
  );
  ICON_NAMES.forEach((name, at) => {
    // It takes the place of the one that was not drawn yet.
    new LabIcon({ name: iconId(name), svgstr: host.children[at].outerHTML });
  });
  root.unmount();
}
