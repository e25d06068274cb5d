/** Loads the module with the views, once per page. */
import type { IServerPlace, IViews, IWidgetModel } from './types';

export type Importer = (url: string) => Promise<unknown>;

// In the page, since each widget has its own copy of this module.
const SHARED = Symbol.for('pyruns-jupyter:views');

function shared(): Map<string, Promise<IViews>> {
  const page = globalThis as unknown as Record<
    symbol,
    Map<string, Promise<IViews>> | undefined
  >;
  return (page[SHARED] ??= new Map());
}

/** Load a module unless it is loaded or being loaded; after a failure try again. */
function once(key: string, load: () => Promise<IViews>): Promise<IViews> {
  const known = shared().get(key);
  if (known) {
    return known;
  }
  const loading = load().catch((error: unknown) => {
    shared().delete(key);
    throw error;
  });
  shared().set(key, loading);
  return loading;
}

/** Load the views from the static files of the server extension. */
export function viewsFromServer(
  server: IServerPlace,
  version: string,
  importer: Importer
): Promise<IViews> {
  const at = `${server.baseUrl}pyruns/static/widget-views`;
  const query = `?v=${encodeURIComponent(version)}`;
  return once(at + query, async () => {
    const views = (await importer(`${at}.js${query}`)) as IViews;
    const link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = `${at}.css${query}`;
    document.head.append(link);
    return views;
  });
}

/**
 * Load the views from the kernel, over the comm of the first widget.
 *
 * @param signal - aborted when this widget is removed
 */
export async function viewsFromKernel(
  model: IWidgetModel,
  version: string,
  importer: Importer,
  signal: AbortSignal
): Promise<IViews> {
  for (;;) {
    try {
      return await once(`kernel:${version}`, () =>
        request(model, importer, signal)
      );
    } catch (error) {
      if (!(error instanceof WidgetRemoved) || signal.aborted) {
        throw error;
      }
      // The widget that requested the views for all was removed: request again.
    }
  }
}

/** The widget that requested the views was removed. */
class WidgetRemoved extends Error {}

async function request(
  model: IWidgetModel,
  importer: Importer,
  signal: AbortSignal
): Promise<IViews> {
  const [script, style] = await new Promise<DataView[]>((resolve, reject) => {
    const end = (): void => {
      model.off('msg:custom', onMessage);
      signal.removeEventListener('abort', onAbort);
    };
    const onMessage = (
      content: { type?: string; message?: string },
      buffers: DataView[]
    ): void => {
      if (content?.type === 'module') {
        end();
        if (content.message) {
          reject(new Error(content.message));
        } else {
          resolve(buffers);
        }
      }
    };
    const onAbort = (): void => {
      end();
      reject(new WidgetRemoved());
    };
    model.on('msg:custom', onMessage);
    signal.addEventListener('abort', onAbort);
    model.send({ type: 'module' });
  });
  const url = URL.createObjectURL(
    new Blob([script as BlobPart], { type: 'text/javascript' })
  );
  let views: IViews;
  try {
    views = (await importer(url)) as IViews;
  } finally {
    URL.revokeObjectURL(url);
  }
  const element = document.createElement('style');
  element.textContent = new TextDecoder().decode(style);
  document.head.append(element);
  return views;
}
