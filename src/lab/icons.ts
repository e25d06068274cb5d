import { LabIcon } from '@jupyterlab/ui-components';

import pyruns from '../../style/icons/pyruns.svg';
import type { IconName } from '../views/shared/icons';

/** A task list with a start sign: the product's own icon. */
export const pyrunsIcon = new LabIcon({
  name: 'pyruns-jupyter:pyruns',
  svgstr: pyruns
});

/** The name of an action's icon in Lab. */
export function iconId(name: IconName): string {
  return `pyruns-jupyter:${name}`;
}

/** Draw the icons that `actionIcon` returns, unless they cannot be loaded. */
export async function loadActionIcons(): Promise<void> {
  await import('./actionicons').then(
    ({ drawActionIcons }) => drawActionIcons(),
    () => undefined
  );
}

/** Return the icon of an action for a toolbar; the first use draws all of them. */
export function actionIcon(name: IconName): LabIcon {
  void loadActionIcons();
  return LabIcon.resolve({ icon: iconId(name) });
}
