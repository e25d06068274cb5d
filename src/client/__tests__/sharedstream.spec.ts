import { createClient } from '../client';
import { ServerTransport } from '../server';
import { SharedStream, shareEvents, shareSystem } from '../sharedstream';
import type { IEventHandlers, IStream, SystemSample } from '../types';
import { TestSockets } from './sockets';

const settled = () => new Promise(resolve => setTimeout(resolve));

/** A stream that a test plays. */
function fake() {
  const made: {
    stream: IStream & { retried: number };
    handlers: IEventHandlers;
  }[] = [];
  const open = (handlers: IEventHandlers): IStream => {
    const stream = {
      state: 'connecting' as IStream['state'],
      isDisposed: false,
      retried: 0,
      retry: () => void stream.retried++,
      dispose: () => void (stream.isDisposed = true)
    };
    made.push({ stream, handlers });
    return stream;
  };
  return { made, open };
}

function listener() {
  const heard: string[] = [];
  const handlers: IEventHandlers = {
    onHello: ({ revision, counts }) =>
      heard.push(`hello ${revision} ${counts?.running ?? '-'}`),
    onChanges: ({ revision }) => heard.push(`changes ${revision}`),
    onReset: ({ revision }) => heard.push(`reset ${revision}`),
    onState: state => heard.push(state)
  };
  return { heard, handlers };
}

const COUNTS = {
  pending: 0,
  queued: 0,
  running: 2,
  completed: 0,
  failed: 0,
  cancelled: 0,
  unreadable: 0
};

describe('streams that are shared', () => {
  it('tell all of them, who come later what is known', async () => {
    const { made, open } = fake();
    const events = new SharedStream(shareEvents, open);
    const [first, second] = [listener(), listener()];
    events.join(first.handlers);
    const [{ stream, handlers }] = made;
    Object.assign(stream, { state: 'open' });
    handlers.onState?.('open');
    handlers.onHello?.({
      type: 'hello',
      epoch: 'e',
      revision: 4,
      counts: COUNTS
    });
    handlers.onChanges({ type: 'changes', epoch: 'e', revision: 5 });

    events.join(second.handlers);
    // As of any stream, nothing comes before the call has returned.
    expect(second.heard).toEqual([]);
    await settled();
    expect(second.heard).toEqual(['open', 'hello 5 2']);
    handlers.onChanges({ type: 'changes', epoch: 'e', revision: 6 });
    expect(first.heard).toEqual([
      'open',
      'hello 4 2',
      'changes 5',
      'changes 6'
    ]);
    expect(second.heard.slice(2)).toEqual(['changes 6']);
    expect(made).toHaveLength(1);
  });

  it('end with the last who listens, and begin anew', async () => {
    const { made, open } = fake();
    const events = new SharedStream(shareEvents, open);
    const [first, second] = [listener(), listener()];
    const held = [events.join(first.handlers), events.join(second.handlers)];
    held[0].dispose();
    held[0].dispose();
    held[0].retry();
    expect(made[0].stream.isDisposed).toBe(false);
    expect(made[0].stream.retried).toBe(0);
    made[0].handlers.onReset({ type: 'reset', epoch: 'f', revision: 1 });
    expect(first.heard).toEqual([]);
    expect(second.heard).toEqual(['reset 1']);
    held[1].dispose();
    expect(made[0].stream.isDisposed).toBe(true);

    const third = listener();
    events.join(third.handlers);
    expect(made).toHaveLength(2);
    await settled();
    // What an ended stream knew is old.
    expect(third.heard).toEqual([]);
  });

  it('are one for each workspace', () => {
    const sockets = new TestSockets();
    const client = createClient(
      new ServerTransport({
        baseUrl: 'http://host/',
        wsUrl: 'ws://host/',
        request: () => new Promise(() => undefined),
        openSocket: sockets.open
      })
    );
    const streams = ['a', 'b', 'a'].map(ws =>
      client.streamEvents(ws, listener().handlers)
    );
    expect(sockets.all).toHaveLength(2);
    streams.forEach(stream => stream.dispose());
    expect(sockets.all.map(socket => socket.isClosed)).toEqual([true, true]);
  });

  it('tell who comes later of the machine’s past', async () => {
    const sample = (time: number) => ({ time }) as SystemSample;
    let tell: (sample: SystemSample) => void = () => undefined;
    const system = new SharedStream(shareSystem, handlers => {
      handlers.onHistory([sample(1)]);
      tell = handlers.onSample;
      return {
        state: 'open',
        isDisposed: false,
        retry: () => undefined,
        dispose: () => undefined
      };
    });
    const ignore = { onHistory: () => undefined, onSample: () => undefined };
    system.join(ignore);
    tell(sample(2));
    const heard: number[][] = [];
    system.join({
      onHistory: samples => heard.push(samples.map(({ time }) => time)),
      onSample: ({ time }) => heard.push([time])
    });
    await settled();
    tell(sample(3));
    expect(heard).toEqual([[1, 2], [3]]);
  });

  it('keep nothing from the others when one of them fails', () => {
    jest.useFakeTimers();
    const { made, open } = fake();
    const events = new SharedStream(shareEvents, open);
    const good = listener();
    events.join({
      ...listener().handlers,
      onChanges: () => {
        throw new Error('a mistake');
      }
    });
    events.join(good.handlers);
    made[0].handlers.onChanges({ type: 'changes', epoch: 'e', revision: 7 });
    expect(good.heard).toEqual(['changes 7']);
    expect(() => jest.advanceTimersByTime(1)).toThrow('a mistake');
    jest.useRealTimers();
  });
});
