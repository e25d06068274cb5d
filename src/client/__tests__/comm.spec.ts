import { createClient } from '../client';
import type { IChannel } from '../comm';
import { CommTransport } from '../comm';
import { ClientError, isAbort } from '../errors';
import type { EventMessage, IClient } from '../types';

interface ISent {
  type: string;
  request?: string;
  operation?: string;
  arguments?: Record<string, unknown>;
  socket?: string;
  stream?: string;
  text?: string;
}

/** A kernel that does nothing by itself. */
class Kernel implements IChannel {
  sent: ISent[] = [];
  isGone = false;

  send(content: object): void {
    if (this.isGone) {
      throw new Error('Cannot send');
    }
    this.sent.push(content as ISent);
  }

  listen(heard: (content: unknown, buffers: Uint8Array[]) => void) {
    this._heard.add(heard);
    return () => this._heard.delete(heard);
  }

  onGone(heard: () => void) {
    this._gone.add(heard);
    return () => this._gone.delete(heard);
  }

  get listeners(): number {
    return this._heard.size + this._gone.size;
  }

  get last(): ISent {
    return this.sent[this.sent.length - 1];
  }

  say(content: object, buffers: Uint8Array[] = []): void {
    this._heard.forEach(heard => heard(content, buffers));
  }

  answer(request: ISent, value: unknown, buffers: Uint8Array[] = []): void {
    this.say(
      {
        type: 'answer',
        request: request.request,
        text: JSON.stringify(value)
      },
      buffers
    );
  }

  leave(): void {
    this.isGone = true;
    this._gone.forEach(heard => heard());
  }

  private _heard = new Set<(content: unknown, buffers: Uint8Array[]) => void>();
  private _gone = new Set<() => void>();
}

function failure(promise: Promise<unknown>): Promise<ClientError> {
  return promise.then(
    () => {
      throw new Error('It did not fail');
    },
    error => error as ClientError
  );
}

describe('the client of a kernel', () => {
  let kernel: Kernel;
  let transport: CommTransport;
  let client: IClient;

  beforeEach(() => {
    jest.useFakeTimers();
    kernel = new Kernel();
    transport = new CommTransport(kernel, 1000);
    client = createClient(transport);
  });

  afterEach(() => {
    transport.dispose();
    jest.useRealTimers();
  });

  it('asks by operation and gets the answer to its own question', async () => {
    const first = client.getTask('/p/_pyruns_/t', 'a');
    const second = client.listTasks('/p/_pyruns_/t', { query: 'lr<1' });
    const [one, two] = kernel.sent;
    expect(one).toMatchObject({
      type: 'request',
      operation: 'getTask',
      arguments: { ws: '/p/_pyruns_/t', task: 'a' }
    });
    expect(two.arguments).toEqual({ ws: '/p/_pyruns_/t', query: 'lr<1' });
    expect(one.request).not.toBe(two.request);
    kernel.answer(two, { items: [], total: 0 });
    kernel.answer(one, { notes: 'n' });
    await expect(second).resolves.toEqual({ items: [], total: 0 });
    await expect(first).resolves.toEqual({ notes: 'n' });
  });

  it('does not take answers meant for another view', async () => {
    const other = new CommTransport(kernel, 1000);
    const mine = client.getSystem();
    const theirs = createClient(other).getSystem();
    kernel.answer(kernel.sent[1], { time: 2 });
    kernel.answer(kernel.sent[0], { time: 1 });
    await expect(mine).resolves.toEqual({ time: 1 });
    await expect(theirs).resolves.toEqual({ time: 2 });
    other.dispose();
  });

  it('tells errors as the server would', async () => {
    const wrong = failure(client.listTasks('ws', { query: '"' }));
    kernel.say({
      type: 'answer',
      request: kernel.last.request,
      error: {
        status: 400,
        code: 'invalid_input',
        message: 'A quote is never closed.',
        field: 'query',
        line: 1,
        column: 1
      }
    });
    const error = await wrong;
    expect(error).toBeInstanceOf(ClientError);
    expect(error).toMatchObject({
      status: 400,
      field: 'query',
      column: 1,
      message: 'A quote is never closed.'
    });
  });

  it('gives the bytes of a log', async () => {
    const log = client.readLog('ws', 'a', { tail: 10 });
    const bytes = new Uint8Array([27, 91, 109, 255]);
    kernel.answer(kernel.last, { offset: 6, size: 10 }, [bytes]);
    await expect(log).resolves.toEqual({ offset: 6, size: 10, bytes });
  });

  it('gives the bytes of a file', async () => {
    const asked = client.exportResults('/w', { format: 'json' });
    expect(kernel.last.arguments).toEqual({ ws: '/w', format: 'json' });
    kernel.answer(
      kernel.last,
      { name: 'train.json', type: 'application/json' },
      [new Uint8Array([91, 93])]
    );
    const { blob, name } = await asked;
    expect([name, blob.type, blob.size]).toEqual([
      'train.json',
      'application/json',
      2
    ]);
  });

  it('gives up when its caller does', async () => {
    const abort = new AbortController();
    const list = failure(client.listTasks('ws', {}, abort.signal));
    abort.abort();
    expect(isAbort(await list) || (await list).name === 'AbortError').toBe(
      true
    );
    const late = failure(client.listTasks('ws', {}, abort.signal));
    expect((await late).name).toBe('AbortError');
    expect(kernel.sent).toHaveLength(1);
  });

  it('says that the kernel is busy and asks no more until it answers', async () => {
    const list = failure(client.listTasks('ws'));
    jest.advanceTimersByTime(1000);
    const error = await list;
    expect(error.code).toBe('kernel_busy');
    expect(error.isUnreachable).toBe(true);
    expect(error.message).toContain('running a cell');

    expect((await failure(client.listTasks('ws'))).code).toBe('kernel_busy');
    expect(kernel.sent).toHaveLength(1);

    // The late answer shows that it is free again.
    kernel.answer(kernel.sent[0], {});
    const again = client.listTasks('ws');
    expect(kernel.sent).toHaveLength(2);
    kernel.answer(kernel.last, { total: 3 });
    await expect(again).resolves.toEqual({ total: 3 });
  });

  it('asks again later, since the answer may be lost', async () => {
    const lost = failure(client.listTasks('ws'));
    jest.advanceTimersByTime(1000);
    await lost;
    jest.advanceTimersByTime(1000);
    const again = client.listTasks('ws');
    expect(kernel.sent).toHaveLength(2);
    // One request is enough to see whether the kernel is idle.
    expect((await failure(client.getStatus())).code).toBe('kernel_busy');
    expect(kernel.sent).toHaveLength(2);
    kernel.answer(kernel.last, { total: 3 });
    await expect(again).resolves.toEqual({ total: 3 });
    const status = client.getStatus();
    kernel.answer(kernel.last, { can_write: true });
    await expect(status).resolves.toEqual({ can_write: true });
  });

  it('asks less and less often while the kernel is busy', () => {
    for (let second = 0; second < 3600; second++) {
      client.listTasks('ws').catch(() => undefined);
      jest.advanceTimersByTime(1000);
    }
    expect(kernel.sent.length).toBeGreaterThan(10);
    expect(kernel.sent.length).toBeLessThan(100);
  });

  it('says what may still happen when a change is not answered', async () => {
    const run = failure(
      client.actOnTasks('ws', { action: 'run', names: ['a'] })
    );
    jest.advanceTimersByTime(1000);
    expect((await run).message).toContain('may still be executed');
  });

  it('says that the kernel is gone', async () => {
    const list = failure(client.listTasks('ws'));
    kernel.leave();
    expect((await list).message).toContain('Run the cell again');
    expect((await failure(client.getStatus())).code).toBe('kernel_gone');
  });

  it('says so too when sending fails', async () => {
    kernel.isGone = true;
    expect((await failure(client.getStatus())).code).toBe('kernel_gone');
  });

  describe('streams', () => {
    let heard: string[];

    function listen() {
      heard = [];
      return client.streamEvents('ws', {
        onHello: () => heard.push('hello'),
        onChanges: message => heard.push(`changes ${message.revision}`),
        onReset: () => heard.push('reset'),
        onState: state => heard.push(state)
      });
    }

    function push(socket: string | undefined, message: Partial<EventMessage>) {
      kernel.say({
        type: 'text',
        socket,
        text: JSON.stringify({ epoch: 'e', ...message })
      });
    }

    it('opens, hears and closes', () => {
      const stream = listen();
      const { socket } = kernel.last;
      expect(kernel.last).toMatchObject({
        type: 'open',
        stream: 'events',
        arguments: { ws: 'ws' }
      });
      kernel.say({ type: 'opened', socket });
      push(socket, { type: 'hello', revision: 4 });
      push(socket, { type: 'changes', revision: 5 });
      push('another', { type: 'changes', revision: 9 });
      stream.dispose();
      push(socket, { type: 'changes', revision: 6 });
      expect(heard).toEqual(['open', 'hello', 'changes 5']);
      expect(kernel.last).toEqual({ type: 'close', socket });
    });

    it('is opened again from where it was when the kernel closes it', () => {
      const stream = listen();
      const { socket } = kernel.last;
      kernel.say({ type: 'opened', socket });
      push(socket, { type: 'hello', revision: 1 });
      push(socket, { type: 'changes', revision: 2 });
      kernel.say({ type: 'closed', socket });
      expect(stream.state).toBe('lost');
      jest.advanceTimersByTime(5000);
      expect(kernel.last).toMatchObject({
        type: 'open',
        arguments: { epoch: 'e', since: 2 }
      });
      expect(kernel.last.socket).not.toBe(socket);
      stream.dispose();
    });

    it('is lost when the kernel is gone', () => {
      const stream = listen();
      kernel.say({ type: 'opened', socket: kernel.last.socket });
      kernel.leave();
      expect(stream.state).toBe('lost');
      stream.dispose();
    });

    it('acknowledges what is shown of a log', () => {
      const shown: number[] = [];
      const stream = client.streamLog(
        'ws',
        'a',
        { tail: 100 },
        {
          onHeader: message => shown.push(message.offset),
          onData: chunk => {
            shown.push(...chunk.bytes);
            chunk.done();
          },
          onReset: () => undefined,
          mayJump: () => false,
          onJump: () => undefined,
          onEnd: () => undefined
        }
      );
      const { socket } = kernel.last;
      kernel.say({ type: 'opened', socket });
      kernel.say({
        type: 'text',
        socket,
        text: JSON.stringify({ type: 'header', offset: 7, run: 1 })
      });
      kernel.say({ type: 'binary', socket }, [new Uint8Array([1, 2])]);
      expect(shown).toEqual([7, 1, 2]);
      expect(kernel.last).toEqual({ type: 'text', socket, text: '{"ack":9}' });
      stream.dispose();
    });
  });

  it('leaves nothing behind', () => {
    client.streamEvents('ws', {
      onChanges: () => undefined,
      onReset: () => undefined
    });
    const { socket } = kernel.last;
    transport.dispose();
    expect(kernel.listeners).toBe(0);
    expect(kernel.last).toEqual({ type: 'close', socket });
  });
});
