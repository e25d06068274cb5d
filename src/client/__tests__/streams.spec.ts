import { createClient } from '../client';
import { ServerTransport } from '../server';
import type { EventMessage, ILogChunk, LogMessage } from '../types';
import { TestSockets } from './sockets';

function connect() {
  const sockets = new TestSockets();
  const request = jest.fn(() => Promise.reject(new Error('offline')));
  const client = createClient(
    new ServerTransport({
      baseUrl: 'http://localhost:8888/',
      wsUrl: 'ws://localhost:8888/',
      request,
      openSocket: sockets.open
    })
  );
  return { sockets, client, request };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('EventStream', () => {
  function watch() {
    const { sockets, client } = connect();
    const seen: string[] = [];
    const tell = (kind: string) => (message: EventMessage) =>
      seen.push(`${kind} ${message.epoch} ${message.revision}`);
    const stream = client.streamEvents('a/b', {
      onHello: tell('hello'),
      onChanges: tell('changes'),
      onReset: tell('reset'),
      onState: state => seen.push(state)
    });
    return { sockets, seen, stream };
  }

  it('asks for the workspace by its encoded id', () => {
    const { sockets } = watch();
    expect(sockets.last.url).toBe(
      'ws://localhost:8888/pyruns/api/workspaces/a%2Fb/events'
    );
  });

  it('does not trust a socket when the network goes', () => {
    const { sockets, seen, stream } = watch();
    sockets.last.accept();
    sockets.last.text({ type: 'hello', epoch: 'one', revision: 4 });
    // Nobody closes the socket: it would look open for minutes.
    window.dispatchEvent(new Event('offline'));
    expect(seen).toEqual(['open', 'hello one 4', 'lost']);
    expect(sockets.all[0].isClosed).toBe(true);
    // A server on this machine, or one that is back, is found at once.
    jest.advanceTimersByTime(600);
    sockets.last.accept();
    expect(sockets.last.asked('since')).toBe('4');
    expect(stream.state).toBe('open');
    window.dispatchEvent(new Event('offline'));
    stream.dispose();
    window.dispatchEvent(new Event('offline'));
    expect(sockets.all).toHaveLength(2);
  });

  it('goes on from the last revision after a loss', () => {
    const { sockets, seen, stream } = watch();
    sockets.last.accept();
    sockets.last.text({ type: 'hello', epoch: 'one', revision: 4 });
    sockets.last.text({ type: 'changes', epoch: 'one', revision: 7 });
    sockets.last.break();
    expect(stream.state).toBe('lost');
    jest.advanceTimersByTime(600);
    expect(sockets.all).toHaveLength(2);
    expect(sockets.last.asked('epoch')).toBe('one');
    expect(sockets.last.asked('since')).toBe('7');
    sockets.last.accept();
    sockets.last.text({ type: 'hello', epoch: 'one', revision: 9 });
    sockets.last.break();
    jest.advanceTimersByTime(2000);
    // The greeting named 9, but what led there was not delivered yet.
    expect(sockets.last.asked('since')).toBe('7');
    expect(seen).toEqual([
      'open',
      'hello one 4',
      'changes one 7',
      'lost',
      'open',
      'hello one 9',
      'lost'
    ]);
  });

  it('tells to list again when the server began anew', () => {
    const { sockets, seen } = watch();
    sockets.last.accept();
    sockets.last.text({ type: 'hello', epoch: 'one', revision: 40 });
    sockets.last.break();
    jest.advanceTimersByTime(600);
    sockets.last.accept();
    seen.length = 0;
    sockets.last.text({ type: 'hello', epoch: 'two', revision: 1 });
    sockets.last.text({ type: 'changes', epoch: 'two', revision: 2 });
    expect(seen).toEqual(['reset two 1', 'changes two 2']);
  });

  it('waits longer and longer, and not at all when asked', () => {
    const { sockets, stream } = watch();
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 8; attempt++) {
      const count = sockets.all.length;
      const began = Date.now();
      sockets.last.break();
      while (sockets.all.length === count) {
        jest.advanceTimersByTime(50);
      }
      pauses.push(Date.now() - began);
    }
    expect(pauses[0]).toBeLessThanOrEqual(550);
    expect(pauses[7]).toBeGreaterThan(7000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(15050);
    sockets.last.break();
    stream.retry();
    expect(sockets.all).toHaveLength(10);
  });

  it('is silent once disposed', () => {
    const { sockets, seen, stream } = watch();
    const socket = sockets.last;
    socket.accept();
    stream.dispose();
    expect(socket.isClosed).toBe(true);
    socket.text({ type: 'hello', epoch: 'one', revision: 1 });
    socket.break();
    jest.advanceTimersByTime(60000);
    expect(sockets.all).toHaveLength(1);
    expect(seen).toEqual(['open']);
  });

  it('asks why when a socket is refused', async () => {
    const { sockets, client, request } = connect();
    request.mockResolvedValueOnce(
      // jsdom has no Response.
      {
        ok: false,
        status: 404,
        json: () => Promise.resolve({ message: 'There is no workspace a.' })
      } as never
    );
    const onError = jest.fn();
    const stream = client.streamEvents('a', {
      onChanges: jest.fn(),
      onReset: jest.fn(),
      onError
    });
    sockets.last.break();
    await jest.advanceTimersByTimeAsync(10);
    expect(onError.mock.calls[0][0].message).toBe('There is no workspace a.');
    expect(onError.mock.calls[0][0].status).toBe(404);
    stream.dispose();
  });
});

describe('LogStream', () => {
  function follow(mayJump = false) {
    const { sockets, client } = connect();
    const chunks: ILogChunk[] = [];
    const told: LogMessage[] = [];
    const stream = client.streamLog(
      'ws',
      'task 1',
      { tail: 1000 },
      {
        onHeader: message => told.push(message),
        onData: chunk => chunks.push(chunk),
        onReset: message => told.push(message),
        mayJump: () => mayJump,
        onJump: message => told.push(message),
        onEnd: message => told.push(message)
      }
    );
    const text = () =>
      chunks.map(chunk => new TextDecoder().decode(chunk.bytes)).join('');
    return { sockets, chunks, told, stream, text };
  }

  it('resumes at the byte where it broke, in the same run', () => {
    const { sockets, chunks, text } = follow();
    expect(sockets.last.asked('tail')).toBe('1000');
    sockets.last.accept();
    sockets.last.text({ type: 'header', run: 3, offset: 100, size: 106 });
    sockets.last.bytes('abc');
    sockets.last.bytes('def');
    sockets.last.break();
    jest.advanceTimersByTime(600);
    expect(sockets.last.asked('run')).toBe('3');
    expect(sockets.last.asked('offset')).toBe('106');
    expect(sockets.last.asked('tail')).toBeNull();
    sockets.last.accept();
    sockets.last.text({ type: 'header', run: 3, offset: 106, size: 109 });
    sockets.last.bytes('ghi');
    expect(text()).toBe('abcdefghi');
    expect(chunks.map(chunk => chunk.offset)).toEqual([100, 103, 106]);
  });

  it('drops bytes that a new connection repeats', () => {
    const { sockets, text } = follow();
    sockets.last.accept();
    sockets.last.text({ type: 'header', run: 1, offset: 0, size: 6 });
    sockets.last.bytes('abcdef');
    sockets.last.break();
    jest.advanceTimersByTime(600);
    sockets.last.accept();
    sockets.last.text({ type: 'header', run: 1, offset: 2, size: 9 });
    sockets.last.bytes('cd');
    sockets.last.bytes('efghi');
    expect(text()).toBe('abcdefghi');
  });

  it('acknowledges what is shown, once, on the living connection', () => {
    const { sockets, chunks } = follow();
    sockets.last.accept();
    sockets.last.text({ type: 'header', run: 1, offset: 10, size: 16 });
    sockets.last.bytes('abc');
    sockets.last.bytes('def');
    expect(sockets.last.sent).toEqual([]);
    chunks[0].done();
    chunks[1].done();
    chunks[1].done();
    expect(sockets.last.sent).toEqual([{ ack: 16 }]);
    sockets.last.bytes('x'.repeat(70000));
    sockets.last.bytes('y');
    chunks[2].done();
    expect(sockets.last.sent).toEqual([{ ack: 16 }, { ack: 70016 }]);
    sockets.last.break();
    jest.advanceTimersByTime(600);
    sockets.last.accept();
    sockets.last.text({ type: 'header', run: 1, offset: 70017, size: 70018 });
    chunks[3].done();
    expect(sockets.last.sent).toEqual([]);
    sockets.last.bytes('z');
    chunks[4].done();
    expect(sockets.last.sent).toEqual([{ ack: 70018 }]);
  });

  it('counts anew when the file was cut, also while it was away', () => {
    const { sockets, chunks, told } = follow();
    sockets.last.accept();
    sockets.last.text({ type: 'header', run: 1, offset: 50, size: 53 });
    sockets.last.bytes('abc');
    sockets.last.text({ type: 'reset', run: 1, offset: 0, reason: 'cut' });
    sockets.last.bytes('new');
    expect(chunks[1].offset).toBe(0);
    // A callback from before the cut says nothing about the new bytes.
    chunks[0].done();
    expect(sockets.last.sent).toEqual([]);
    sockets.last.break();
    jest.advanceTimersByTime(600);
    sockets.last.accept();
    sockets.last.text({ type: 'header', run: 1, offset: 1, size: 1 });
    sockets.last.bytes('?');
    jest.advanceTimersByTime(3000);
    expect(sockets.last.asked('offset')).toBe('0');
    sockets.last.accept();
    sockets.last.text({ type: 'header', run: 1, offset: 0, size: 1 });
    sockets.last.bytes('n');
    expect(chunks.map(chunk => chunk.offset)).toEqual([50, 0, 0]);
    expect(told.map(message => message.type)).toEqual([
      'header',
      'reset',
      'reset',
      'header'
    ]);
  });

  it('permits a jump, and counts from where it leads', () => {
    const { sockets, chunks, told } = follow(true);
    sockets.last.accept();
    sockets.last.text({ type: 'header', run: 1, offset: 10, size: 16 });
    sockets.last.bytes('abc');
    sockets.last.bytes('def');
    chunks[0].done();
    chunks[1].done();
    expect(sockets.last.sent).toEqual([{ ack: 16, jump: true }]);
    sockets.last.bytes('ghi');
    sockets.last.text({ type: 'jump', run: 1, offset: 5000, size: 6000 });
    sockets.last.bytes('xyz');
    // The server does not wait for what came before.
    chunks[2].done();
    expect(sockets.last.sent).toHaveLength(1);
    chunks[3].done();
    expect(sockets.last.sent[1]).toEqual({ ack: 5003, jump: true });
    expect(chunks.map(chunk => chunk.offset)).toEqual([10, 13, 16, 5000]);
    expect(told.map(message => message.type)).toEqual(['header', 'jump']);
    sockets.last.break();
    jest.advanceTimersByTime(600);
    expect(sockets.last.asked('offset')).toBe('5003');
  });

  it('ends with the run and does not come back', () => {
    const { sockets, told } = follow();
    sockets.last.accept();
    sockets.last.text({ type: 'header', run: 1, offset: 0, size: 0 });
    sockets.last.text({ type: 'end', run: 1, offset: 0, exit_code: 0 });
    sockets.last.break();
    jest.advanceTimersByTime(60000);
    expect(sockets.all).toHaveLength(1);
    expect(told.map(message => message.type)).toEqual(['header', 'end']);
  });
});

describe('SystemStream', () => {
  it('gives the history and then each sample', () => {
    const { sockets, client } = connect();
    const onHistory = jest.fn();
    const onSample = jest.fn();
    const stream = client.streamSystem({ onHistory, onSample });
    sockets.last.accept();
    sockets.last.text({ type: 'history', samples: [{ time: 1 }] });
    sockets.last.text({ type: 'sample', samples: [{ time: 2 }, { time: 3 }] });
    expect(onHistory).toHaveBeenCalledWith([{ time: 1 }]);
    expect(onSample.mock.calls).toEqual([[{ time: 2 }], [{ time: 3 }]]);
    stream.dispose();
  });
});
