import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import {
  ICommandPalette,
  MainAreaWidget,
  Notification,
  WidgetTracker
} from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { PageConfig } from '@jupyterlab/coreutils';
import { ILauncher } from '@jupyterlab/launcher';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { linkIcon, settingsIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { Workspace } from '../client/types';
import { workspaceTitle } from '../views/shared/title';
import type { Argument } from './arguments';
import { describe, PAGES, text, texts } from './arguments';
import type { Caller } from './caller';
// Commands are there from the start.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { addActionCommands } from './commands';
import { pyrunsIcon } from './icons';
import { linkTo } from './link';
// A frame of two kilobytes; what it shows is loaded when it is shown.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { PageWidget } from './pagewidget';
import type { IShow, IShown, OpenPage, Page } from './pageviews';
// Who calls a command can be seen only at once.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { answer, askToAllow } from './request';
import { DEFAULTS, followSettings } from './settings';
import { CommandIDs, DOMAIN, ICore } from './tokens';

/** A page in the main area, and what brings it back after a reload. */
export class PageArea extends MainAreaWidget<PageWidget> {
  constructor(
    options: MainAreaWidget.IOptions<PageWidget>,
    readonly page: Page,
    readonly workspace: string,
    /** Tells the view what to show. */
    readonly showing: IShow
  ) {
    super(options);
    this.toolbar.hide();
  }

  get task(): string {
    return this.showing.task;
  }

  get query(): string {
    return this.showing.query;
  }
}

export const pagesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:pages',
  description:
    'Opens Dashboard, Generator, Manager, Monitor and Compare in the main area.',
  autoStart: true,
  requires: [ICore],
  optional: [
    ILayoutRestorer,
    ICommandPalette,
    ILauncher,
    IEditorServices,
    IStateDB,
    ISettingRegistry,
    IRenderMimeRegistry,
    ITranslator
  ],
  activate: (
    app: JupyterFrontEnd,
    pyruns: ICore,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    editors: IEditorServices | null,
    state: IStateDB | null,
    registry: ISettingRegistry | null,
    rendermime: IRenderMimeRegistry | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { commands, shell } = app;
    const tracker = new WidgetTracker<PageArea>({ namespace: 'pyruns' });
    let settings = DEFAULTS;
    followSettings(registry, found => {
      settings = found;
    });

    const open: OpenPage = (page, workspace, shown = {}) => {
      let widget = tracker.find(
        item => item.page === page && item.workspace === workspace
      );
      if (widget) {
        widget.showing.show(shown);
      } else {
        widget = makePage(page, workspace, shown);
        shell.add(widget, 'main');
        void tracker.add(widget);
      }
      shell.activateById(widget.id);
      return widget;
    };

    const makePage = (page: Page, workspace: string, shown: IShown) => {
      const show: IShow = {
        task: shown.task ?? '',
        beside: shown.beside ?? [],
        names: shown.names ?? [],
        study: shown.study ?? '',
        query: shown.query ?? '',
        file: shown.file ?? '',
        context: { current: null },
        onShow: null,
        show: change => {
          show.task = change.task || show.task;
          show.beside = change.beside ?? show.beside;
          show.query = change.query ?? show.query;
          show.onShow?.(change);
          const widget = tracker.find(item => item.showing === show);
          if (widget) {
            void tracker.save(widget);
          }
        }
      };
      const content = new PageWidget(trans, async owner => {
        // Views and what they need are not part of Lab's start.
        const views = await import('./pageviews');
        return views.makeView({
          page,
          workspace,
          show,
          owner,
          pyruns,
          open,
          editors,
          state,
          rendermime,
          trans,
          onName: name => {
            content.title.label = titleOf(trans, page, name);
          },
          settings: () => settings,
          readFile: async path => {
            const file = await app.serviceManager.contents.get(path, {
              type: 'file',
              format: 'text',
              content: true
            });
            return String(file.content);
          },
          onOpenFile: path =>
            void commands.execute('docmanager:open', { path }),
          onCopyLink: () =>
            void commands.execute(CommandIDs.copyLink, {
              workspace,
              query: show.query
            })
        });
      });
      content.title.icon = pyrunsIcon;
      content.title.label = titleOf(
        trans,
        page,
        nameOf(trans, pyruns, workspace)
      );
      content.title.caption = workspace;
      content.title.closable = true;
      const widget = new PageArea({ content }, page, workspace, show);
      widget.id = `pyruns-${page}-${workspace}`;
      return widget;
    };

    const openHere = async (
      page: Page,
      args: ReadonlyPartialJSONObject,
      caller: Caller
    ) => {
      const id = text(args.workspace) ?? pyruns.current?.id;
      const template = text(args.file) || text(args.task);
      if (id && page === 'generator' && template && caller === 'other') {
        const isGranted = await askToAllow(trans, {
          title: trans.__('Replace the configuration of new tasks?'),
          facts: [
            [trans.__('Workspace'), id],
            [trans.__('Configuration of'), template]
          ],
          accept: trans.__('Replace')
        });
        if (!isGranted) {
          return { declined: true };
        }
      }
      if (id) {
        open(page, id, {
          task: text(args.task),
          beside: texts(args.beside),
          names: texts(args.names),
          study: text(args.study),
          query: text(args.query),
          file: text(args.file)
        });
        return { workspace: id, page };
      }
      if (pyruns.session.getSnapshot().handshake === 'ready') {
        Notification.info(
          trans.__('Open a script or a folder in Pyruns first.'),
          { autoClose: 4000 }
        );
      }
      // It also says what is wrong with the server, if something is.
      return commands.execute(CommandIDs.showSidebar);
    };

    const addPage = (
      page: Page,
      command: string,
      label: string,
      caption: string,
      args: readonly Argument[] = []
    ) => {
      commands.addCommand(command, {
        label: ({ isLauncher }) => (isLauncher ? trans.__('Pyruns') : label),
        caption,
        icon: pyrunsIcon,
        describedBy: describe(trans, ['workspace', ...args]),
        execute: given =>
          answer(trans, commands, command, given, caller =>
            openHere(page, given, caller)
          )
      });
      palette?.addItem({ command, category });
    };
    const category = trans.__('Pyruns');
    addPage(
      'dashboard',
      CommandIDs.openDashboard,
      trans.__('Dashboard'),
      trans.__('Show the machine, its GPUs, what runs and what waits')
    );
    addPage(
      'generator',
      CommandIDs.openGenerator,
      trans.__('New Tasks'),
      trans.__('Create tasks from a configuration and run them'),
      ['file']
    );
    addPage(
      'manager',
      CommandIDs.openManager,
      trans.__('Tasks'),
      trans.__('Show all tasks of the workspace in a table'),
      ['query']
    );
    addPage(
      'monitor',
      CommandIDs.openMonitor,
      trans.__('Logs'),
      trans.__('Follow the logs of the workspace’s tasks'),
      ['task', 'beside']
    );
    addPage(
      'compare',
      CommandIDs.openCompare,
      trans.__('Compare'),
      trans.__('Show tasks side by side: table, curves, plots'),
      ['names', 'study']
    );
    commands.addCommand(CommandIDs.openPage, {
      label: trans.__('Open a Page of a Workspace'),
      caption: trans.__(
        'Open Dashboard, Generator, Manager, Monitor or Compare'
      ),
      icon: pyrunsIcon,
      describedBy: describe(
        trans,
        ['page', 'workspace', 'task', 'beside', 'names', 'study', 'query'],
        ['page']
      ),
      execute: args =>
        answer(trans, commands, CommandIDs.openPage, args, async caller => {
          const page = PAGES.find(item => item === args.page);
          return page && openHere(page, args, caller);
        })
    });
    commands.addCommand(CommandIDs.openSettings, {
      label: trans.__('Settings of Pyruns'),
      caption: trans.__('Open the settings editor at those of Pyruns'),
      icon: settingsIcon,
      describedBy: describe(trans, []),
      execute: async () => {
        await commands.execute('settingeditor:open', { query: 'Pyruns' });
        return {};
      }
    });

    commands.addCommand(CommandIDs.copyLink, {
      label: trans.__('Copy Link to Tasks'),
      caption: trans.__(
        'Copy a link that opens the table of tasks with the same search'
      ),
      icon: linkIcon,
      describedBy: describe(trans, ['workspace', 'query']),
      execute: async args => {
        const shown = tracker.currentWidget;
        const id =
          text(args.workspace) ?? shown?.workspace ?? pyruns.current?.id;
        if (!id) {
          return {};
        }
        const query =
          text(args.query) ?? (shown?.workspace === id ? shown.query : '');
        const link = linkTo(
          app.serviceManager.serverSettings.baseUrl,
          PageConfig.getOption('appUrl'),
          { workspace: id, query }
        );
        const { copyText } = await import('../views/shared/copy');
        await copyText(link);
        Notification.success(trans.__('The link was copied.'), {
          autoClose: 3000
        });
        return { workspace: id, query, link };
      }
    });

    if (restorer) {
      void restorer.restore(tracker, {
        command: CommandIDs.openPage,
        args: widget => ({
          page: widget.page,
          workspace: widget.workspace,
          // The Generator keeps its draft, not what it began with.
          task: widget.page === 'generator' ? '' : widget.task,
          beside: [...widget.showing.beside],
          query: widget.query
        }),
        name: widget => `${widget.page}:${widget.workspace}`
      });
    }
    for (const command of [CommandIDs.copyLink, CommandIDs.openSettings]) {
      palette?.addItem({ command, category });
    }
    addActionCommands({
      app,
      core: pyruns,
      trans,
      palette,
      open,
      front: () =>
        shell.currentWidget instanceof PageArea ? shell.currentWidget : null,
      find: (page, workspace) =>
        tracker.find(item => item.page === page && item.workspace === workspace)
    });
    launcher?.add({
      command: CommandIDs.openDashboard,
      args: { isLauncher: true },
      category: trans.__('Other'),
      rank: 10
    });
  }
};

function nameOf(trans: TranslationBundle, pyruns: ICore, id: string): string {
  const known: Workspace | undefined = pyruns.session
    .getSnapshot()
    .workspaces.find(item => item.id === id);
  return known
    ? workspaceTitle(trans, known)
    : id.slice(id.lastIndexOf('/') + 1);
}

function titleOf(trans: TranslationBundle, page: Page, name: string): string {
  switch (page) {
    case 'dashboard':
      return trans.__('%1: Dashboard', name);
    case 'generator':
      return trans.__('%1: New tasks', name);
    case 'manager':
      return trans.__('%1: Tasks', name);
    case 'monitor':
      return trans.__('%1: Logs', name);
    case 'compare':
      return trans.__('%1: Compare', name);
  }
}
