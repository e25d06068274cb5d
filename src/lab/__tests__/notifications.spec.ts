import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import type { TaskRow, Workspace } from '../../client/types';
import { row } from '../../model/__tests__/fake';
import { notificationsPlugin } from '../notifications';
import { SettingsStore } from '../settings';
import type { ICore, IHappened } from '../tokens';
import { WORKSPACE } from './lab';

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
    {} as JupyterFrontEnd,
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

describe('a notification about alerts', () => {
  it('is about one workspace', () => {
    const other = { ...WORKSPACE, id: 'study/_pyruns_/other', name: 'other' };
    const { open, alert, messages } = notified();
    open(WORKSPACE);
    alert(WORKSPACE, 'a');
    alert(WORKSPACE, 'b');
    expect(messages()).toEqual([expect.stringMatching(/^2 tasks in /)]);
    open(other);
    alert(other, 'c');
    expect(messages()).toEqual([
      expect.stringMatching(/^2 tasks in /),
      'c: NaN'
    ]);
  });
});
