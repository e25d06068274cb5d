import { plainTrans, sharePageTrans } from '../../client/trans';
import { renderWidget } from '../loader';
import type { IMountOptions } from '../types';
import { FakeModel } from './model';

const SHARED = Symbol.for('pyruns-jupyter:views');

function view(text: string): DataView {
  const bytes = new TextEncoder().encode(text);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    await Promise.resolve();
  }
}

describe('the loader', () => {
  let model: FakeModel;
  let el: HTMLElement;
  let requests: { url: string; headers: Record<string, string> }[];
  let imported: string[];
  let mounted: IMountOptions[];
  let unmounted: number;
  let answer: () => Promise<unknown>;
  let importFails: boolean;

  const importer = async (url: string): Promise<unknown> => {
    imported.push(url);
    if (importFails) {
      throw new TypeError('Failed to fetch dynamically imported module');
    }
    return {
      mount: (options: IMountOptions) => {
        mounted.push(options);
        options.el.append('the table');
        return () => unmounted++;
      }
    };
  };

  function page(config: object | null): void {
    document.head.innerHTML = '';
    document.body.innerHTML = config
      ? `<script id="jupyter-config-data" type="application/json">${JSON.stringify(config)}</script>`
      : '';
  }

  function show(widget = model): () => void {
    return renderWidget({ model: widget, el }, importer);
  }

  function giveModule(widget = model): void {
    widget.emit('msg:custom', { type: 'module' }, [
      view('export {}'),
      view('.pyr-view {}')
    ]);
  }

  beforeEach(() => {
    (globalThis as Record<symbol, unknown>)[SHARED] = undefined;
    model = new FakeModel({
      folder: '/home/me/_pyruns_/train',
      identity: '64:12',
      _views_version: 'abc',
      _picture_then: '<table><td>as it was</td></table>'
    });
    el = document.createElement('div');
    requests = [];
    imported = [];
    mounted = [];
    unmounted = 0;
    importFails = false;
    answer = async () => ({
      ok: true,
      json: async () => ({ items: [{ id: '_pyruns_/train' }] })
    });
    globalThis.fetch = ((url: string, init: RequestInit) => {
      requests.push({ url, headers: init.headers as Record<string, string> });
      return answer();
    }) as typeof fetch;
    let blobs = 0;
    URL.createObjectURL = () => `blob:${++blobs}`;
    URL.revokeObjectURL = () => undefined;
    page({ baseUrl: '/user/me/', token: 'secret' });
    jest.useFakeTimers();
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('goes to the server that sees the same folder', async () => {
    show();
    await settled();
    expect(requests).toHaveLength(1);
    const url = new URL(requests[0].url);
    expect(url.pathname).toBe('/user/me/pyruns/api/workspaces');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      folder: '/home/me/_pyruns_/train',
      identity: '64:12'
    });
    expect(requests[0].headers).toEqual({ Authorization: 'token secret' });
    expect(imported).toEqual([
      'http://localhost/user/me/pyruns/static/widget-views.js?v=abc'
    ]);
    expect(document.querySelector('link')?.href).toBe(
      'http://localhost/user/me/pyruns/static/widget-views.css?v=abc'
    );
    expect(mounted[0].server).toEqual({
      baseUrl: 'http://localhost/user/me/',
      wsUrl: 'ws://localhost/user/me/',
      token: 'secret',
      workspace: '_pyruns_/train'
    });
    expect(el.textContent).toBe('the table');
    expect(model.sent).toEqual([]);
  });

  it.each([
    ['outside of Jupyter', null, async () => ({ ok: true })],
    ['without the extension', { baseUrl: '/' }, async () => ({ ok: false })],
    [
      'when it sees another folder',
      { baseUrl: '/' },
      async () => ({ ok: true, json: async () => ({ items: [] }) })
    ],
    [
      'when a login page answers',
      { baseUrl: '/' },
      async () => ({ ok: true, json: () => Promise.reject(new Error('<')) })
    ],
    [
      'when it does not answer',
      { baseUrl: '/' },
      () => Promise.reject(new TypeError('Failed to fetch'))
    ]
  ])('asks the kernel %s', async (_, config, reply) => {
    page(config);
    answer = reply;
    show();
    await settled();
    expect(model.sent).toEqual([{ type: 'module' }]);
    expect(mounted).toEqual([]);
    giveModule();
    await settled();
    expect(imported).toEqual(['blob:1']);
    expect(mounted[0].server).toBeNull();
    expect(document.querySelector('style')?.textContent).toBe('.pyr-view {}');
  });

  it('asks the kernel when the views do not come from the server', async () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation();
    importFails = true;
    show();
    await settled();
    expect(model.sent).toEqual([{ type: 'module' }]);
    importFails = false;
    giveModule();
    await settled();
    expect(mounted[0].server).toBeNull();
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
  });

  it('loads the views once for all widgets of a page', async () => {
    page(null);
    const other = new FakeModel({ ...model.state });
    show();
    show(other);
    await settled();
    expect(model.sent).toHaveLength(1);
    expect(other.sent).toHaveLength(0);
    giveModule();
    await settled();
    expect(mounted).toHaveLength(2);
    expect(imported).toHaveLength(1);
    expect(document.querySelectorAll('style')).toHaveLength(1);
  });

  it('lets another widget ask when the first one is removed', async () => {
    page(null);
    const other = new FakeModel({ ...model.state });
    const remove = show();
    show(other);
    await settled();
    remove();
    await settled();
    expect(other.sent).toEqual([{ type: 'module' }]);
    expect(model.listeners).toEqual([]);
    giveModule(other);
    await settled();
    expect(mounted.map(options => options.model)).toEqual([other]);
  });

  it('says what it waits for', async () => {
    page(null);
    show();
    await settled();
    expect(el.textContent).toBe('Loading…');
    jest.advanceTimersByTime(3000);
    expect(el.textContent).toContain('running a cell');
    // What a saved notebook shows when nobody answers.
    expect(el.querySelector('td')?.textContent).toBe('as it was');
    giveModule();
    await settled();
    expect(el.textContent).toBe('the table');
  });

  it('has the language of JupyterLab in the same page', async () => {
    page(null);
    sharePageTrans({ ...plainTrans, __: text => `zh:${text}` });
    show();
    await settled();
    expect(el.textContent).toBe('zh:Loading…');
    sharePageTrans(plainTrans);
  });

  it('says why it cannot be shown', async () => {
    page(null);
    show();
    await settled();
    model.emit('msg:custom', {
      type: 'module',
      message: 'widget-views.js is missing.'
    });
    await settled();
    expect(el.textContent).toBe(
      'Couldn’t show the widget. widget-views.js is missing.'
    );
  });

  it('unmounts what it mounted, and nothing that came too late', async () => {
    const remove = show();
    await settled();
    remove();
    expect(unmounted).toBe(1);
    const again = show();
    again();
    await settled();
    expect(mounted).toHaveLength(1);
  });
});
