import { LabIcon } from '@jupyterlab/ui-components';

import pyruns from '../../style/icons/pyruns.svg';

/** A task list with a start sign: the product's own icon. */
export const pyrunsIcon = new LabIcon({
  name: 'pyruns-jupyter:pyruns',
  svgstr: pyruns
});
