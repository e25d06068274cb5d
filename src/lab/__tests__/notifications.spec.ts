import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import type { TaskRow, Workspace } from '../../client/types';
import { row } from '../../model/__tests__/fake';
import { notificationsPlugin } from '../notifications';
import { SettingsStore } from '../settings';
import type { ICore, IHappened } from '../tokens';
import { settle, WORKSPACE } from './lab';

/** The notifications about what the test lets happen. */
function notified() {
  const sender = {};
  const currentChanged = new Signal<object, Workspace | null>(sender);
  const alerted = new Signal<object, IHappened>(sender);
  const core = {
    trans: nullTranslator.load(''),
    settings: new SettingsStore(null),
    client: {},
    currentChanged,
    alerted,
    ended: new Signal(sender),
    silent: new Signal(sender),
    trials: new Signal(sender),
    idle: new Signal(sender)
  };
  void notificationsPlugin.activate(
    { restored: Promise.resolve() } as JupyterFrontEnd,
    core as unknown as ICore
  );
  return {
    open: (workspace: Workspace) => currentChanged.emit(workspace),
    alert: (workspace: Workspace, task: string) => {
      const title = 'NaN';
      const alert = { time: 1, level: 'error', title, text: '', number: 1 };
      const tasks = [row(task, { alert: alert as TaskRow['alert'] })];
      alerted.emit({ workspace, tasks });
    },
    messages: () =>
      Notification.manager.notifications.map(({ message }) => message).sort()
  };
}

describe('the code of notifications', () => {
  afterEach(() => {
    jest.dontMock('../notifier');
    Notification.dismiss();
  });

  it('is loaded once Lab is restored, and again for an event without it', async () => {
    let missing = 3;
    jest.doMock('../notifier', () => {
      if (missing-- > 0) {
        throw new Error('Loading chunk 1 failed.');
      }
      return jest.requireActual('../notifier');
    });
    const { alert, messages } = notified();
    await settle();
    expect(missing).toBe(1);
    alert(WORKSPACE, 'a');
    alert(WORKSPACE, 'b');
    await settle();
    expect(messages()).toEqual([expect.stringMatching(/^2 tasks in /)]);
  });
});

describe('a notification about alerts', () => {
  it('is about one workspace', async () => {
    const other = { ...WORKSPACE, id: 'study/_pyruns_/other', name: 'other' };
    const { open, alert, messages } = notified();
    open(WORKSPACE);
    alert(WORKSPACE, 'a');
    alert(WORKSPACE, 'b');
    await settle();
    expect(messages()).toEqual([expect.stringMatching(/^2 tasks in /)]);
    open(other);
    alert(other, 'c');
    await settle();
    expect(messages()).toEqual([
      expect.stringMatching(/^2 tasks in /),
      'c: NaN'
    ]);
  });
});
