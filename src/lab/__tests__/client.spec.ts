import { ServerConnection } from '@jupyterlab/services';

import { TestSockets } from '../../client/__tests__/sockets';
import { ActivityModel } from '../../model/activity';
import { CompareModel } from '../../model/compare';
import { TaskListModel } from '../../model/tasklist';
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
      () => new TaskListModel(client, 'a'),
      () => new TaskListModel(client, 'a'),
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
    const other = new TaskListModel(client, 'b');
    other.start();
    expect(sockets.all).toHaveLength(2);
    [...pages, late].forEach(page => page.dispose());
    expect(sockets.all.map(socket => socket.isClosed)).toEqual([true, false]);
    other.dispose();
  });
});
