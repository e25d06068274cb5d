import { ServerConnection } from '@jupyterlab/services';

import { TestSockets } from '../../client/__tests__/sockets';
import type { IEventPosition } from '../../client/types';
import { ActivityModel } from '../../model/activity';
import { CompareModel } from '../../model/compare';
import { WorkspaceModel } from '../../model/workspace';
import { makeClient } from '../client';

/** Lab's client, whose requests are never answered. */
async function connect() {
  const sockets = new TestSockets();
  const client = await makeClient(
    ServerConnection.makeSettings({
      wsUrl: 'ws://host/',
      WebSocket: function (url: string) {
        return sockets.open(url);
      } as unknown as typeof WebSocket,
      Request: function () {
        // Nothing of it is looked at.
      } as unknown as typeof Request,
      fetch: () => new Promise<Response>(() => undefined)
    })
  );
  return { client, sockets };
}

describe('the client of Lab', () => {
  it('opens one event stream for all pages of a workspace', async () => {
    const { client, sockets } = await connect();
    const makers = [
      () => new ActivityModel(client, 'a'),
      () => new ActivityModel(client, 'a'),
      () => new WorkspaceModel(client, 'a'),
      () => new WorkspaceModel(client, 'a'),
      () => new CompareModel({ client, ws: 'a' })
    ];
    const pages = makers.map(make => make());
    pages.forEach(page => page.start());
    expect(sockets.all).toHaveLength(1);
    sockets.last.accept();
    sockets.last.text({ type: 'hello', epoch: 'e', revision: 1 });
    const late = makers[2]();
    late.start();
    await new Promise(resolve => setTimeout(resolve));
    expect([...pages, late].map(page => page.getSnapshot().connection)).toEqual(
      Array(6).fill('open')
    );
    const other = new WorkspaceModel(client, 'b');
    other.start();
    expect(sockets.all).toHaveLength(2);
    [...pages, late].forEach(page => page.dispose());
    expect(sockets.all.map(socket => socket.isClosed)).toEqual([true, false]);
    other.dispose();
  });

  it('gives a stream of its own to who knows a revision', async () => {
    const { client, sockets } = await connect();
    const listen = (since?: IEventPosition) => {
      const revisions: number[] = [];
      const stream = client.streamEvents(
        'a',
        {
          onChanges: ({ revision }) => revisions.push(revision),
          onReset: () => undefined
        },
        since
      );
      return { stream, revisions };
    };
    const fresh = listen();
    const knowing = listen({ epoch: 'e', revision: 3 });
    const [shared, own] = sockets.all;
    expect([shared, own].map(socket => socket.asked('since'))).toEqual([
      null,
      '3'
    ]);
    own.accept();
    own.text({ type: 'hello', epoch: 'e', revision: 3 });
    own.text({ type: 'changes', epoch: 'e', revision: 5 });
    expect(knowing.revisions).toEqual([5]);
    expect(fresh.revisions).toEqual([]);
    fresh.stream.dispose();
    expect([shared, own].map(socket => socket.isClosed)).toEqual([true, false]);
    knowing.stream.dispose();
  });
});
