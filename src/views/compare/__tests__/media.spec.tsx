import {
  act,
  cleanup,
  fireEvent,
  render,
  screen,
  within
} from '@testing-library/react';
import * as React from 'react';

import type { Comparison, Medium } from '../../../client/types';
import { FakeStream, NO_STUDIES, row } from '../../../model/__tests__/fake';
import { CompareModel } from '../../../model/compare';
import { plainTrans } from '../../shared/context';
import { CompareView } from '..';
import { asOptions } from '../options';

const NAMES = ['a', 'b'];

function comparison(): Comparison {
  return {
    tasks: NAMES.map(name => row(name, { status: 'completed', run: 1 })),
    missing: [],
    parameters: [],
    figures: [],
    failures: []
  };
}

function medium(
  task: string,
  step: number | null,
  change: Partial<Medium> = {}
): Medium {
  return {
    task,
    run: 1,
    kind: 'image',
    name: 'sample',
    step,
    path: `sample_${step}.png`,
    source: null,
    offset: null,
    size: 10,
    modified_at: null,
    ...change
  };
}

const page = (path: string, change: Partial<Medium> = {}) =>
  medium('a', null, { path, name: path, kind: 'html', ...change });

async function opened(items: Medium[], content = 'x', cut = false) {
  const client = {
    compareManyTasks: async () => comparison(),
    streamEvents: () => new FakeStream(),
    listCurves: async () => ({ items: [] }),
    ...NO_STUDIES,
    listMedia: jest.fn(async () => ({ items, cut, pending: false })),
    readMedium: jest.fn(async () => new Blob([content]))
  };
  const model = new CompareModel({ client, ws: 'ws', saved: { names: NAMES } });
  const onOptions = jest.fn();
  await act(async () => {
    render(
      <CompareView
        model={model}
        title={NAMES[0]}
        trans={plainTrans}
        options={asOptions({ tab: 'media' })}
        onOptions={onOptions}
        onOpenLog={() => undefined}
      />
    );
  });
  await act(async () => undefined);
  return { client, model, onOptions };
}

/** Everything is in sight, unless a test says otherwise. */
class Observer {
  static isIntersecting = true;
  constructor(
    private readonly _callback: (entries: { isIntersecting: boolean }[]) => void
  ) {}
  observe(): void {
    this._callback([Observer]);
  }
  disconnect(): void {
    // Nothing is observed.
  }
}

describe('the media tab', () => {
  const revoked: string[] = [];
  beforeEach(() => {
    let count = 0;
    revoked.length = 0;
    Object.assign(globalThis, { IntersectionObserver: Observer });
    URL.createObjectURL = () => `blob:${count++}`;
    URL.revokeObjectURL = url => void revoked.push(url);
  });
  afterEach(cleanup);

  const images = () =>
    screen
      .queryAllByRole('img')
      .flatMap(each => each.getAttribute('alt') ?? []);

  it('shows the last image of each task up to a step', async () => {
    const { client } = await opened([
      medium('a', 0),
      medium('b', 5),
      medium('a', 10)
    ]);
    expect(client.listMedia).toHaveBeenCalledWith(
      'ws',
      { names: NAMES },
      expect.anything()
    );
    expect(images()).toEqual([
      'sample of a at step 10',
      'sample of b at step 5'
    ]);
    expect(screen.getByText('Step 5 (earlier)')).toBeTruthy();
    const slider = screen.getByRole('slider', { name: 'Step' });
    expect(slider.getAttribute('aria-valuetext')).toBe('Step 10');
    await act(async () => {
      fireEvent.change(slider, { target: { value: '0' } });
    });
    expect(images()).toEqual(['sample of a at step 0']);
    expect(screen.getByText('Nothing logged up to this step')).toBeTruthy();
    await act(async () => {
      fireEvent.change(slider, { target: { value: '2' } });
    });
    expect(images()).toHaveLength(2);
    // What was loaded before is not loaded again.
    expect(client.readMedium).toHaveBeenCalledTimes(3);
    cleanup();
    expect(revoked).toHaveLength(new Set(revoked).size);
    expect(revoked.length).toBeGreaterThanOrEqual(4);
  });

  it('filters names, and says what is missing', async () => {
    const { onOptions } = await opened([
      medium('a', null, { name: 'val/one' }),
      medium('b', null, { name: 'two' })
    ]);
    expect(screen.getAllByText('Not logged')).toHaveLength(2);
    expect(screen.queryByRole('slider')).toBeNull();
    const filter = screen.getByLabelText('Filter names');
    fireEvent.change(filter, { target: { value: 'ONE val' } });
    expect(images()).toEqual(['val/one of a']);
    fireEvent.change(filter, { target: { value: 'three' } });
    await act(async () => {
      fireEvent.click(screen.getByText('Clear the filter'));
    });
    expect(images()).toHaveLength(2);
    fireEvent.click(screen.getByLabelText('Large'));
    expect(onOptions).toHaveBeenLastCalledWith(
      expect.objectContaining({ mediaSize: 'large' })
    );
  });

  it('says what is not listed because there is too much', async () => {
    await opened([medium('a', null)], 'x', true);
    expect(screen.getByText('Not listed')).toBeTruthy();
    expect(screen.queryByText('Not logged')).toBeNull();
    expect(screen.getByText(/Compare fewer tasks to see/)).toBeTruthy();
  });

  it('gives an SVG image no address with the origin of JupyterLab', async () => {
    await opened([
      medium('a', null, { path: 'plot.SVG' }),
      medium('b', null, { path: 'plot.png' })
    ]);
    const image = await screen.findByAltText<HTMLImageElement>('sample of a');
    expect(image.src).toBe(`data:image/svg+xml;base64,${btoa('x')}`);
    expect(screen.getByAltText<HTMLImageElement>('sample of b').src).toMatch(
      /^blob:/
    );
  });

  it('says when only the beginning of a page is shown', async () => {
    const { client } = await opened([
      page('long.html', { size: 256 * 1024 + 1 }),
      page('short.html', { size: 256 * 1024 })
    ]);
    expect(screen.getAllByText(/^Showing the first 256/)).toHaveLength(1);
    expect(client.readMedium).toHaveBeenCalledWith(
      'ws',
      expect.objectContaining({ path: 'long.html' }),
      256 * 1024
    );
  });

  it('runs nothing of an HTML page', async () => {
    await opened([page('report.html')], '<script>alert(1)</script>');
    const frame = await screen.findByTitle('report.html of a');
    expect(frame.getAttribute('sandbox')).toBe('');
    expect(frame.getAttribute('srcdoc')).toContain("default-src 'none'");
  });

  it('loads only what is in sight', async () => {
    Observer.isIntersecting = false;
    const { client } = await opened([medium('a', 1)]);
    expect(client.readMedium).not.toHaveBeenCalled();
    Observer.isIntersecting = true;
  });

  it('does not load what is too large', async () => {
    const { client } = await opened([medium('a', 1, { size: 2 ** 30 })]);
    expect(screen.getByText('Too large to show (1.0 GiB)')).toBeTruthy();
    expect(client.readMedium).not.toHaveBeenCalled();
  });

  it('says how to log media where there are none', async () => {
    await opened([]);
    expect(
      within(screen.getByRole('tabpanel')).getByText(/pyruns_jupyter.track/)
    ).toBeTruthy();
  });
});
