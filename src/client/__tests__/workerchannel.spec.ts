import type { IWorker } from '../workerchannel';
import { workerChannel } from '../workerchannel';

type Listener = Parameters<IWorker['addEventListener']>[1];

class FakeWorker implements IWorker {
  readonly sent: object[] = [];

  constructor(readonly problem?: string) {}

  postMessage(content: object): void {
    this.sent.push(content);
  }

  addEventListener(type: 'message' | 'error', listener: Listener): void {
    this._listeners[type].add(listener);
  }

  removeEventListener(type: 'message' | 'error', listener: Listener): void {
    this._listeners[type].delete(listener);
  }

  tell(data: object): void {
    const event = new MessageEvent('message', { data });
    [...this._listeners.message].forEach(listener => listener(event));
  }

  break(message: string): void {
    const event = new ErrorEvent('error', { message });
    [...this._listeners.error].forEach(listener =>
      listener(event as unknown as MessageEvent)
    );
  }

  private readonly _listeners = {
    message: new Set<Listener>(),
    error: new Set<Listener>()
  };
}

describe('workerChannel', () => {
  it('carries messages with their buffers in both directions', async () => {
    const worker = new FakeWorker();
    const { channel, ready } = workerChannel(worker);
    const heard: unknown[] = [];
    const stop = channel.listen((content, buffers) =>
      heard.push([content, buffers])
    );
    const bytes = new Uint8Array([1, 2]);
    channel.send({ type: 'request' });
    worker.tell({ content: { type: 'answer' }, buffers: [bytes] });
    worker.tell({ state: 'ready' });
    worker.tell({ content: { type: 'text' } });
    stop();
    worker.tell({ content: { type: 'closed' } });

    await ready;
    expect(worker.sent).toEqual([{ type: 'state' }, { type: 'request' }]);
    expect(heard).toEqual([
      [{ type: 'answer' }, [bytes]],
      [{ type: 'text' }, []]
    ]);
  });

  it.each([
    [
      'says so',
      (worker: FakeWorker) =>
        worker.tell({ state: 'failed', message: 'no memory' })
    ],
    ['breaks', (worker: FakeWorker) => worker.break('no memory')]
  ])('is gone when Python %s', async (_, fail) => {
    const worker = new FakeWorker();
    const { channel, ready } = workerChannel(worker);
    let gone = 0;
    channel.onGone(() => gone++);
    channel.onGone(() => gone++)();
    fail(worker);

    await expect(ready).rejects.toThrow('no memory');
    expect(gone).toBe(1);
  });

  it('is gone when Python broke before', async () => {
    const { channel, ready } = workerChannel(new FakeWorker('no memory'));
    let gone = 0;
    channel.onGone(() => gone++);

    await expect(ready).rejects.toThrow('no memory');
    expect(gone).toBe(1);
  });
});
