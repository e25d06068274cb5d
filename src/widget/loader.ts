/**
 * The module in the state of a widget. It is saved with every notebook, and so
 * has to be small.
 */
import { pageTrans } from '../client/trans';
import type { Importer } from './modules';
import { viewsFromKernel, viewsFromServer } from './modules';
import { findServer } from './page';
import type { IServerPlace, IViews, IWidgetModel } from './types';

/** Delay before the user is told that the kernel does not respond. */
const EXPLAIN_MS = 3000;

const importModule: Importer = url => import(url);

/** Load the views from the server or, if it cannot be reached, from the kernel. */
async function loadViews(
  model: IWidgetModel,
  importer: Importer,
  signal: AbortSignal
): Promise<{ views: IViews; server: IServerPlace | null }> {
  const version = String(model.get('_views_version'));
  const server = await findServer(
    String(model.get('folder')),
    String(model.get('identity'))
  );
  if (server) {
    try {
      return {
        views: await viewsFromServer(server, version, importer),
        server
      };
    } catch (error) {
      // eslint-disable-next-line no-console
      console.warn(
        'Could not load the views from the server extension.',
        error
      );
    }
  }
  return {
    views: await viewsFromKernel(model, version, importer, signal),
    server: null
  };
}

/** Show a widget; returns a function that removes it. */
export function renderWidget(
  { model, el }: { model: IWidgetModel; el: HTMLElement },
  importer: Importer = importModule
): () => void {
  const trans = pageTrans();
  const gone = new AbortController();
  let unmount: (() => void) | null = null;
  const show = (text: string): void => {
    el.textContent = text;
  };
  show(trans.__('Loading…'));
  const timer = setTimeout(() => {
    show(
      trans.__(
        'Waiting for the kernel, which is running a cell or has stopped. Last output:'
      )
    );
    // The picture is trusted, since the kernel made it.
    const picture = document.createElement('div');
    picture.innerHTML = String(model.get('_picture_then') ?? '');
    el.append(picture);
  }, EXPLAIN_MS);
  loadViews(model, importer, gone.signal)
    .then(({ views, server }) => {
      clearTimeout(timer);
      if (!gone.signal.aborted) {
        show('');
        unmount = views.mount({ model, el, server });
      }
    })
    .catch((error: unknown) => {
      clearTimeout(timer);
      if (!gone.signal.aborted) {
        const reason = error instanceof Error ? error.message : String(error);
        show(trans.__('Couldn’t show the widget. %1', reason));
      }
    });
  return () => {
    clearTimeout(timer);
    gone.abort();
    unmount?.();
  };
}

export default {
  // anywidget passes more arguments.
  render: ({ model, el }: { model: IWidgetModel; el: HTMLElement }) =>
    renderWidget({ model, el })
};
