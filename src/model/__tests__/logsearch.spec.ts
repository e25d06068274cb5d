import type { LogHits, LogSearch } from '../../client/types';
import type { IHit } from '../logstate';
import { LogSearchModel, MAX_HITS } from '../logsearch';

interface ICall {
  task: string;
  query: LogSearch;
  onHits: (hits: LogHits) => void;
  end: () => void;
  fail: (error: Error) => void;
  signal?: AbortSignal;
}

function opened(place = Infinity) {
  const calls: ICall[] = [];
  const shown: number[] = [];
  const model = new LogSearchModel(
    {
      searchLog: (ws, task, query, onHits, signal) =>
        new Promise((end, fail) => {
          calls.push({ task, query, onHits, end, fail, signal });
          signal?.addEventListener('abort', () =>
            fail(Object.assign(new Error('given up'), { name: 'AbortError' }))
          );
        })
    },
    'ws',
    (hit: IHit) => shown.push(hit.offset),
    () => place
  );
  return { model, calls, shown };
}

const hitsAt = (...offsets: number[]): LogHits['hits'] =>
  offsets.map(offset => [offset, 2, offset - 1, 'xab']);

async function settled() {
  for (let turn = 0; turn < 10; turn++) {
    await Promise.resolve();
  }
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('LogSearchModel', () => {
  it('begins when typing pauses, and shows the hit before what is seen', async () => {
    const { model, calls, shown } = opened(250);
    model.setLog('a', 3);
    for (const text of ['a', 'ab', 'ab.']) {
      model.setPattern({ text });
      jest.advanceTimersByTime(100);
    }
    expect(calls).toHaveLength(0);
    jest.advanceTimersByTime(200);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({
      task: 'a',
      query: {
        run: 3,
        pattern: 'ab.',
        literal: true,
        ignore_case: true,
        offset: 0
      }
    });
    calls[0].onHits({
      hits: hitsAt(100, 200),
      searched: 220,
      total: 2,
      done: false
    });
    expect(model.getSnapshot()).toMatchObject({ isBusy: true, current: -1 });
    calls[0].onHits({ hits: hitsAt(300), searched: 400, total: 3, done: true });
    calls[0].end();
    await settled();
    expect(model.getSnapshot()).toMatchObject({ isBusy: false, current: 1 });
    expect(shown).toEqual([200]);
    model.step(1);
    model.step(1);
    model.step(-1);
    expect(shown).toEqual([200, 300, 100, 300]);
  });

  it('gives a search up for another pattern, and forgets what it found', async () => {
    const { model, calls, shown } = opened();
    model.setLog('a', 1);
    model.setPattern({ text: 'one' });
    jest.advanceTimersByTime(200);
    calls[0].onHits({ hits: hitsAt(5), searched: 9, total: 1, done: false });
    model.setPattern({ isRegex: true });
    expect(calls[0].signal?.aborted).toBe(true);
    expect(model.getSnapshot().hits).toEqual([]);
    jest.advanceTimersByTime(0);
    expect(calls[1].query).toMatchObject({ literal: false });
    calls[0].onHits({ hits: hitsAt(7), searched: 9, total: 1, done: true });
    await settled();
    expect(model.getSnapshot()).toMatchObject({ hits: [], isBusy: true });
    expect(shown).toEqual([]);
  });

  it('says what is wrong with a pattern, until it is another one', async () => {
    const { model, calls } = opened();
    model.setLog('a', 1);
    model.setPattern({ text: '(', isRegex: true });
    jest.advanceTimersByTime(200);
    calls[0].fail(new Error('This is no regular expression.'));
    await settled();
    expect(model.getSnapshot()).toMatchObject({
      message: 'This is no regular expression.',
      isBusy: false
    });
    model.setSize(1000);
    jest.advanceTimersByTime(5000);
    expect(calls).toHaveLength(1);
    model.setPattern({ text: '()' });
    expect(model.getSnapshot().message).toBeNull();
  });

  it('goes on where a log grows', async () => {
    const { model, calls, shown } = opened();
    model.setLog('a', 1);
    model.setPattern({ text: 'ab' });
    jest.advanceTimersByTime(200);
    calls[0].onHits({ hits: hitsAt(10), searched: 100, total: 1, done: true });
    calls[0].end();
    await settled();
    model.setSize(100);
    jest.advanceTimersByTime(5000);
    expect(calls).toHaveLength(1);
    model.setSize(150);
    jest.advanceTimersByTime(1000);
    expect(calls[1].query).toMatchObject({ offset: 100 });
    calls[1].onHits({ hits: hitsAt(120), searched: 150, total: 1, done: true });
    calls[1].end();
    await settled();
    // What is looked at stays where it is.
    expect(model.getSnapshot()).toMatchObject({ current: 0 });
    expect(model.getSnapshot().hits).toHaveLength(2);
    expect(shown).toEqual([10]);
  });

  it('ends with as many hits as are told', async () => {
    const { model, calls } = opened();
    model.setLog('a', 1);
    model.setPattern({ text: 'a' });
    jest.advanceTimersByTime(200);
    const many = Array.from({ length: MAX_HITS }, (_, index) => index + 1);
    calls[0].onHits({
      hits: hitsAt(...many),
      searched: 9999,
      total: 10000,
      done: true
    });
    calls[0].end();
    await settled();
    expect(model.getSnapshot().isCut).toBe(true);
    model.setSize(1e9);
    jest.advanceTimersByTime(5000);
    expect(calls).toHaveLength(1);
  });

  it('searches another log from its beginning', async () => {
    const { model, calls } = opened();
    model.setLog('a', 1);
    model.setPattern({ text: 'ab' });
    jest.advanceTimersByTime(200);
    calls[0].onHits({ hits: hitsAt(10), searched: 100, total: 1, done: true });
    model.setLog('b', 1);
    jest.advanceTimersByTime(0);
    expect(calls[1]).toMatchObject({ task: 'b', query: { offset: 0 } });
    model.setLog(null, null);
    expect(calls[1].signal?.aborted).toBe(true);
    expect(model.getSnapshot()).toMatchObject({ hits: [], isBusy: false });
    model.dispose();
  });
});
