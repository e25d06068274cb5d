import { act, render } from '@testing-library/react';
import * as React from 'react';

import { FakeClient, row } from '../../../model/__tests__/fake';
import { TableLayoutModel } from '../../../model/tablelayout';
import { TaskListModel } from '../../../model/tasklist';
import { plainTrans } from '../../shared/context';
import { InFrontContext } from '../../shared/store';
import { ManagerView } from '../ManagerView';

const ROWS = Array.from({ length: 200 }, (_, at) =>
  row(`task${at}`, {
    status: at === 5 ? 'running' : 'completed',
    runs: 1,
    run: 1,
    started_at: 1000,
    progress: at === 5 ? 0.1 : null,
    swept: { lr: at },
    figures: { acc: at / 200 }
  })
);

// jsdom lays nothing out; the virtualiser asks for these.
beforeAll(() => {
  const size = (value: number) => ({ configurable: true, get: () => value });
  Object.defineProperties(HTMLElement.prototype, {
    clientHeight: size(6000),
    clientWidth: size(900)
  });
  HTMLElement.prototype.scrollTo = () => undefined;
});
beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** The texts that are rendered while something is done. */
class Counter {
  private _texts: string[] = [];

  readonly trans = {
    ...plainTrans,
    __: (text: string, ...args: unknown[]) => {
      this._texts.push(text);
      return plainTrans.__(text, ...args);
    }
  };

  async during(deed: () => unknown): Promise<string[]> {
    this._texts = [];
    await act(async () => {
      deed();
      // No longer, or the clock renders what it shows.
      await jest.advanceTimersByTimeAsync(0);
    });
    return this._texts;
  }
}

/** Of a line of the table, of the titles above it, and of the page around. */
const LINE = 'Select %1';
const TITLES = 'Sort by %1';
const PAGE = 'Task actions';

it('renders the line of a task that runs, and nothing around it', async () => {
  const client = new FakeClient();
  client.rows = [...ROWS];
  client.best = {
    acc: { value: 0.995, direction: 'maximize', origin: 'name' }
  };
  const model = new TaskListModel(client.asClient, 'ws');
  const counter = new Counter();
  const all = await counter.during(() =>
    render(
      <ManagerView
        model={model}
        trans={counter.trans}
        onOpenLog={() => undefined}
      />
    )
  );
  expect(all.filter(text => text === LINE).length).toBeGreaterThan(100);
  expect(all).toContain(TITLES);
  expect(all).toContain(PAGE);
  const change = (at: number, progress: number) =>
    counter.during(() => client.change([{ ...ROWS[at], progress }]));

  const texts = await change(5, 0.2);
  expect(texts.filter(text => text === LINE)).toHaveLength(1);
  expect(texts).not.toContain(TITLES);
  expect(texts).not.toContain(PAGE);
  // The words for all statuses are among those of a line.
  expect(texts.length).toBeLessThan(20);

  // A new best value is marked in the table only.
  const better = await counter.during(() =>
    client.change([{ ...ROWS[6], figures: { acc: 1 } }])
  );
  expect(model.getSnapshot().best.acc.value).toBe(1);
  expect(better).not.toContain(PAGE);

  // Not even when other tasks are selected, but when it is one of them.
  act(() => model.select(['task7'], 'replace'));
  expect(await change(5, 0.3)).not.toContain(PAGE);
  act(() => model.select(['task5'], 'replace'));
  expect(await change(5, 0.4)).toContain(PAGE);
  model.dispose();
});

it('renders the lines of a page that is loaded, and nothing around them', async () => {
  const client = new FakeClient();
  client.rows = Array.from({ length: 500 }, (_, at) => row(`task${at}`));
  const model = new TaskListModel(client.asClient, 'ws');
  const counter = new Counter();
  await counter.during(() =>
    render(
      <ManagerView
        model={model}
        trans={counter.trans}
        onOpenLog={() => undefined}
      />
    )
  );
  expect(model.getSnapshot().rows[450]).toBeUndefined();
  const texts = await counter.during(() => model.setVisibleRange(450, 460));
  expect(model.getSnapshot().rows[450]?.name).toBe('task450');
  expect(texts).not.toContain(PAGE);
  model.dispose();
});

/** Lay out everything with a size; returns what changes it. */
function layOut(width: number, height: number) {
  let size = { width, height };
  Object.defineProperty(HTMLElement.prototype, 'clientHeight', {
    configurable: true,
    get: () => size.height
  });
  const observed = new Set<() => void>();
  window.ResizeObserver = class {
    constructor(onSize: ResizeObserverCallback) {
      observed.add(() => {
        const contentRect = size as DOMRectReadOnly;
        onSize([{ contentRect } as ResizeObserverEntry], this);
      });
    }
    observe = () => undefined;
    unobserve = () => undefined;
    disconnect = () => undefined;
  };
  return (width: number, height: number) => {
    size = { width, height };
    observed.forEach(tell => tell());
  };
}

it('rests while another page is in front, and keeps its lines', async () => {
  const client = new FakeClient();
  client.rows = [...ROWS];
  const model = new TaskListModel(client.asClient, 'ws');
  const counter = new Counter();
  const resize = layOut(900, 6000);
  const page = (isInFront: boolean) => (
    <InFrontContext.Provider value={isInFront}>
      <ManagerView
        model={model}
        trans={counter.trans}
        onOpenLog={() => undefined}
      />
    </InFrontContext.Provider>
  );
  let view: ReturnType<typeof render> | null = null;
  await counter.during(() => (view = render(page(true))));
  const hidden = await counter.during(() => {
    resize(0, 0);
    view?.rerender(page(false));
  });
  expect(hidden).not.toContain(LINE);
  const changed = await counter.during(() =>
    client.change([{ ...ROWS[5], progress: 0.2 }])
  );
  expect(changed).not.toContain(LINE);
  const shown = await counter.during(() => {
    resize(900, 6000);
    view?.rerender(page(true));
  });
  expect(shown.filter(text => text === LINE)).toHaveLength(1);
  model.dispose();
});

it('keeps the columns of cards while another page is in front', async () => {
  const client = new FakeClient();
  client.rows = [...ROWS];
  const model = new TaskListModel(client.asClient, 'ws');
  const table = new TableLayoutModel({ client: client.asClient, ws: 'ws' });
  table.setLayout({ look: 'cards' });
  const counter = new Counter();
  const resize = layOut(1300, 600);
  const view = render(
    <ManagerView
      model={model}
      table={table}
      trans={counter.trans}
      onOpenLog={() => undefined}
    />
  );
  const columns = () =>
    view.container.querySelector('.pyr-cards')?.getAttribute('aria-colcount');
  await counter.during(() => undefined);
  await counter.during(() => resize(1300, 600));
  expect(columns()).toBe('5');
  await counter.during(() => resize(0, 0));
  expect(columns()).toBe('5');
  await counter.during(() => resize(600, 600));
  expect(columns()).toBe('2');
  view.unmount();
  model.dispose();
  table.dispose();
});
