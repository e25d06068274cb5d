import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { PanelLayout } from '@lumino/widgets';
import { Panel } from '@lumino/widgets';

/** The type of output that `notebook/widgets.py` adds to each of our widgets. */
export const MIME_TYPE = 'application/vnd.pyruns.saved+json';

const WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json';
const PICTURE_TYPES = ['text/html', 'image/svg+xml', 'text/plain'];

/** Before the renderer of the widget manager, which has rank -10. */
const RANK = -20;

/** The class of a renderer whose widget the manager did not find. */
const NOT_FOUND_CLASS = 'jupyter-widgets';

export const widgetFallbackPlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:saved',
  description: 'Shows pictures in notebooks whose widgets are no more.',
  autoStart: true,
  optional: [INotebookTracker],
  activate: (app, notebooks: INotebookTracker | null): void => {
    notebooks?.widgetAdded.connect((_, { content: { rendermime } }) => {
      rendermime.addFactory(
        {
          // In an untrusted notebook only the picture is shown, as in Lab itself.
          safe: false,
          mimeTypes: [MIME_TYPE],
          createRenderer: () => createRenderer(rendermime)
        },
        RANK
      );
    });
  }
};

/**
 * Make a renderer that shows the widget, or its picture when the kernel does
 * not know the widget any more.
 *
 * It is the renderer of the widget manager with one more step: the manager
 * connects only its own renderers to the kernel, not those inside of others.
 */
function createRenderer(
  rendermime: IRenderMimeRegistry
): IRenderMime.IRenderer {
  const view = rendermime.getFactory(WIDGET_VIEW)
    ? rendermime.createRenderer(WIDGET_VIEW)
    : new NoWidgets();
  const renderWidget = view.renderModel.bind(view);
  let picture: IRenderMime.IRenderer | null = null;
  let renderCount = 0;
  // The manager calls it again when it has restored the widgets.
  view.renderModel = async model => {
    const current = ++renderCount;
    picture?.dispose();
    picture = null;
    view.removeClass(NOT_FOUND_CLASS);
    // The manager empties the node, where the layout would look for them later.
    for (const child of [...view.children()]) {
      child.parent = null;
    }
    await renderWidget(model);
    if (
      current !== renderCount ||
      view.isDisposed ||
      !view.hasClass(NOT_FOUND_CLASS)
    ) {
      return;
    }
    const type = PICTURE_TYPES.find(each => each in model.data);
    if (type !== undefined) {
      view.removeClass(NOT_FOUND_CLASS);
      view.node.textContent = '';
      picture = rendermime.createRenderer(type);
      (view.layout as PanelLayout).addWidget(picture);
      await picture.renderModel(model);
    }
  };
  return view;
}

/** The renderer without a widget manager: no widget is found. */
class NoWidgets extends Panel implements IRenderMime.IRenderer {
  renderModel(): Promise<void> {
    this.addClass(NOT_FOUND_CLASS);
    return Promise.resolve();
  }
}
