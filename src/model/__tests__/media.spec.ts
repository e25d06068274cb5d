import type { Medium } from '../../client/types';
import { mediaRows, MediaModel, mediumAt, stepsOf } from '../media';
import { row } from './fake';

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
    path: `${task}${step}.png`,
    source: null,
    offset: null,
    size: 100,
    modified_at: 1,
    ...change
  };
}

const ITEMS = [
  medium('a', 0),
  medium('b', 5),
  medium('a', 10),
  medium('a', null, { name: 'report', kind: 'html' }),
  medium('b', null, { kind: 'table' })
];

const running = (name: string, loss = 1) =>
  row(name, { run: 1, status: 'running', figures: { loss } });
const done = (name: string) => row(name, { run: 1, status: 'completed' });

describe('rows of media', () => {
  it('have a name and a kind, and the steps of all tasks', () => {
    const rows = mediaRows(ITEMS);
    expect(rows.map(({ kind, name }) => [kind, name])).toEqual([
      ['image', 'sample'],
      ['html', 'report'],
      ['table', 'sample']
    ]);
    expect([...rows[0].byTask.keys()]).toEqual(['a', 'b']);
    expect(stepsOf(rows)).toEqual([0, 5, 10]);
    expect(stepsOf(rows.slice(1))).toEqual([]);
  });

  it('show the last one at or before a step', () => {
    const ofA = mediaRows(ITEMS)[0].byTask.get('a') ?? [];
    const ofB = mediaRows(ITEMS)[0].byTask.get('b') ?? [];
    expect(mediumAt(ofA, 9)?.step).toBe(0);
    expect(mediumAt(ofA, 10)?.step).toBe(10);
    expect(mediumAt(ofA, null)?.step).toBe(10);
    expect(mediumAt(ofB, 4)).toBeNull();
    expect(mediumAt([medium('a', null)], -1)?.step).toBeNull();
    expect(mediumAt([], 1)).toBeNull();
  });
});

describe('MediaModel', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  function opened(items = ITEMS) {
    const client = {
      listMedia: jest.fn(async (ws: string, asked: { names: string[] }) => ({
        items: items.filter(({ task }) => asked.names.includes(task)),
        cut: false,
        pending: false
      })),
      readMedium: jest.fn(
        async (ws: string, { size }: Medium, most?: number) =>
          new Blob(['x'.repeat(most ?? size)])
      )
    };
    return { client, model: new MediaModel(client, 'ws') };
  }
  const asked = ({ client }: ReturnType<typeof opened>) =>
    client.listMedia.mock.calls.map(([, { names }]) => names.join());
  const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

  it('lists the tasks that have run, and again when they change', async () => {
    const page = opened();
    const { model } = page;
    model.setVisibleTasks([done('a'), row('idle')]);
    await pass(0);
    expect(model.getSnapshot().items).toHaveLength(3);
    const { items } = model.getSnapshot();
    model.setVisibleTasks([done('a')]);
    await pass(60_000);
    expect(asked(page)).toEqual(['a']);
    model.setVisibleTasks([done('a'), done('b')]);
    await pass(0);
    expect(asked(page)).toEqual(['a', 'a,b']);
    expect(model.getSnapshot().items).not.toBe(items);
    model.setVisibleTasks([]);
    expect(model.getSnapshot().items).toEqual([]);
  });

  it('follows running tasks until it is paused', async () => {
    const page = opened();
    const { model } = page;
    model.setVisibleTasks([running('a')]);
    await pass(9000);
    expect(page.client.listMedia).toHaveBeenCalledTimes(2);
    const { items } = model.getSnapshot();
    model.setVisibleTasks([running('a', 2)]);
    await pass(3000);
    expect(page.client.listMedia).toHaveBeenCalledTimes(3);
    expect(model.getSnapshot().items).toBe(items);
    model.pause();
    await pass(60_000);
    expect(page.client.listMedia).toHaveBeenCalledTimes(3);
    model.setVisibleTasks([running('a', 2)]);
    await pass(0);
    expect(page.client.listMedia).toHaveBeenCalledTimes(4);
    model.dispose();
  });

  it('asks again while event files are read, and after an error', async () => {
    const { client, model } = opened();
    client.listMedia.mockResolvedValueOnce({
      items: [],
      cut: true,
      pending: true
    });
    model.setVisibleTasks([done('a')]);
    await pass(0);
    expect(model.getSnapshot()).toMatchObject({ items: [], isCut: true });
    client.listMedia.mockRejectedValueOnce(new Error('broken'));
    await pass(500);
    expect(model.getSnapshot().error?.message).toBe('broken');
    await pass(8000);
    expect(model.getSnapshot()).toMatchObject({ isCut: false, error: null });
    model.dispose();
  });

  it('loads few files at once, keeps them, and skips unwanted ones', async () => {
    const { client, model } = opened();
    let release = () => undefined as void;
    const blocked = new Promise<void>(resolve => (release = () => resolve()));
    client.readMedium.mockImplementation(async () => {
      await blocked;
      return new Blob(['x']);
    });
    const wanted = Array.from({ length: 10 }, (_, step) => medium('a', step));
    const abort = new AbortController();
    const reads = wanted.map((one, at) =>
      model.read(
        one,
        200,
        at === 9 ? abort.signal : new AbortController().signal
      )
    );
    abort.abort();
    expect(client.readMedium).toHaveBeenCalledTimes(4);
    release();
    await Promise.all(reads.slice(0, 9));
    await expect(reads[9]).rejects.toThrow('aborted');
    expect(client.readMedium).toHaveBeenCalledTimes(9);
    await model.read(wanted[0], 200, new AbortController().signal);
    expect(client.readMedium).toHaveBeenCalledTimes(9);
    // Only the beginning of a large table.
    const large = medium('a', null, { kind: 'table', size: 1000 });
    await model.read(large, 200, new AbortController().signal);
    expect(client.readMedium).toHaveBeenLastCalledWith('ws', large, 200);
  });

  it('forgets the files that were used longest ago', async () => {
    const { client, model } = opened();
    const { signal } = new AbortController();
    client.readMedium.mockImplementation(async () => {
      const blob = new Blob(['x']);
      Object.defineProperty(blob, 'size', { value: 30 * 1024 * 1024 });
      return blob;
    });
    const [a, b, c] = [1, 2, 3].map(step => medium('a', step));
    for (const one of [a, b, a, c, a, b]) {
      await model.read(one, 200, signal);
    }
    expect(client.readMedium.mock.calls.map(([, one]) => one.step)).toEqual([
      1, 2, 3, 2
    ]);
  });

  it('counts a file once that is loaded twice at the same time', async () => {
    const { client, model } = opened();
    const { signal } = new AbortController();
    client.readMedium.mockImplementation(async () => {
      const blob = new Blob(['x']);
      Object.defineProperty(blob, 'size', { value: 20 * 1024 * 1024 });
      return blob;
    });
    const [a, b, c] = [1, 2, 3].map(step => medium('a', step));
    await Promise.all([model.read(a, 200, signal), model.read(a, 200, signal)]);
    for (const one of [b, c, a]) {
      await model.read(one, 200, signal);
    }
    expect(client.readMedium).toHaveBeenCalledTimes(4);
  });
});
