import type { ILogSink } from '../log';
import { LogModel } from '../log';
import type { ILogCall } from './fake';
import { FakeClient, row } from './fake';

/** A terminal that shows bytes when it is told to. */
class SlowSink implements ILogSink {
  shown = '';
  waiting: { text: string; done: () => void }[] = [];

  write(bytes: Uint8Array, done: () => void): void {
    this.waiting.push({ text: new TextDecoder().decode(bytes), done });
  }

  clear(): void {
    this.shown = '';
    this.waiting = [];
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

  it('loads earlier output from the start of a line', () => {
    const { client, model, sink } = opened();
    model.open('a');
    header(client.logs[0], 1000, 3);
    model.loadEarlier(600);
    const call = client.logs[1];
    expect(call.start).toEqual({ run: 3, offset: 400 });
    header(call, 400, 3);
    data(call, 400, 'end of a li');
    data(call, 411, 'ne\nnext\n');
    sink.show();
    expect(sink.shown).toBe('next\n');
    expect(model.getSnapshot().start).toBe(414);
    model.loadEarlier();
    expect(client.logs[2].start).toEqual({ run: 3, offset: 0 });
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
    model.noteRow(row('a', { status: 'completed', runs: 1, run: 1 }));
    expect(client.logs).toHaveLength(1);
    model.noteRow(row('a', { status: 'queued', runs: 1, run: 1 }));
    expect(client.logs).toHaveLength(2);
    header(client.logs[1], 0, 2);
    model.noteRow(row('a', { status: 'running', runs: 2, run: 2 }));
    expect(client.logs).toHaveLength(2);
    model.open('a', 1);
    header(client.logs[2], 0, 1);
    model.noteRow(row('a', { status: 'completed', runs: 3, run: 3 }));
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
    const { client, model } = opened();
    model.open('a');
    header(client.logs[0], 5, 2);
    const log = new TextEncoder().encode('0123456789');
    client.readLog.mockImplementation((ws, task, query) =>
      Promise.resolve({
        bytes: log.slice(query.offset, query.offset + Math.min(query.limit, 4)),
        offset: query.offset,
        size: log.length
      })
    );
    let text = '';
    for await (const piece of model.download()) {
      text += new TextDecoder().decode(piece);
    }
    expect(text).toBe('0123456789');
    expect(client.readLog.mock.calls[0][2]).toMatchObject({ run: 2 });
  });
});
