import { nullTranslator } from '@jupyterlab/translation';

import type { IClient, Status, Workspace } from '../../client/types';
import { FakeClient } from '../../model/__tests__/fake';
import { SessionModel } from '../../model/session';
import { PageWidget } from '../pagewidget';
import type { IViewOptions } from '../pagefactory';
import { makeView } from '../pagefactory';
import { SettingsStore } from '../settings';
import type { ICore } from '../tokens';

/** A page of tasks, restored before the server answers the handshake. */
function restored() {
  let answer: (status: Partial<Status>) => void = () => undefined;
  const fake = Object.assign(new FakeClient(), {
    getStatus: () =>
      new Promise<Status>(resolve => {
        answer = status => resolve(status as Status);
      }),
    getWorkspace: async () => ({ id: 'ws', name: 'w', path: 'a/w' }),
    listWorkspaces: async () => ({ items: [] as Workspace[] })
  });
  const client = fake as unknown as IClient;
  const session = new SessionModel({ client });
  const trans = nullTranslator.load('');
  const owner = new PageWidget(trans, async () => makeView(options));
  const options: IViewOptions = {
    page: 'manager',
    workspace: 'ws',
    show: {
      task: '',
      beside: [],
      names: [],
      study: '',
      query: '',
      file: '',
      source: '',
      context: { current: null },
      onShow: null,
      show: () => undefined
    },
    owner,
    pyruns: {
      client,
      session,
      settings: new SettingsStore(null)
    } as unknown as ICore,
    open: () => undefined,
    editors: null,
    state: null,
    rendermime: null,
    trans,
    onName: () => undefined,
    onCopyLink: () => undefined,
    onOpenFile: () => undefined,
    readFile: async () => ''
  };
  const view = makeView(options);
  void session.start();
  return {
    view,
    owner,
    session,
    answer: (status: Partial<Status>) => answer(status)
  };
}

/** Give a page that does not wait for the handshake time to be made. */
const pause = async () => {
  await import('../../views/manager');
  await new Promise(resolve => setTimeout(resolve, 50));
};

describe('a page that is restored before the handshake', () => {
  it('offers only what the user may do', async () => {
    const { view, owner, session, answer } = restored();
    await pause();
    answer({ api_version: 2, can_write: false, can_execute: false });
    expect((await view).props).toMatchObject({
      canWrite: false,
      canExecute: false
    });
    owner.dispose();
    session.dispose();
  });

  it('shows nothing of a server of another version', async () => {
    const { view, owner, session, answer } = restored();
    await pause();
    answer({ api_version: 99 });
    expect((await view).props).not.toHaveProperty('model');
    owner.dispose();
    session.dispose();
  });
});
