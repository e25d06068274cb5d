import { createClient } from '../client';
import { ClientError } from '../errors';
import { ServerTransport } from '../server';

type Answer = { status?: number; body?: unknown; headers?: object };

function clientWith(answer: Answer | Error) {
  const request = jest.fn((url: string, init: RequestInit) => {
    if (answer instanceof Error) {
      return Promise.reject(answer);
    }
    const { status = 200, body, headers = {} } = answer;
    // jsdom has no Response of its own.
    return Promise.resolve({
      ok: status < 400,
      status,
      statusText: 'Bad Gateway',
      headers: new Map(Object.entries(headers)),
      json: () =>
        typeof body === 'string'
          ? Promise.reject(new SyntaxError('no JSON'))
          : Promise.resolve(body),
      arrayBuffer: () =>
        Promise.resolve(new TextEncoder().encode(String(body)).buffer),
      blob: () => Promise.resolve(new Blob([String(body)]))
    } as unknown as Response);
  });
  const client = createClient(
    new ServerTransport({
      baseUrl: 'http://host/user/ann/',
      wsUrl: 'ws://host/user/ann/',
      request,
      openSocket: () => {
        throw new Error('no socket here');
      }
    })
  );
  return { client, request };
}

describe('the client of a server', () => {
  it('encodes ids and names, and leaves out what is empty', async () => {
    const { client, request } = clientWith({ body: {} });
    await client.listTasks('a/_pyruns_/b c', {
      query: 'lr<0.1 & x',
      status: '',
      offset: 0
    });
    expect(request.mock.calls[0][0]).toBe(
      'http://host/user/ann/pyruns/api/workspaces/a%2F_pyruns_%2Fb%20c/tasks?query=lr%3C0.1+%26+x&offset=0'
    );
    await client.getTask('w', 'lr=0.1,n=50%');
    expect(request.mock.calls[1][0]).toMatch(/\/tasks\/lr%3D0\.1%2Cn%3D50%25$/);
  });

  it('repeats the key of a list, and reads the beginning of a file', async () => {
    const { client, request } = clientWith({ body: { items: [] } });
    await client.listCurves('w', {
      name: ['a', 'b&c'],
      key: ['loss', 'acc'],
      points: 30
    });
    expect(request.mock.calls[0][0]).toMatch(
      /\/w\/curves\?name=a&name=b%26c&key=loss&key=acc&points=30$/
    );
    await client.readArtifact('w', 't', 2, 'plots/a b#.png', 1000);
    const [url, init] = request.mock.calls[1];
    expect(url).toMatch(
      /\/w\/tasks\/t\/runs\/2\/artifacts\/plots\/a%20b%23\.png$/
    );
    expect(init.headers).toEqual({ Range: 'bytes=0-999' });
  });

  it('sends JSON', async () => {
    const { client, request } = clientWith({ body: { done: [], refused: [] } });
    await client.actOnTasks('w', {
      action: 'run',
      names: ['a'],
      run: { jobs: 2 }
    });
    const [, init] = request.mock.calls[0];
    expect(init.method).toBe('POST');
    expect(init.body).toBe('{"action":"run","names":["a"],"run":{"jobs":2}}');
  });

  it('pauses the queue, or queues again what was queued elsewhere', async () => {
    const { client, request } = clientWith({ body: {} });
    await client.changeQueue('w', { paused: true });
    await client.changeQueue('w', { requeue: true });
    expect(request.mock.calls.map(([, { body }]) => body)).toEqual([
      '{"paused":true}',
      '{"requeue":true}'
    ]);
  });

  it('lists the trash', async () => {
    const items = [{ name: 'a' }];
    const { client, request } = clientWith({ body: { items } });
    expect(await client.listTrash('w')).toEqual({ items });
    expect(request.mock.calls[0][0]).toMatch(/\/workspaces\/w\/trash$/);
  });

  it('gets a file, named as the server says, by an ordinary request', async () => {
    const { client, request } = clientWith({
      body: 'name,lr',
      headers: { 'Content-Disposition': 'attachment; filename="train.csv"' }
    });
    const file = await client.exportResults('w', {
      format: 'csv',
      runs: 'latest',
      query: 'lr<1'
    });
    expect(file.name).toBe('train.csv');
    expect(file.blob.size).toBe(7);
    expect(request.mock.calls[0][0]).toMatch(
      /\/export\?format=csv&runs=latest&query=lr%3C1$/
    );
  });

  it('turns a refusal into an error with its place', async () => {
    const { client } = clientWith({
      status: 400,
      body: {
        code: 'invalid',
        message: 'The zip groups have 2 and 3 values.',
        field: 'lr',
        line: 4,
        column: 2,
        errors: [{ code: 'zip', message: 'too short' }]
      }
    });
    const error = await client.getStatus().catch(reason => reason);
    expect(error).toBeInstanceOf(ClientError);
    expect(error).toMatchObject({
      message: 'The zip groups have 2 and 3 values.',
      status: 400,
      code: 'invalid',
      field: 'lr',
      line: 4,
      column: 2,
      errors: [{ code: 'zip', message: 'too short' }],
      isUnreachable: false
    });
  });

  it('says what a proxy said when there is no sentence', async () => {
    const { client } = clientWith({ status: 502, body: '<html>' });
    await expect(client.getStatus()).rejects.toMatchObject({
      message: '502 Bad Gateway',
      isUnreachable: true
    });
  });

  it('tells an unreachable server from one that refuses', async () => {
    const { client } = clientWith(new TypeError('Failed to fetch'));
    await expect(client.getStatus()).rejects.toMatchObject({
      status: 0,
      code: 'unreachable',
      isUnreachable: true
    });
  });

  it('takes a login page for no answer', async () => {
    const { client } = clientWith({ body: '<html>' });
    await expect(client.getStatus()).rejects.toMatchObject({
      code: 'not_json'
    });
  });

  it('reads bytes with their place', async () => {
    const { client } = clientWith({
      body: 'line\n',
      headers: { 'X-Pyruns-Log-Offset': '100', 'X-Pyruns-Log-Size': '2000' }
    });
    const range = await client.readLog('w', 't', { offset: 100 });
    expect(range).toMatchObject({ offset: 100, size: 2000 });
    expect(new TextDecoder().decode(range.bytes)).toBe('line\n');
  });
});
