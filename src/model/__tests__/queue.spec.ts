import { ClientError } from '../../client/errors';
import type { Queue, QueueChange, QueuedBatch } from '../../client/types';
import { batchTimeLeft, timeLeft } from '../estimate';
import { QueueModel } from '../queue';

const BATCH: QueuedBatch = {
  id: '1',
  workspace: 'train',
  created_at: 1,
  options: { jobs: 2 },
  total: 6,
  waiting: 4,
  running: 2,
  why: '',
  next: ['a', 'b', 'c', 'd'],
  foreign: false
};

const FOREIGN: QueuedBatch = {
  ...BATCH,
  id: '2',
  waiting: 6,
  running: 0,
  foreign: true
};

const queueOf = (batches: QueuedBatch[], paused = false): Queue => ({
  paused,
  scheduler_alive: true,
  batches
});

describe('QueueModel', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  const make = () => {
    const client = {
      getQueue: jest.fn(async () => queueOf([])),
      changeQueue: jest.fn(async (ws: string, change: QueueChange) =>
        change.requeue ? queueOf([BATCH]) : queueOf([], change.paused ?? false)
      )
    };
    return { client, model: new QueueModel(client, 'ws') };
  };

  it('asks only while somebody looks, and again while something waits', async () => {
    const { client, model } = make();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(client.getQueue).not.toHaveBeenCalled();

    client.getQueue.mockImplementation(async () => queueOf([BATCH]));
    const leave = model.subscribe(() => undefined);
    await jest.advanceTimersByTimeAsync(0);
    expect(model.getSnapshot().queue?.batches).toEqual([BATCH]);
    await jest.advanceTimersByTimeAsync(9000);
    expect(client.getQueue).toHaveBeenCalledTimes(3);

    client.getQueue.mockImplementation(async () => queueOf([]));
    await jest.advanceTimersByTimeAsync(60_000);
    expect(client.getQueue).toHaveBeenCalledTimes(4);
    model.scheduleRefresh();
    await jest.advanceTimersByTimeAsync(1000);
    expect(client.getQueue).toHaveBeenCalledTimes(5);

    client.getQueue.mockImplementation(async () => queueOf([BATCH]));
    leave();
    model.scheduleRefresh();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(client.getQueue).toHaveBeenCalledTimes(5);
  });

  it('tells nobody when nothing changed', async () => {
    const { client, model } = make();
    client.getQueue.mockImplementation(async () => queueOf([{ ...BATCH }]));
    const heard = jest.fn();
    model.subscribe(heard);
    await jest.advanceTimersByTimeAsync(20_000);
    expect(heard).toHaveBeenCalledTimes(1);
    model.dispose();
  });

  it('shows a pause at once, and takes it back when it is refused', async () => {
    const { client, model } = make();
    model.subscribe(() => undefined);
    await jest.advanceTimersByTimeAsync(0);
    const asked = model.pause(true);
    expect(model.getSnapshot().pausing).toBe(true);
    await asked;
    expect(model.getSnapshot()).toMatchObject({
      pausing: null,
      queue: { paused: true }
    });

    client.changeQueue.mockImplementation(async () => {
      throw new ClientError('You may not.', { status: 403 });
    });
    await expect(model.pause(false)).rejects.toThrow('You may not.');
    expect(model.getSnapshot()).toMatchObject({
      pausing: null,
      queue: { paused: true }
    });
    model.dispose();
  });

  it.each(['pause', 'requeue'])(
    'shows the answer to a %s, and asks for what changes meanwhile after it',
    async action => {
      const { client, model } = make();
      client.getQueue.mockImplementation(async () => queueOf([FOREIGN]));
      model.subscribe(() => undefined);
      await jest.advanceTimersByTimeAsync(0);
      let done: (queue: Queue) => void = () => undefined;
      const slow = () => new Promise<Queue>(resolve => (done = resolve));
      client.changeQueue.mockImplementationOnce(slow);
      const asked =
        action === 'pause' ? model.pause(true) : model.requeueForeign();
      // Nothing is asked while the server is at it, and answered before.
      client.getQueue.mockClear();
      model.scheduleRefresh();
      await jest.advanceTimersByTimeAsync(3000);
      expect(client.getQueue).not.toHaveBeenCalled();
      done(queueOf([BATCH], true));
      await asked;
      expect(model.getSnapshot().queue).toEqual(queueOf([BATCH], true));
      client.getQueue.mockImplementation(async () => queueOf([]));
      await jest.advanceTimersByTimeAsync(400);
      expect(model.getSnapshot().queue).toEqual(queueOf([]));
      model.dispose();
    }
  );

  it('queues again what was queued elsewhere, or tells why not', async () => {
    const { client, model } = make();
    client.getQueue.mockImplementation(async () => queueOf([FOREIGN]));
    model.subscribe(() => undefined);
    await jest.advanceTimersByTimeAsync(0);
    client.changeQueue.mockImplementationOnce(async () => {
      throw new ClientError('You may not.', { status: 403 });
    });
    const refused = model.requeueForeign();
    expect(model.getSnapshot().requeueing).toBe(true);
    await expect(refused).rejects.toThrow('You may not.');
    expect(model.getSnapshot()).toMatchObject({
      requeueing: false,
      queue: { batches: [FOREIGN] }
    });

    // An answer that was on its way is older.
    let answer: (queue: Queue) => void = () => undefined;
    client.getQueue.mockImplementationOnce(
      () => new Promise<Queue>(resolve => (answer = resolve))
    );
    await jest.advanceTimersByTimeAsync(1000);
    await model.requeueForeign();
    answer(queueOf([FOREIGN]));
    await jest.advanceTimersByTimeAsync(0);
    expect(model.getSnapshot()).toMatchObject({
      requeueing: false,
      queue: { batches: [BATCH] }
    });
    model.dispose();
  });

  it('does not ask again and again for what does not run here', async () => {
    const { client, model } = make();
    client.getQueue.mockImplementation(async () => queueOf([FOREIGN]));
    model.subscribe(() => undefined);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(client.getQueue).toHaveBeenCalledTimes(1);
    model.dispose();
  });

  it('keeps what it knew when the server is gone, and says so', async () => {
    const { client, model } = make();
    client.getQueue.mockImplementation(async () => queueOf([BATCH]));
    model.subscribe(() => undefined);
    await jest.advanceTimersByTimeAsync(0);
    client.getQueue.mockImplementation(async () => {
      throw new ClientError('gone', { status: 0 });
    });
    await jest.advanceTimersByTimeAsync(5000);
    expect(model.getSnapshot().queue?.batches).toHaveLength(1);
    expect(model.getSnapshot().error?.message).toBe('gone');
    model.dispose();
  });
});

describe('time left', () => {
  const NOW = 1_000_000;
  const running = (elapsed: number, progress: number | null = null) => ({
    status: 'running' as const,
    started_at: NOW / 1000 - elapsed,
    progress
  });

  it('follows progress, else earlier runs, else nothing', () => {
    expect(timeLeft(running(30, 0.25), 1000, NOW)).toBeCloseTo(90);
    expect(timeLeft(running(30), 100, NOW)).toBeCloseTo(70);
    expect(timeLeft(running(120), 100, NOW)).toBe(0);
    expect(timeLeft(running(300), 100, NOW)).toBeNull();
    expect(timeLeft(running(30, 0.001), null, NOW)).toBeNull();
    expect(
      timeLeft({ status: 'queued', started_at: null, progress: null }, 9, NOW)
    ).toBeNull();
  });

  it('of a batch shares the work among what runs at a time', () => {
    const two = [running(50), running(50)];
    // 2 x 50 s are left of what runs and 4 x 100 s wait, on two jobs.
    expect(batchTimeLeft(BATCH, two, 100, NOW)).toBeCloseTo(250);
    expect(batchTimeLeft(BATCH, [], 100, NOW)).toBeCloseTo(250);
    expect(batchTimeLeft(BATCH, two, null, NOW)).toBeNull();
    expect(batchTimeLeft(BATCH, [running(400)], 100, NOW)).toBeNull();
    const last = { ...BATCH, waiting: 0, running: 1 };
    expect(batchTimeLeft(last, [running(10)], 100, NOW)).toBeCloseTo(90);
  });
});
