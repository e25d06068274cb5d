import type { IStateDB } from '@jupyterlab/statedb';
import { nullTranslator } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { act, render, waitFor } from '@testing-library/react';

import type { IClient, Status, Workspace } from '../../client/types';
import { FakeClient, NO_MEDIA } from '../../model/__tests__/fake';
import { SessionModel } from '../../model/session';
import type { TaskListModel } from '../../model/tasklist';
import { PageWidget } from '../pagewidget';
import type { IPageHandle, IViewOptions } from '../pagefactory';
import { makeView } from '../pagefactory';
import { SettingsStore } from '../settings';
import type { ICore } from '../tokens';

const mockLoaded = jest.fn();
jest.mock('../../views/monitor', () => {
  mockLoaded();
  return jest.requireActual<object>('../../views/monitor');
});

/** A page, restored before the server answers the handshake. */
function restored(
  page: IViewOptions['page'] = 'manager',
  shown: Partial<IPageHandle> = {},
  getWorkspace: () => Promise<object> = async () => ({
    id: 'ws',
    name: 'w',
    path: 'a/w'
  })
) {
  let answer: (status: Partial<Status>) => void = () => undefined;
  const fake = Object.assign(new FakeClient(), {
    getStatus: () =>
      new Promise<Status>(resolve => {
        answer = status => resolve(status as Status);
      }),
    getWorkspace,
    listWorkspaces: async () => ({ items: [] as Workspace[] }),
    listStudies: async () => ({ items: [], damaged: [] }),
    listCurves: async () => ({ items: [] }),
    compareManyTasks: jest.fn(async () => ({
      tasks: [],
      missing: [],
      parameters: [],
      figures: [],
      failures: []
    })),
    ...NO_MEDIA
  });
  const save = jest.fn();
  const client = fake as unknown as IClient;
  const session = new SessionModel({ client });
  const trans = nullTranslator.load('');
  const owner = new PageWidget(trans, () => view);
  const options: IViewOptions = {
    page,
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
      show: () => undefined,
      ...shown
    },
    owner,
    pyruns: {
      client,
      session,
      settings: new SettingsStore(null)
    } as unknown as ICore,
    open: () => undefined,
    editors: null,
    state: { save, fetch: async () => undefined } as unknown as IStateDB,
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
    save,
    fake,
    compared: fake.compareManyTasks,
    options,
    show: options.show,
    answer: (status: Partial<Status>) => answer(status)
  };
}

/** Give a page that does not wait for the handshake time to be made. */
const pause = async () => {
  await import('../../views/manager');
  await new Promise(resolve => setTimeout(resolve, 50));
};

describe('a page that is restored before the handshake', () => {
  it('loads its code meanwhile', async () => {
    const { owner, session } = restored('monitor');
    await waitFor(() => expect(mockLoaded).toHaveBeenCalled());
    owner.dispose();
    session.dispose();
  });

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

describe('what a page is to show first', () => {
  const ready = { api_version: 2, can_write: true, can_execute: true };

  it('is the template of new tasks only once', async () => {
    const shown = { file: 'a.yaml', task: 'a', names: ['a', 'b'] };
    const { view, owner, session, show, answer } = restored('generator', shown);
    answer(ready);
    await view;
    expect(show).toMatchObject({ file: '', task: '', names: [] });
    owner.dispose();
    session.dispose();
  });

  it('is compared only once, and saved', async () => {
    const { view, owner, session, show, answer, save, compared } = restored(
      'compare',
      { names: ['a'] }
    );
    answer(ready);
    const element = await view;
    // A request before the page is rendered.
    show.names = ['b'];
    const { unmount } = await act(async () => render(element));
    expect(compared).toHaveBeenLastCalledWith('ws', {
      names: ['b'],
      metrics: []
    });
    expect(show.names).toEqual([]);
    expect(save).toHaveBeenLastCalledWith(
      'pyruns-jupyter:compare:ws',
      expect.objectContaining({ names: ['b'] })
    );
    unmount();
    owner.dispose();
    session.dispose();
  });
});

describe('the list of the Tasks page', () => {
  const ready = { api_version: 2 };

  it('is requested while the workspace is read', () => {
    const { owner, session, fake } = restored(
      'manager',
      { query: 'lr<1' },
      () => new Promise(() => undefined)
    );
    expect(fake.listTasks).toHaveBeenCalledWith(
      'ws',
      expect.objectContaining({ query: 'lr<1' }),
      expect.anything()
    );
    owner.dispose();
    session.dispose();
  });

  it('follows a query that is given meanwhile', async () => {
    const { view, owner, session, show, fake, answer } = restored();
    show.query = 'lr<1';
    answer(ready);
    await view;
    expect(fake.listTasks).toHaveBeenLastCalledWith(
      'ws',
      expect.objectContaining({ query: 'lr<1' }),
      expect.anything()
    );
    owner.dispose();
    session.dispose();
  });

  it('ends if there is no such workspace, or no server', async () => {
    const gone = restored('manager', {}, async () => {
      throw new Error('gone');
    });
    const told = jest.spyOn(console, 'error').mockImplementation();
    gone.answer(ready);
    await act(async () => {
      Widget.attach(gone.owner, document.body);
      await expect(gone.view).rejects.toThrow('gone');
    });
    expect(gone.fake.events).toBeNull();
    told.mockRestore();
    const other = restored();
    expect(other.fake.events).not.toBeNull();
    other.answer({ api_version: 99 });
    await other.view;
    expect(other.fake.events).toBeNull();
    for (const { owner, session } of [gone, other]) {
      owner.dispose();
      session.dispose();
    }
  });

  it('does not begin on a server that is known to be another', async () => {
    const { view, owner, session, fake, options, answer } = restored('monitor');
    answer({ api_version: 99 });
    await view;
    await makeView({ ...options, page: 'manager' });
    expect(fake.listTasks).not.toHaveBeenCalled();
    owner.dispose();
    session.dispose();
  });

  it('is of the workspace that a link leads to', async () => {
    const { view, owner, session, fake, answer } = restored(
      'manager',
      { query: 'lr<1' },
      async () => ({ id: 'real', name: 'w', path: 'real/w' })
    );
    answer(ready);
    const { model } = (await view).props as { model: TaskListModel };
    expect(model.ws).toBe('real');
    expect(fake.listTasks).toHaveBeenLastCalledWith(
      'real',
      expect.objectContaining({ query: 'lr<1' }),
      expect.anything()
    );
    const streams = fake.streamEvents.mock.results.map(({ value }) => value);
    expect(streams).toMatchObject([
      { isDisposed: true },
      { isDisposed: false }
    ]);
    owner.dispose();
    session.dispose();
  });
});
