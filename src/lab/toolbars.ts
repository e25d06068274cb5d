/** The toolbars of the pages: commands and controls, arranged in the settings. */
import type { IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import { createToolbarFactory, setToolbar } from '@jupyterlab/apputils';
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { Store } from '../model/store';
import type { ToolbarSlots } from '../views/shared/hosttoolbar';
import { PAGES } from './arguments';
import { ownArgs } from './caller';
import type { PageArea } from './pages';

/** The controls of the page Tasks that are not commands. */
const CONTROLS = ['concurrency', 'view', 'details', 'more'];

/** The places in a toolbar where a page shows its controls. */
export class SlotStore extends Store<ToolbarSlots> {
  constructor() {
    super({});
  }

  /** Make a toolbar item that the page fills. */
  add(name: string): Widget {
    const widget = new Widget();
    widget.addClass('pyr-view');
    widget.addClass('pyr-toolbar-slot');
    widget.disposed.connect(() => {
      // A new item may have taken its place.
      if (this.getSnapshot()[name] === widget.node) {
        this.update({ [name]: null });
      }
    });
    this.update({ [name]: widget.node });
    return widget;
  }
}

/**
 * Return the function that adds its toolbar to a page.
 *
 * @param registry - makes the items of all toolbars
 * @param settings - what the user changed in the toolbar of each kind of page
 * @param trans - translates the labels of the schemas, as no server does
 */
export function createToolbars(
  registry: IToolbarWidgetRegistry,
  settings: ISettingRegistry,
  translator: ITranslator,
  trans: TranslationBundle
): (area: PageArea) => void {
  const labels: Record<string, string> = {
    Run: trans._p('toolbar', 'Run'),
    Stop: trans._p('toolbar', 'Stop'),
    'Open log': trans._p('toolbar', 'Open log'),
    Compare: trans._p('toolbar', 'Compare'),
    Delete: trans._p('toolbar', 'Delete'),
    Tasks: trans._p('toolbar', 'Tasks'),
    Logs: trans._p('toolbar', 'Logs')
  };
  const makeItem: IToolbarWidgetRegistry['createWidget'] = (
    factory,
    widget,
    item
  ) => {
    if (!item.command?.startsWith('pyruns:')) {
      return registry.createWidget(factory, widget, item);
    }
    const area = widget as PageArea;
    const args = { workspace: area.workspace, ...item.args };
    return registry.createWidget(factory, widget, {
      ...item,
      label: item.label && (labels[item.label] ?? item.label),
      args: ownArgs(args, 'user', area)
    } as typeof item);
  };
  const items: IToolbarWidgetRegistry = Object.create(registry, {
    createWidget: { value: makeItem }
  });
  for (const name of CONTROLS) {
    registry.addFactory<PageArea>('PyrunsTasks', name, area =>
      area.slots.add(name)
    );
  }
  const factories = Object.fromEntries(
    PAGES.map(page => [
      page,
      createToolbarFactory(
        items,
        settings,
        FACTORIES[page],
        `pyruns-jupyter:${page}`,
        translator
      )
    ])
  );
  return area => {
    setToolbar(area, widget => {
      const listed = factories[area.page](widget);
      if ('changed' in listed) {
        const show = () => area.toolbar.setHidden(listed.length === 0);
        listed.changed.connect(show);
        show();
      }
      return listed;
    });
  };
}

/** The keys of the pages in `jupyter.lab.toolbars`. */
const FACTORIES = {
  dashboard: 'PyrunsDashboard',
  generator: 'PyrunsNewTasks',
  manager: 'PyrunsTasks',
  monitor: 'PyrunsLogs',
  compare: 'PyrunsCompare'
};
