import { ServerConnection } from '@jupyterlab/services';

import { labConnection } from '../client';
import { canOpen } from '../files';

describe('the connection of Lab', () => {
  const opened: string[] = [];
  class FakeSocket {
    constructor(url: string) {
      opened.push(url);
    }
  }
  const open = (options: Partial<ServerConnection.ISettings>, url: string) => {
    const settings = ServerConnection.makeSettings({
      ...options,
      WebSocket: FakeSocket as unknown as typeof WebSocket
    });
    labConnection(settings).openSocket(url);
    return opened[opened.length - 1];
  };

  it('puts the token into a socket’s address only where it is asked for', () => {
    const url = 'ws://h/events';
    expect(open({ appendToken: true, token: 'a b' }, url)).toBe(
      `${url}?token=a%20b`
    );
    expect(open({ appendToken: true, token: 't' }, `${url}?since=1`)).toBe(
      `${url}?since=1&token=t`
    );
    expect(open({ appendToken: false, token: 't' }, url)).toBe(url);
    expect(open({ appendToken: true, token: '' }, url)).toBe(url);
  });
});

describe('canOpen', () => {
  it('takes scripts and folders', () => {
    expect(canOpen({ type: 'file', path: 'a/train.py' })).toBe(true);
    expect(canOpen({ type: 'file', path: 'a/RUN.SH' })).toBe(true);
    expect(canOpen({ type: 'directory', path: 'a' })).toBe(true);
    expect(canOpen({ type: 'notebook', path: 'a.ipynb' })).toBe(true);
    expect(canOpen({ type: 'file', path: 'README.md' })).toBe(false);
  });
});
