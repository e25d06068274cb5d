import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { PanelLayout } from '@lumino/widgets';
import { Panel } from '@lumino/widgets';

/** What `notebook/widgets.py` adds to the output of each of our widgets. */
export const SAVED = 'application/vnd.pyruns.saved+json';

const WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json';
const PICTURES = ['text/html', 'image/svg+xml', 'text/plain'];

/** Their manager registers itself at -10. */
const BEFORE_WIDGETS = -20;

/** The class that the manager gives to a renderer, instead of a widget in it. */
const NOT_FOUND = 'jupyter-widgets';

export const savedPlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:saved',
  description: 'Shows pictures in notebooks whose widgets are no more.',
  autoStart: true,
  optional: [INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker | null
  ): void => {
    notebooks?.widgetAdded.connect((_, { content: { rendermime } }) => {
      rendermime.addFactory(
        {
          // Without trust only the picture may be shown, as Lab itself does.
          safe: false,
          mimeTypes: [SAVED],
          createRenderer: () => createRenderer(rendermime)
        },
        // Before that of the widgets.
        BEFORE_WIDGETS
      );
    });
  }
};

/**
 * A renderer that shows the widget, or its picture where the kernel does not
 * know the widget any more.
 *
 * It is the renderer of the manager of widgets itself, with one more step: the
 * manager connects to the kernel what it finds in outputs, which are renderers
 * of its own but none inside of others.
 */
function createRenderer(
  rendermime: IRenderMimeRegistry
): IRenderMime.IRenderer {
  const view = rendermime.getFactory(WIDGET_VIEW)
    ? rendermime.createRenderer(WIDGET_VIEW)
    : new NoWidgets();
  const renderWidget = view.renderModel.bind(view);
  let picture: IRenderMime.IRenderer | null = null;
  let turn = 0;
  // Also called by the manager, when it has restored what it knows.
  view.renderModel = async model => {
    const own = ++turn;
    picture?.dispose();
    picture = null;
    view.removeClass(NOT_FOUND);
    await renderWidget(model);
    if (own !== turn || view.isDisposed || !view.hasClass(NOT_FOUND)) {
      return;
    }
    const type = PICTURES.find(each => each in model.data);
    if (type !== undefined) {
      view.removeClass(NOT_FOUND);
      view.node.textContent = '';
      picture = rendermime.createRenderer(type);
      (view.layout as PanelLayout).addWidget(picture);
      await picture.renderModel(model);
    }
  };
  return view;
}

/** Finds no widget, as there is no manager of them. */
class NoWidgets extends Panel implements IRenderMime.IRenderer {
  renderModel(): Promise<void> {
    this.addClass(NOT_FOUND);
    return Promise.resolve();
  }
}
