import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { PanelLayout, Widget } from '@lumino/widgets';

/** What `notebook/widgets.py` adds to the output of each of our widgets. */
export const SAVED = 'application/vnd.pyruns.saved+json';

const WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json';
const PICTURES = ['text/html', 'image/svg+xml', 'text/plain'];

/** Their manager registers itself at -10. */
const BEFORE_WIDGETS = -20;

/** What the manager shows before it knows the kernel, and for a widget that it does not know. */
const LOADING = 'Loading widget';
const NOT_FOUND = 'Error displaying widget';

/** How often it is looked whether the manager knows the kernel, in ms. */
const LOOK = 300;

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
          createRenderer: () => new SavedRenderer(rendermime)
        },
        // Before that of the widgets.
        BEFORE_WIDGETS
      );
    });
  }
};

/** The widget while it lives, and its picture when there is none any more. */
export class SavedRenderer extends Widget implements IRenderMime.IRenderer {
  constructor(rendermime: IRenderMimeRegistry) {
    super();
    this._rendermime = rendermime;
    this.layout = new PanelLayout();
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this._forget();
    const factory = this._rendermime.getFactory(WIDGET_VIEW);
    if (!factory) {
      await this._showPicture(model);
      return;
    }
    const view = this._show(WIDGET_VIEW);
    // The manager of widgets puts another factory in the place of its first
    // one once it knows the kernel, and finds no views inside of others.
    this._timer = setInterval(() => {
      if (this._rendermime.getFactory(WIDGET_VIEW) !== factory) {
        view.dispose();
        void this.renderModel(model);
      }
    }, LOOK);
    this._observer = new MutationObserver(() => void this._check(view, model));
    this._observer.observe(view.node, { childList: true });
    await view.renderModel(model);
    await this._check(view, model);
  }

  override dispose(): void {
    this._forget();
    super.dispose();
  }

  private _forget(): void {
    clearInterval(this._timer);
    this._observer?.disconnect();
    this._observer = null;
  }

  private async _check(
    view: IRenderMime.IRenderer,
    model: IRenderMime.IMimeModel
  ): Promise<void> {
    const text = view.node.textContent ?? '';
    if (view.isDisposed || text.startsWith(LOADING)) {
      return;
    }
    clearInterval(this._timer);
    if (text.startsWith(NOT_FOUND)) {
      this._forget();
      view.dispose();
      await this._showPicture(model);
    }
  }

  private async _showPicture(model: IRenderMime.IMimeModel): Promise<void> {
    const type = PICTURES.find(each => each in model.data);
    if (type !== undefined) {
      await this._show(type).renderModel(model);
    }
  }

  private _show(type: string): IRenderMime.IRenderer {
    const renderer = this._rendermime.createRenderer(type);
    (this.layout as PanelLayout).addWidget(renderer);
    return renderer;
  }

  private readonly _rendermime: IRenderMimeRegistry;
  private _observer: MutationObserver | null = null;
  private _timer: ReturnType<typeof setInterval> | undefined;
}
