/** The module with the views: loaded once a page, however many widgets. */
import type { IServerPlace, IViews, IWidgetModel } from './types';

export type Importer = (url: string) => Promise<unknown>;

// Every widget has a copy of the loader of its own, but the page is shared.
const SHARED = Symbol.for('pyruns-jupyter:views');

function shared(): Map<string, Promise<IViews>> {
  const page = globalThis as unknown as Record<
    symbol,
    Map<string, Promise<IViews>> | undefined
  >;
  return (page[SHARED] ??= new Map());
}

/** Call `load` unless somebody did so for `key`; a failure is not kept. */
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

/** The views from the static files of the server extension. */
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
 * The views from the kernel, over the comm of the first widget that asks.
 *
 * @param signal - tells when that widget is gone
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
        ask(model, importer, signal)
      );
    } catch (error) {
      if (!(error instanceof Left) || signal.aborted) {
        throw error;
      }
      // The widget that asked for all of them was removed: ask again.
    }
  }
}

/** The widget that asked is gone. */
class Left extends Error {}

async function ask(
  model: IWidgetModel,
  importer: Importer,
  signal: AbortSignal
): Promise<IViews> {
  const [script, style] = await new Promise<DataView[]>((resolve, reject) => {
    const end = (): void => {
      model.off('msg:custom', heard);
      signal.removeEventListener('abort', left);
    };
    const heard = (
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
    const left = (): void => {
      end();
      reject(new Left());
    };
    model.on('msg:custom', heard);
    signal.addEventListener('abort', left);
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
