import { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';

import pyruns from '../../style/icons/pyruns.svg';
import type { IconName } from '../views/shared/icons';
import { Icon } from '../views/shared/icons';

/** A task list with a start sign: the product's own icon. */
export const pyrunsIcon = new LabIcon({
  name: 'pyruns-jupyter:pyruns',
  svgstr: pyruns
});

const actionIcons = new Map<IconName, LabIcon>();

/** Return the icon of an action, as Lab's toolbars need it. */
export function actionIcon(name: IconName): LabIcon {
  let icon = actionIcons.get(name);
  if (!icon) {
    const host = document.createElement('div');
    const root = createRoot(host);
    flushSync(() => root.render(React.createElement(Icon, { name })));
    icon = new LabIcon({
      name: `pyruns-jupyter:${name}`,
      svgstr: host.innerHTML
    });
    root.unmount();
    actionIcons.set(name, icon);
  }
  return icon;
}
