import '@testing-library/jest-dom';
import {
  createDefaultFactory,
  ToolbarWidgetRegistry
} from '@jupyterlab/apputils';
import { SettingRegistry } from '@jupyterlab/settingregistry';
import { LabIcon, refreshIcon } from '@jupyterlab/ui-components';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { fireEvent, waitFor } from '@testing-library/react';

import type { IActionContext } from '../../views/actions/action';
import { chooseTasks } from '../../views/actions/action';
import { plainTrans } from '../../views/shared/context';
import type { PageArea } from '../pages';
import { SlotStore } from '../toolbars';
import { dialog, makeLab, settle, WORKSPACE } from './lab';

const read = (file: string) =>
  jest
    .requireActual<{ readFileSync(path: string, encoding: string): string }>(
      'fs'
    )
    .readFileSync(file, 'utf-8');

// A toolbar is filled when the code of pages is loaded, as far as it is wide enough.
beforeAll(async () => {
  jest
    .spyOn(Element.prototype, 'clientWidth', 'get')
    .mockImplementation(function (this: Element) {
      return this.classList.contains('jp-Toolbar') ? 2000 : 20;
    });
  await import('../pagefactory');
  await import('../actionicons');
});

/** Settings with our schemas and what a user wrote. */
function makeSettings(user: ReadonlyJSONObject) {
  const connector = {
    fetch: async (id: string) => ({
      id,
      schema: JSON.parse(read(`schema/${id.split(':')[1]}.json`)),
      raw: JSON.stringify(user[id] ?? {}),
      data: { composite: {}, user: {} },
      version: '1'
    }),
    list: async () => ({ ids: [], values: [] }),
    save: async () => undefined,
    remove: async () => undefined
  };
  return new SettingRegistry({ connector: connector as never, timeout: 100 });
}

/** Open a page of a Lab in which a user has arranged toolbars. */
async function openPage(page: string, user: ReadonlyJSONObject = {}) {
  const registry = new ToolbarWidgetRegistry({
    defaultFactory: (...args) => createDefaultFactory(lab.commands)(...args)
  });
  const lab = makeLab(undefined, null, [makeSettings(user), registry]);
  await settle();
  await lab.commands.execute('pyruns:open-page', {
    page,
    workspace: WORKSPACE.id
  });
  const area = lab.opened[lab.opened.length - 1] as PageArea;
  Widget.attach(area, document.body);
  MessageLoop.flush();
  await settle();
  if (page === 'manager') {
    await waitFor(() => expect(names(area)).toContain('run'));
  }
  const button = (id: string) =>
    area.toolbar.node.querySelector<HTMLElement>(`[data-command="${id}"]`);
  return { ...lab, area, button };
}

/** The items of a toolbar by name, without the button for more. */
const names = (area: PageArea) =>
  [...area.toolbar.names()].filter(name => !name.startsWith('toolbar-popup'));

describe('the icon of an action', () => {
  it('is drawn in a toolbar of Lab, too, before a page is opened', async () => {
    const { commands } = makeLab();
    const icon = commands.icon('pyruns:run-tasks', { toolbar: true });
    expect(icon).toBeInstanceOf(LabIcon);
    await waitFor(() =>
      expect((icon as LabIcon).svgstr).not.toBe(refreshIcon.svgstr)
    );
  });
});

describe('the places in a toolbar', () => {
  it('outlive the item that they had before', () => {
    const slots = new SlotStore();
    const old = slots.add('view');
    const fresh = slots.add('view');
    old.dispose();
    expect(slots.getSnapshot().view).toBe(fresh.node);
    fresh.dispose();
    expect(slots.getSnapshot().view).toBeNull();
  });
});

describe('the toolbar of a page', () => {
  it('is what the schema says, with what the user has changed', async () => {
    const { area, button } = await openPage('manager', {
      'pyruns-jupyter:manager': {
        toolbar: [
          { name: 'compare', disabled: true },
          { name: 'stop', rank: 5 },
          { name: 'twice', command: 'pyruns:duplicate-tasks', rank: 1 }
        ]
      }
    });
    expect(names(area).slice(0, 5)).toEqual([
      'twice',
      'new-tasks',
      'stop',
      'run',
      'concurrency'
    ]);
    expect(names(area)).not.toContain('compare');
    expect(button('pyruns:duplicate-tasks')).toBeTruthy();
    expect(area.toolbar.isHidden).toBe(false);
    area.dispose();
  });

  it('is hidden as long as it has no items', async () => {
    const { area, client } = await openPage('compare');
    // The toolbar is filled before the view asks for its workspace.
    await waitFor(() => expect(client.getWorkspace).toHaveBeenCalled());
    await settle();
    expect(area.toolbar.isHidden).toBe(true);
    area.dispose();
    const { area: other } = await openPage('compare', {
      'pyruns-jupyter:compare': {
        toolbar: [{ name: 'tasks', command: 'pyruns:open-manager' }]
      }
    });
    await waitFor(() => expect(other.toolbar.isHidden).toBe(false));
    other.dispose();
  });

  it('gives a control its place until it is removed', async () => {
    const { area } = await openPage('manager');
    const { concurrency } = area.slots.getSnapshot();
    expect(area.toolbar.node.contains(concurrency)).toBe(true);
    area.dispose();
    expect(area.slots.getSnapshot().concurrency).toBeNull();
  });

  it('acts on its own page without asking, and follows what is possible', async () => {
    const { area, button, client } = await openPage('manager');
    const run = 'pyruns:run-tasks';
    expect(button(run)).toHaveAttribute('aria-disabled', 'true');
    const context: IActionContext = {
      workspace: WORKSPACE.id,
      trans: plainTrans,
      canWrite: true,
      canExecute: true,
      chosen: chooseTasks([], ['a', 'b']),
      show: {},
      confirm: async () => true
    };
    area.showing.context.current = () => context;
    await new Promise(requestAnimationFrame);
    await settle();
    expect(button(run)).toHaveAttribute('aria-disabled', 'false');
    // The toolbar does not take the focus from the page.
    fireEvent.mouseDown(button(run)!);
    await settle();
    expect(dialog()).toBeNull();
    await waitFor(() =>
      expect(client.actOnTasks).toHaveBeenCalledWith(WORKSPACE.id, {
        action: 'run',
        names: ['a', 'b']
      })
    );
    area.dispose();
  });
});
