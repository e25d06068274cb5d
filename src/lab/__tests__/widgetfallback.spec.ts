import '@testing-library/jest-dom';
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import {
  MimeModel,
  RenderMimeRegistry,
  standardRendererFactories
} from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime';
import { PromiseDelegate } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';
import { Panel, Widget } from '@lumino/widgets';

import { MIME_TYPE, widgetFallbackPlugin } from '../widgetfallback';

const WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json';

/** Which widgets a kernel knows. */
interface IManager {
  known: readonly string[];
  isRestored: boolean;
}

/**
 * Renders widgets like JupyterLab's manager of them does: it gets the manager
 * later, waits for it, and says in words of its own what it waits for.
 */
class WidgetRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(private readonly _words: string) {
    super();
  }

  setManager(manager: IManager): void {
    this._manager.resolve(manager);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const { model_id } = model.data[WIDGET_VIEW] as { model_id: string };
    this.node.textContent = this._words;
    const manager = await this._manager.promise;
    if (!manager.known.includes(model_id)) {
      if (manager.isRestored) {
        this.node.textContent = this._words;
        this.addClass('jupyter-widgets');
      } else {
        this._again = model;
      }
      return;
    }
    this.node.textContent = '';
    const live = new Widget();
    live.addClass('jupyter-widgets');
    live.node.textContent = `live ${model_id}`;
    this.addWidget(live);
  }

  restore(): void {
    if (this._again) {
      this.node.textContent = '';
      this.removeClass('jupyter-widgets');
      void this.renderModel(this._again);
    }
  }

  private _manager = new PromiseDelegate<IManager>();
  private _again: IRenderMime.IMimeModel | null = null;
}

/** An output of a notebook whose widgets are rendered with these words. */
function output(words: string | null): IRenderMime.IRenderer {
  const rendermime = new RenderMimeRegistry({
    initialFactories: standardRendererFactories
  });
  const tracker = { widgetAdded: new Signal<object, NotebookPanel>({}) };
  void widgetFallbackPlugin.activate(
    {} as JupyterFrontEnd,
    tracker as unknown as INotebookTracker
  );
  tracker.widgetAdded.emit({
    content: { rendermime }
  } as unknown as NotebookPanel);
  if (words !== null) {
    rendermime.addFactory(
      {
        safe: false,
        mimeTypes: [WIDGET_VIEW],
        createRenderer: () => new WidgetRenderer(words)
      },
      -10
    );
  }
  expect(rendermime.preferredMimeType(dataOf('a'), 'any')).toBe(MIME_TYPE);
  return rendermime.createRenderer(MIME_TYPE);
}

const dataOf = (id: string) => ({
  [MIME_TYPE]: {},
  [WIDGET_VIEW]: { model_id: id },
  'text/html': '<b>picture</b>',
  'text/plain': 'TaskTable'
});

const modelOf = (id: string) =>
  new MimeModel({ data: dataOf(id), trusted: true });

const settle = async () => {
  for (let turn = 0; turn < 20; turn++) {
    await Promise.resolve();
  }
};

describe.each(['Loading widget...', 'Chargement du widget', ''])(
  'an output with a widget, rendered with the words “%s”',
  words => {
    it('shows the widget as soon as its kernel is known', async () => {
      const view = output(words);
      void view.renderModel(modelOf('a'));
      await settle();
      // The manager looks for its own renderers in the outputs.
      expect(view).toBeInstanceOf(WidgetRenderer);
      (view as WidgetRenderer).setManager({ known: ['a'], isRestored: true });
      await settle();
      expect(view.node.textContent).toBe('live a');
    });

    it('shows the picture of a widget that is no more', async () => {
      const view = output(words) as WidgetRenderer;
      view.setManager({ known: [], isRestored: true });
      await view.renderModel(modelOf('a'));
      expect(view.node.querySelector('b')).toHaveTextContent('picture');
      expect(view.node).toHaveTextContent(/^picture$/);
    });

    it('waits until the manager has restored what it knows', async () => {
      const manager = { known: [] as string[], isRestored: false };
      const view = output(words) as WidgetRenderer;
      view.setManager(manager);
      await view.renderModel(modelOf('a'));
      expect(view.node.querySelector('b')).toBeNull();
      manager.known = ['a'];
      manager.isRestored = true;
      view.restore();
      await settle();
      expect(view.node.textContent).toBe('live a');
    });

    it('shows the widget when the cell is run again', async () => {
      const manager = { known: [] as string[], isRestored: true };
      const view = output(words) as WidgetRenderer;
      view.setManager(manager);
      await view.renderModel(modelOf('a'));
      manager.known = ['b'];
      await view.renderModel(modelOf('b'));
      expect(view.node.textContent).toBe('live b');
    });

    it('lets the widget go that another one has replaced', async () => {
      const view = output(words) as WidgetRenderer;
      view.setManager({ known: ['a', 'b'], isRestored: true });
      await view.renderModel(modelOf('a'));
      const [old] = view.widgets;
      await view.renderModel(modelOf('b'));
      // As when its kernel has stopped.
      expect(() => old.dispose()).not.toThrow();
      expect(view.node.textContent).toBe('live b');
    });
  }
);

describe('an output without a manager of widgets', () => {
  it('shows the picture', async () => {
    const view = output(null);
    await view.renderModel(modelOf('a'));
    expect(view.node).toHaveTextContent(/^picture$/);
  });
});
