import type { LogHits, LogMessage } from '../types';
import { DIGITS, MINUTE, pass, rowOf, runAlone, useDemo } from './demohelpers';

const demo = useDemo();

/** Bytes as text, one character a byte. */
const text = (...parts: readonly Uint8Array[]) =>
  parts.map(part => new TextDecoder('latin1').decode(part)).join('');

describe('logs', () => {
  const whole = async (name: string) =>
    demo.client.readLog(DIGITS, name, { offset: 0, limit: 4_000_000 });

  it('are read in parts that make a whole', async () => {
    const { bytes, size } = await whole('baseline');
    expect(bytes.length).toBe(size);
    expect(text(bytes).split('\n').length).toBeGreaterThan(3000);
    const tail = await demo.client.readLog(DIGITS, 'baseline', { tail: 5000 });
    expect(tail.offset + tail.bytes.length).toBe(size);
    expect(bytes[tail.offset - 1]).toBe(10);
    const before = await demo.client.readLog(DIGITS, 'baseline', {
      before: tail.offset,
      limit: 3000
    });
    expect(before.offset + before.bytes.length).toBe(tail.offset);
    expect(text(before.bytes, tail.bytes)).toBe(
      text(bytes.slice(before.offset))
    );
  });

  it('stream while a run goes on, byte by byte what is read', async () => {
    const [{ name }] = (
      await demo.client.listTasks(DIGITS, { status: 'running' })
    ).items;
    const parts: Uint8Array[] = [];
    const headers: LogMessage[] = [];
    const ends: LogMessage[] = [];
    let position = 0;
    const stream = demo.client.streamLog(
      DIGITS,
      name,
      { offset: 0 },
      {
        onHeader: message => headers.push(message),
        onData: ({ offset, bytes, done }) => {
          expect(offset).toBe(position);
          position += bytes.length;
          parts.push(bytes);
          done();
        },
        onReset: () => fail(),
        onEnd: message => ends.push(message)
      }
    );
    await pass(20_000);
    expect(text(...parts)).toBe(text((await whole(name)).bytes));
    const early = position;
    await pass(4 * MINUTE);
    expect(position).toBeGreaterThan(early);
    const { bytes, size } = await whole(name);
    expect(text(...parts)).toBe(text(bytes));
    expect(text(bytes)).toContain('Exit code: 0');
    expect(headers).toMatchObject([{ type: 'header', run: 1, offset: 0 }]);
    expect(ends).toMatchObject([
      { type: 'end', offset: size, size, exit_code: 0, status: 'completed' }
    ]);
    expect(stream.isDisposed).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('follow a run that has not begun', async () => {
    await demo.client.changeQueue(DIGITS, { paused: true });
    await demo.client.createTasks(DIGITS, { text: '', name: 'mine', run: {} });
    const headers: LogMessage[] = [];
    const parts: Uint8Array[] = [];
    demo.client.streamLog(
      DIGITS,
      'mine',
      { tail: 100 },
      {
        onHeader: message => headers.push(message),
        onData: chunk => parts.push(chunk.bytes),
        onReset: () => fail(),
        onEnd: () => undefined
      }
    );
    await pass(1000);
    expect(headers).toMatchObject([{ run: 1, size: 0, status: 'queued' }]);
    expect(parts).toEqual([]);
    await expect(demo.client.readLog(DIGITS, 'mine')).rejects.toMatchObject({
      status: 404
    });
    await demo.client.changeQueue(DIGITS, { paused: false });
    await pass(5 * MINUTE);
    expect(text(parts[0])).toContain('Task mine started at');
  });

  it('wait until what was sent is shown', async () => {
    await runAlone(demo.client, 'long', 'epochs: 2000', {});
    await pass(5 * MINUTE);
    const { bytes } = await whole('long');
    expect(bytes.length).toBeGreaterThan(1024 * 1024);
    const parts: Uint8Array[] = [];
    const open: (() => void)[] = [];
    const ended = jest.fn();
    demo.client.streamLog(
      DIGITS,
      'long',
      {},
      {
        onHeader: () => undefined,
        onData: chunk => {
          parts.push(chunk.bytes);
          open.push(chunk.done);
        },
        onReset: () => fail(),
        onEnd: ended
      }
    );
    await pass(2000);
    expect(parts.reduce((sum, part) => sum + part.length, 0)).toBe(1024 * 1024);
    open.splice(0).forEach(done => done());
    await pass(0);
    expect(text(...parts)).toBe(text(bytes));
    await pass(0);
    expect(ended).toHaveBeenCalledTimes(1);
  });

  it('are searched for texts and patterns', async () => {
    const { bytes, size } = await whole('baseline');
    const search = async (query: object) => {
      let found: LogHits | null = null;
      await demo.client.searchLog(
        DIGITS,
        'baseline',
        { pattern: '', ...query },
        hits => (found = hits)
      );
      return found as unknown as LogHits;
    };
    const literal = await search({ pattern: 'EPOCH 3/', literal: true });
    expect(literal).toMatchObject({ hits: [], done: true, searched: size });
    const epochs = await search({
      pattern: String.raw`EPOCH \d+/300`,
      ignore_case: true
    });
    expect(epochs.hits).toHaveLength(300);
    for (const [offset, length, line, told] of epochs.hits.slice(0, 5)) {
      const found = text(bytes.slice(offset, offset + length));
      expect(found).toMatch(/^epoch \d+\/300$/);
      expect(told).toContain(found);
      expect(bytes[line - 1]).toBe(10);
    }
    const few = await search({ pattern: 'loss', limit: 2 });
    expect(few.hits.length).toBeLessThan(4);
    const more = await search({ pattern: 'loss', offset: few.searched });
    expect(more.hits[0][0]).toBeGreaterThan(few.hits[few.hits.length - 1][0]);
    await expect(search({ pattern: '(' })).rejects.toMatchObject({
      field: 'pattern'
    });
  });

  it('tell when they were written', async () => {
    const { size } = await whole('baseline');
    const { started_at, finished_at } = await rowOf(demo.client, 'baseline');
    const { marks } = await demo.client.listLogTimes(DIGITS, 'baseline', {
      limit: 50
    });
    expect(marks.length).toBeLessThanOrEqual(50);
    expect(marks[marks.length - 1][0]).toBe(size);
    marks.forEach(([, time]) => {
      expect(time).toBeGreaterThanOrEqual(started_at! - 1);
      expect(time).toBeLessThanOrEqual(finished_at! + 1);
    });
    expect([...marks].sort((a, b) => a[0] - b[0])).toEqual(marks);
  });

  it('have no address', () => {
    expect(demo.client.logUrl(DIGITS, 'baseline')).toBeNull();
  });
});
