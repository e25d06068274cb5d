import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import {
  Clipboard,
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
import { linkIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { Workspace } from '../client/types';
import { workspaceTitle } from '../views/shared/title';
import { pyrunsIcon } from './icons';
import { linkTo } from './link';
// A frame of two kilobytes; what it shows is loaded when it is shown.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { PageWidget } from './pagewidget';
import type { IOpener, IShow, IShown, Page } from './pageviews';

import { askToAllow, isOwn } from './request';
import { DEFAULTS, followSettings } from './settings';
import { CommandIDs, DOMAIN, IPyruns } from './tokens';

const PAGES: readonly Page[] = [
  'dashboard',
  'generator',
  'manager',
  'monitor',
  'compare'
];

/** A page in the main area, and what brings it back after a reload. */
class PageArea extends MainAreaWidget<PageWidget> {
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
  requires: [IPyruns],
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
    pyruns: IPyruns,
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

    const open: IOpener = (page, workspace, shown = {}) => {
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

    const openHere = async (page: Page, args: ReadonlyPartialJSONObject) => {
      const id =
        typeof args.workspace === 'string'
          ? args.workspace
          : pyruns.current?.id;
      const template = text(args.file) || text(args.task);
      if (id && page === 'generator' && template && !isOwn(args)) {
        const isAllowed = await askToAllow(trans, {
          title: trans.__('Replace the configuration of new tasks?'),
          facts: [
            [trans.__('Workspace'), id],
            [trans.__('Configuration of'), template]
          ],
          accept: trans.__('Replace')
        });
        if (!isAllowed) {
          return undefined;
        }
      }
      if (id) {
        return open(page, id, {
          task: text(args.task),
          beside: texts(args.beside),
          names: texts(args.names),
          study: text(args.study),
          query: text(args.query),
          file: text(args.file)
        });
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

    const describe = (
      ...keys: ('task' | 'beside' | 'names' | 'study' | 'query' | 'file')[]
    ) => ({
      args: {
        type: 'object' as const,
        properties: {
          workspace: {
            type: 'string' as const,
            description: trans.__(
              'Id of the workspace; the current one if omitted'
            )
          },
          ...(keys.includes('task') && {
            task: {
              type: 'string' as const,
              description: trans.__('Task whose log is shown')
            }
          }),
          ...(keys.includes('beside') && {
            beside: {
              type: 'array' as const,
              items: { type: 'string' as const },
              description: trans.__('Tasks whose logs are shown beside it')
            }
          }),
          ...(keys.includes('names') && {
            names: {
              type: 'array' as const,
              items: { type: 'string' as const },
              description: trans.__(
                'Tasks that are compared; those of the last time if omitted'
              )
            }
          }),
          ...(keys.includes('study') && {
            study: {
              type: 'string' as const,
              description: trans.__('Adaptive sweep that is looked at')
            }
          }),
          ...(keys.includes('file') && {
            file: {
              type: 'string' as const,
              description: trans.__(
                'File whose text is the configuration to begin with'
              )
            }
          }),
          ...(keys.includes('query') && {
            query: {
              type: 'string' as const,
              description: trans.__('What is searched for among the tasks')
            }
          })
        }
      }
    });

    commands.addCommand(CommandIDs.openDashboard, {
      label: args =>
        args.isLauncher ? trans.__('Pyruns') : trans.__('Dashboard'),
      caption: trans.__('Show the machine, its GPUs, what runs and what waits'),
      icon: pyrunsIcon,
      describedBy: describe(),
      execute: args => openHere('dashboard', args)
    });
    commands.addCommand(CommandIDs.openGenerator, {
      label: trans.__('New Tasks'),
      caption: trans.__('Create tasks from a configuration and run them'),
      icon: pyrunsIcon,
      describedBy: describe('file'),
      execute: args => openHere('generator', args)
    });
    commands.addCommand(CommandIDs.openManager, {
      label: trans.__('Tasks'),
      caption: trans.__('Show all tasks of the workspace in a table'),
      icon: pyrunsIcon,
      describedBy: describe('query'),
      execute: args => openHere('manager', args)
    });
    commands.addCommand(CommandIDs.openMonitor, {
      label: trans.__('Logs'),
      caption: trans.__('Follow the logs of the workspace’s tasks'),
      icon: pyrunsIcon,
      describedBy: describe('task', 'beside'),
      execute: args => openHere('monitor', args)
    });
    commands.addCommand(CommandIDs.openCompare, {
      label: trans.__('Compare'),
      caption: trans.__('Show tasks side by side: table, curves, plots'),
      icon: pyrunsIcon,
      describedBy: describe('names', 'study'),
      execute: args => openHere('compare', args)
    });
    commands.addCommand(CommandIDs.openPage, {
      label: trans.__('Open a Page of a Workspace'),
      caption: trans.__(
        'Open Dashboard, Generator, Manager, Monitor or Compare'
      ),
      icon: pyrunsIcon,
      describedBy: {
        args: {
          type: 'object',
          required: ['page'],
          properties: {
            page: {
              type: 'string',
              oneOf: PAGES.map(page => ({ const: page }))
            },
            ...describe('task', 'beside', 'names', 'study', 'query').args
              .properties
          }
        }
      },
      execute: args => {
        const page = PAGES.find(item => item === args.page);
        return page && openHere(page, args);
      }
    });

    commands.addCommand(CommandIDs.copyLink, {
      label: trans.__('Copy Link to Tasks'),
      caption: trans.__(
        'Copy a link that opens the table of tasks with the same search'
      ),
      icon: linkIcon,
      describedBy: describe('query'),
      execute: args => {
        const shown = tracker.currentWidget;
        const id =
          text(args.workspace) ?? shown?.workspace ?? pyruns.current?.id;
        if (!id) {
          return;
        }
        const query =
          text(args.query) ?? (shown?.workspace === id ? shown.query : '');
        Clipboard.copyToSystem(
          linkTo(
            app.serviceManager.serverSettings.baseUrl,
            PageConfig.getOption('appUrl'),
            {
              workspace: id,
              query
            }
          )
        );
        Notification.success(trans.__('The link was copied.'), {
          autoClose: 3000
        });
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
    const category = trans.__('Pyruns');
    for (const command of [
      CommandIDs.openDashboard,
      CommandIDs.openGenerator,
      CommandIDs.openManager,
      CommandIDs.openMonitor,
      CommandIDs.openCompare,
      CommandIDs.copyLink
    ]) {
      palette?.addItem({ command, category });
    }
    launcher?.add({
      command: CommandIDs.openDashboard,
      args: { isLauncher: true },
      category: trans.__('Other'),
      rank: 10
    });
  }
};

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function texts(value: unknown): string[] | undefined {
  return Array.isArray(value)
    ? value.filter((item): item is string => typeof item === 'string')
    : undefined;
}

function nameOf(trans: TranslationBundle, pyruns: IPyruns, id: string): string {
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
