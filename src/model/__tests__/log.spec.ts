import type { IHit, ILogSink } from '../logstate';
import { LogModel } from '../log';
import { downloadLog } from '../logfile';
import type { ILogCall } from './fake';
import { FakeClient, row } from './fake';

/** A terminal that shows bytes when it is told to. */
class SlowSink implements ILogSink {
  shown = '';
  waiting: { text: string; done: () => void }[] = [];

  start: number | null = null;
  seen = 0;
  isFollowing = true;
  revealed: IHit[] = [];
  /** Where bytes end that stay when others come before them. */
  room = Infinity;
  /** From where to where bytes are shown or wait. */
  part: [number, number] | null = null;

  write(bytes: Uint8Array, offset: number, done: () => void): void {
    this.waiting.push({ text: new TextDecoder().decode(bytes), done });
    this.part = [this.part?.[0] ?? offset, offset + bytes.length];
  }

  prepend(bytes: Uint8Array, offset: number): number {
    this.shown = new TextDecoder().decode(bytes) + this.shown;
    const end = Math.min(this.room, this.part?.[1] ?? 0);
    this.part = [offset, end];
    return end;
  }

  reveal(hit: IHit): boolean {
    const [start, end] = this.part ?? [0, 0];
    const isShown = hit.offset >= start && hit.offset < end;
    if (isShown) {
      this.revealed.push(hit);
    }
    return isShown;
  }

  clear(): void {
    this.shown = '';
    this.waiting = [];
    this.part = null;
  }

  show(): void {
    for (const { text, done } of this.waiting.splice(0)) {
      this.shown += text;
      done();
    }
  }
}

function opened() {
  const client = new FakeClient();
  const model = new LogModel(client.asClient, 'ws');
  const sink = new SlowSink();
  model.attach(sink);
  return { client, model, sink };
}

function header(call: ILogCall, offset: number, run = 1) {
  call.handlers.onHeader({ type: 'header', task: call.task, run, offset });
}

function data(call: ILogCall, offset: number, text: string) {
  const done = jest.fn();
  const bytes = new TextEncoder().encode(text);
  call.handlers.onData({ offset, bytes, done });
  return done;
}

/** The next answer to a request for a part of the log. */
function answer(
  client: FakeClient,
  offset: number,
  text: string,
  size: number
) {
  client.readLog.mockResolvedValueOnce({
    bytes: new TextEncoder().encode(text),
    offset,
    size
  });
}

async function settled() {
  for (let turn = 0; turn < 20; turn++) {
    await Promise.resolve();
  }
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('LogModel', () => {
  it('opens on the tail and acknowledges what is shown', () => {
    const { client, model, sink } = opened();
    model.open('a');
    const [call] = client.logs;
    expect(call.start).toEqual({ run: undefined, tail: 262144 });
    header(call, 1000);
    const done = data(call, 1000, 'hello\n');
    expect(done).not.toHaveBeenCalled();
    sink.show();
    expect(done).toHaveBeenCalledTimes(1);
    jest.advanceTimersByTime(300);
    expect(model.getSnapshot()).toMatchObject({
      task: 'a',
      run: 1,
      phase: 'live',
      start: 1000,
      position: 1006
    });
    call.handlers.onEnd({ type: 'end', offset: 1006 });
    expect(model.getSnapshot().phase).toBe('ended');
  });

  it('never mixes the output of two tasks', () => {
    const { client, model, sink } = opened();
    model.open('a');
    const [a] = client.logs;
    header(a, 0);
    const shownA = data(a, 0, 'AAA');
    const late = sink.waiting[0];
    model.open('b');
    const b = client.logs[1];
    expect(a.stream.isDisposed).toBe(true);
    // Whatever still arrives from the old stream is not for this screen.
    data(a, 3, 'AAA');
    a.handlers.onEnd({ type: 'end', offset: 6 });
    header(b, 0, 4);
    data(b, 0, 'BBB');
    late.done();
    sink.show();
    expect(sink.shown).toBe('BBB');
    expect(shownA).not.toHaveBeenCalled();
    jest.advanceTimersByTime(300);
    expect(model.getSnapshot()).toMatchObject({
      task: 'b',
      run: 4,
      phase: 'live',
      position: 3
    });
  });

  it('does not begin again what is open already', () => {
    const { client, model } = opened();
    model.open('a');
    header(client.logs[0], 0, 2);
    model.open('a');
    model.open('a', 2);
    expect(client.logs).toHaveLength(1);
    model.open('a', 1);
    expect(client.logs).toHaveLength(2);
  });

  it('keeps what is shown through a lost connection', () => {
    const { client, model, sink } = opened();
    model.open('a');
    const [call] = client.logs;
    header(call, 0);
    data(call, 0, 'one\n');
    sink.show();
    call.handlers.onState?.('lost');
    expect(model.getSnapshot().connection).toBe('lost');
    call.handlers.onState?.('open');
    header(call, 4);
    data(call, 4, 'two\n');
    sink.show();
    expect(sink.shown).toBe('one\ntwo\n');
    expect(model.getSnapshot().start).toBe(0);
  });

  it('shows what was written before, and follows the end all the same', async () => {
    const { client, model, sink } = opened();
    model.open('a');
    const [call] = client.logs;
    header(call, 1000, 3);
    data(call, 1000, 'end\n');
    sink.show();
    answer(client, 400, 'next\n', 1004);
    void model.loadEarlier();
    expect(model.getSnapshot().isLoading).toBe(true);
    // Asked for once, however long somebody scrolls.
    void model.loadEarlier();
    await settled();
    expect(client.readLog).toHaveBeenCalledTimes(1);
    expect(client.readLog.mock.calls[0].slice(1, 3)).toEqual([
      'a',
      { run: 3, before: 1000, limit: 262144 }
    ]);
    expect(sink.shown).toBe('next\nend\n');
    expect(model.getSnapshot()).toMatchObject({
      start: 400,
      isAtEnd: true,
      isLoading: false
    });
    data(call, 1004, 'more\n');
    sink.show();
    expect(sink.shown).toBe('next\nend\nmore\n');
  });

  it('leaves the end where there is no room, and comes back to it', async () => {
    const { client, model, sink } = opened();
    model.open('a');
    header(client.logs[0], 1000);
    data(client.logs[0], 1000, 'end\n');
    sink.show();
    sink.room = 900;
    answer(client, 400, 'before\n', 5000);
    void model.loadEarlier();
    await settled();
    expect(client.logs[0].stream.isDisposed).toBe(true);
    expect(model.getSnapshot()).toMatchObject({
      start: 400,
      position: 900,
      isAtEnd: false
    });
    // Late bytes of the old stream do not belong behind these.
    data(client.logs[0], 1004, 'LATE');
    sink.show();
    expect(sink.shown).not.toContain('LATE');

    answer(client, 900, 'x'.repeat(100), 5000);
    void model.loadLater();
    await settled();
    expect(model.getSnapshot()).toMatchObject({
      position: 1000,
      isAtEnd: false
    });
    answer(client, 1000, 'y'.repeat(4000), 5000);
    void model.loadLater();
    await settled();
    expect(model.getSnapshot()).toMatchObject({
      position: 5000,
      isAtEnd: true
    });
    expect(client.logs[1].start).toEqual({ run: 1, offset: 5000 });
    header(client.logs[1], 5000);
    data(client.logs[1], 5000, 'live\n');
    sink.show();
    expect(sink.shown.endsWith('ylive\n')).toBe(true);
    expect(model.getSnapshot().start).toBe(400);
  });

  it('continues after bytes that are not shown yet', async () => {
    const { client, model, sink } = opened();
    model.open('a');
    header(client.logs[0], 0);
    sink.show();
    model.leaveEnd(0);
    for (const offset of [0, 1000]) {
      answer(client, offset, 'x'.repeat(1000), 5000);
      void model.loadLater();
      await settled();
    }
    sink.waiting.shift()?.done();
    jest.advanceTimersByTime(300);
    expect(model.getSnapshot().position).toBe(2000);
  });

  it('follows a jump, and says so for a while', () => {
    const { client, model, sink } = opened();
    model.open('a');
    const [call] = client.logs;
    header(call, 1000);
    data(call, 1000, 'slow\n');
    expect(call.handlers.mayJump()).toBe(true);
    call.handlers.onJump({ type: 'jump', offset: 7000, size: 7100 });
    const done = data(call, 7000, 'latest\n');
    expect(model.getSnapshot()).toMatchObject({ size: 7100, isJumping: true });
    sink.show();
    expect(done).toHaveBeenCalledTimes(1);
    sink.start = 7000;
    jest.advanceTimersByTime(300);
    expect(model.getSnapshot()).toMatchObject({
      start: 7000,
      position: 7007,
      isAtEnd: true
    });
    jest.advanceTimersByTime(2000);
    expect(model.getSnapshot().isJumping).toBe(false);
    // Who reads what is above is not to lose it.
    sink.isFollowing = false;
    expect(call.handlers.mayJump()).toBe(false);
  });

  it('loads what was asked for, also when the sink leaves the end', async () => {
    const { client, model, sink } = opened();
    model.open('a');
    header(client.logs[0], 1000);
    data(client.logs[0], 1000, 'end\nmore\n');
    sink.show();
    answer(client, 400, 'before\n', 5000);
    void model.loadEarlier();
    model.leaveEnd(1004);
    expect(client.logs[0].stream.isDisposed).toBe(true);
    expect(model.getSnapshot()).toMatchObject({
      position: 1004,
      size: 1009,
      isAtEnd: false
    });
    await settled();
    expect(model.getSnapshot()).toMatchObject({ start: 400, isLoading: false });
    answer(client, 1004, 'more\n', 1009);
    void model.loadLater();
    await settled();
    expect(client.readLog.mock.calls[1][2]).toMatchObject({ offset: 1004 });
    expect(client.logs[1].start).toEqual({ run: 1, offset: 1009 });
  });

  it('goes to a place that is not shown, and back to the end', async () => {
    const { client, model, sink } = opened();
    model.open('a');
    header(client.logs[0], 900000);
    data(client.logs[0], 900000, 'end\n');
    sink.show();
    const near = { offset: 900001, length: 2, line: 900000, text: 'end' };
    model.reveal(near);
    expect(sink.revealed).toEqual([near]);
    expect(client.readLog).not.toHaveBeenCalled();

    const far = { offset: 500003, length: 2, line: 500000, text: 'far' };
    answer(client, 369000, 'head\n', 900004);
    answer(client, 500000, 'the far line\n', 900004);
    model.reveal(far);
    await settled();
    expect(client.readLog.mock.calls.map(call => call[2])).toEqual([
      { run: 1, before: 500000, limit: 131072 },
      { run: 1, offset: 500000, limit: 131072 }
    ]);
    sink.show();
    expect(sink.shown).toBe('head\nthe far line\n');
    expect(sink.revealed[1]).toEqual(far);
    expect(model.getSnapshot()).toMatchObject({
      start: 369000,
      position: 500013,
      isAtEnd: false
    });
    model.goToEnd();
    expect(client.logs[1].start).toEqual({ run: 1, tail: 262144 });
    header(client.logs[1], 800000);
    expect(model.getSnapshot()).toMatchObject({ start: 800000, isAtEnd: true });
  });

  it('goes to the last of several places, however quickly they follow', async () => {
    const { client, model, sink } = opened();
    model.open('a');
    header(client.logs[0], 900000);
    const hitAt = (line: number) => ({
      offset: line + 1,
      length: 2,
      line,
      text: ''
    });
    for (const line of [500000, 300000, 100000]) {
      answer(client, line - 1000, 'head\n', 900004);
      model.reveal(hitAt(line));
    }
    answer(client, 100000, 'the last line\n', 900004);
    await settled();
    sink.show();
    expect(sink.shown).toBe('head\nthe last line\n');
    expect(sink.revealed).toEqual([hitAt(100000)]);
    expect(model.getSnapshot()).toMatchObject({
      start: 99000,
      isLoading: false
    });
  });

  it('says what could not be loaded, until it can', async () => {
    const { client, model } = opened();
    model.open('a');
    header(client.logs[0], 1000);
    client.readLog.mockRejectedValueOnce(new Error('gone'));
    expect(await model.loadEarlier()).toBe(false);
    expect(model.getSnapshot().error?.message).toBe('gone');
    expect(model.getSnapshot().isLoading).toBe(false);
    answer(client, 400, 'before\n', 1000);
    expect(await model.loadEarlier()).toBe(true);
    expect(model.getSnapshot()).toMatchObject({ start: 400, error: null });
  });

  it('does not show what was asked for of another task', async () => {
    const { client, model, sink } = opened();
    model.open('a');
    header(client.logs[0], 1000);
    answer(client, 400, 'of a\n', 1000);
    void model.loadEarlier();
    model.open('b');
    header(client.logs[1], 2000);
    await settled();
    expect(sink.shown).toBe('');
    expect(model.getSnapshot()).toMatchObject({
      task: 'b',
      start: 2000,
      isLoading: false
    });
  });

  it('begins anew when the file was replaced', () => {
    const { client, model, sink } = opened();
    model.open('a');
    const [call] = client.logs;
    header(call, 10);
    data(call, 10, 'old');
    sink.show();
    call.handlers.onReset({ type: 'reset', offset: 0, reason: 'cut' });
    data(call, 0, 'new');
    sink.show();
    expect(sink.shown).toBe('new');
    expect(model.getSnapshot()).toMatchObject({ start: 0, wasReset: true });
  });

  it('goes on with the next run of the same task', () => {
    const { client, model } = opened();
    model.open('a');
    header(client.logs[0], 0, 1);
    model.setRow(row('a', { status: 'completed', runs: 1, run: 1 }));
    expect(client.logs).toHaveLength(1);
    model.setRow(row('a', { status: 'queued', runs: 1, run: 1 }));
    expect(client.logs).toHaveLength(2);
    header(client.logs[1], 0, 2);
    model.setRow(row('a', { status: 'running', runs: 2, run: 2 }));
    expect(client.logs).toHaveLength(2);
    model.open('a', 1);
    header(client.logs[2], 0, 1);
    model.setRow(row('a', { status: 'completed', runs: 3, run: 3 }));
    expect(client.logs).toHaveLength(3);
  });

  it('waits for a screen', () => {
    const client = new FakeClient();
    const model = new LogModel(client.asClient, 'ws');
    model.open('a');
    expect(client.logs).toHaveLength(0);
    const sink = new SlowSink();
    model.attach(sink);
    expect(client.logs).toHaveLength(1);
    model.detach(sink);
    expect(client.logs[0].stream.isDisposed).toBe(true);
    model.dispose();
  });

  it('downloads the whole log in pieces', async () => {
    const client = new FakeClient();
    const log = new TextEncoder().encode('0123456789');
    client.readLog.mockImplementation((ws, task, query) =>
      Promise.resolve({
        bytes: log.slice(query.offset, query.offset + Math.min(query.limit, 4)),
        offset: query.offset,
        size: log.length
      })
    );
    const source = { ...client.asClient, logUrl: () => null };
    const file = await downloadLog(source, 'ws', 'a', 2);
    if (typeof file === 'string') {
      throw new Error('not a file');
    }
    expect(file.name).toBe('a-run2.log');
    expect(await file.blob.text()).toBe('0123456789');
    expect(client.readLog.mock.calls[0][2]).toMatchObject({ run: 2 });

    const url = 'http://host/log';
    const served = { ...source, logUrl: () => url };
    expect(await downloadLog(served, 'ws', 'a')).toBe(url);
  });
});
