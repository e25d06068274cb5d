/**
 * The module that a widget carries in its state; small, since it is saved
 * with every notebook.
 */
import { render } from './render';
import type { IWidgetModel } from './types';

export default {
  // anywidget hands over more than is needed.
  render: ({ model, el }: { model: IWidgetModel; el: HTMLElement }) =>
    render({ model, el })
};
