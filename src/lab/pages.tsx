import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import {
  ICommandPalette,
  IToolbarWidgetRegistry,
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

import { asTexts } from '../client/shapes';
import { workspaceTitle } from '../views/shared/title';
import { describe, PAGES, text } from './arguments';
import type { Caller } from './caller';
import { ownArgs } from './caller';
// Commands are there from the start.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { addActionCommands } from './commands';
import { actionIcon, loadActionIcons, pyrunsIcon } from './icons';
// A frame of two kilobytes; what it shows is loaded when it is attached.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { PageWidget } from './pagewidget';
import type {
  GetContext,
  OpenPage,
  Page,
  IPageArgs,
  IPageHandle
} from './pagefactory';
import { pageTexts } from './pagetexts';
// Who calls a command can be seen only at once.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { answer } from './request';
// Toolbars are filled before the code of their pages is loaded.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { createToolbars, SlotStore } from './toolbars';
import { CommandIDs, ICore } from './tokens';

/** A page in the main area, and what restores it after a reload. */
export class PageArea extends MainAreaWidget<PageWidget> {
  constructor(
    options: MainAreaWidget.IOptions<PageWidget>,
    readonly page: Page,
    readonly workspace: string,
    /** What the view shows. */
    readonly showing: IPageHandle
  ) {
    super(options);
    this.addClass('pyr-page-area');
    this.toolbar.hide();
  }

  /** The places in the toolbar for controls of the page. */
  readonly slots = new SlotStore();
  /** What its toolbar shows of each command. */
  readonly commandStates = new Map<string, string>();

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
    'Opens Dashboard, New tasks, Tasks, Logs and Compare in the main area.',
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
    IToolbarWidgetRegistry,
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
    toolbars: IToolbarWidgetRegistry | null,
    translator: ITranslator | null
  ): void => {
    const { trans } = pyruns;
    const texts = pageTexts(trans);
    const { commands, shell } = app;
    const tracker = new WidgetTracker<PageArea>({ namespace: 'pyruns' });
    const addToolbar =
      toolbars && registry
        ? createToolbars(
            toolbars,
            registry,
            translator ?? nullTranslator,
            trans
          )
        : null;

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

    const makePage = (page: Page, workspace: string, shown: IPageArgs) => {
      const show: IPageHandle = {
        task: shown.task ?? '',
        beside: shown.beside ?? [],
        names: shown.names ?? [],
        study: shown.study ?? '',
        tab: shown.tab,
        query: shown.query ?? '',
        file: shown.file ?? '',
        source: shown.source ?? '',
        context: new PageContext(() => refreshCommands(widget)),
        onShow: null,
        show: change => {
          show.task = change.task || show.task;
          show.beside = change.beside ?? show.beside;
          show.query = change.query ?? show.query;
          const { task, names, study, tab, file, source } = change;
          if (show.onShow) {
            show.onShow(change);
          } else if (task || names || study || tab || file || source) {
            // The last request replaces what the view has not read.
            show.names = names ?? [];
            show.study = study ?? '';
            show.tab = tab;
            show.file = file ?? '';
            show.source = source ?? '';
          }
          const widget = tracker.find(item => item.showing === show);
          if (widget) {
            void tracker.save(widget);
          }
        }
      };
      const content = new PageWidget(trans, async owner => {
        show.onShow = null;
        // Views and what they need are not part of Lab's start.
        const [views] = await Promise.all([
          import('./pagefactory'),
          import('../../style/views.css')
        ]);
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
            content.title.label = texts[page].title(name);
          },
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
            void commands.execute(
              CommandIDs.copyLink,
              ownArgs({ workspace, query: show.query })
            )
        });
      });
      content.title.icon = pyrunsIcon;
      content.title.label = texts[page].title(nameOf(trans, pyruns, workspace));
      content.title.caption = workspace;
      content.title.closable = true;
      const widget = new PageArea({ content }, page, workspace, show);
      widget.id = `pyruns-${page}-${workspace}`;
      if (addToolbar) {
        content.toolbar = widget.slots;
        widget.toolbar.node.setAttribute(
          'aria-label',
          texts[page].toolbar ?? trans.__('Page actions')
        );
        // Filled before the page adds its controls: Tab leads to the item that came first.
        addToolbar(widget);
        const { style } = widget.toolbar.node;
        style.opacity = '0'; // without icons; items that are not visible get no focus
        void loadActionIcons().then(() => {
          style.opacity = '';
        });
      }
      return widget;
    };

    const openHere = async (
      page: Page,
      id: string | undefined,
      args: ReadonlyPartialJSONObject,
      caller: Caller
    ) => {
      const template =
        text(args.file) || text(args.task) || asTexts(args.names).join(', ');
      if (id && page === 'generator' && template && caller === 'other') {
        const { askToAllow } = await import('./allow');
        await askToAllow(trans, {
          title: trans.__('Replace the configuration of new tasks?'),
          facts: [
            [trans.__('Workspace'), id],
            [trans.__('Configuration of'), template]
          ],
          accept: trans.__('Replace')
        });
      }
      if (id) {
        open(page, id, args as IPageArgs);
        return { workspace: id, page };
      }
      if (pyruns.session.getSnapshot().handshake === 'ready') {
        Notification.info(
          trans.__('Open a script or a folder in Pyruns first.'),
          { autoClose: 4000 }
        );
      }
      // The sidebar also reports problems with the server.
      return commands.execute(CommandIDs.showSidebar);
    };

    /** The workspace of a command, to be asked before anything is awaited. */
    const workspaceOf = (args: ReadonlyPartialJSONObject) =>
      text(args.workspace) ?? pyruns.current?.id;

    const category = trans.__('Pyruns');
    for (const page of PAGES) {
      const { command, icon, label, caption, args = [] } = texts[page];
      commands.addCommand(command, {
        label: ({ isLauncher }) => (isLauncher ? trans.__('Pyruns') : label),
        caption,
        icon: ({ toolbar }) => (toolbar ? actionIcon(icon) : pyrunsIcon),
        describedBy: describe(trans, ['workspace', ...args]),
        execute: given => {
          const id = workspaceOf(given);
          return answer(trans, commands, command, given, caller =>
            openHere(page, id, given, caller)
          );
        }
      });
      palette?.addItem({ command, category });
    }
    commands.addCommand(CommandIDs.openPage, {
      label: trans.__('Open a Page of a Workspace'),
      caption: trans.__('Open Dashboard, New tasks, Tasks, Logs or Compare'),
      icon: pyrunsIcon,
      describedBy: describe(
        trans,
        ['page', 'workspace', 'task', 'beside', 'names', 'study', 'query'],
        ['page']
      ),
      execute: args => {
        const id = workspaceOf(args);
        return answer(
          trans,
          commands,
          CommandIDs.openPage,
          args,
          async caller => {
            const page = PAGES.find(item => item === args.page);
            return page && openHere(page, id, args, caller);
          }
        );
      }
    });
    commands.addCommand(CommandIDs.openSettings, {
      label: trans.__('Pyruns settings'),
      caption: trans.__('Open the Pyruns settings in the settings editor'),
      icon: settingsIcon,
      describedBy: describe(trans, []),
      execute: async () => {
        await commands.execute('settingeditor:open', { query: 'Pyruns' });
        return {};
      }
    });

    commands.addCommand(CommandIDs.copyLink, {
      label: trans.__('Copy Link to Tasks'),
      caption: trans.__('Copy a link that opens Tasks with this query'),
      icon: linkIcon,
      describedBy: describe(trans, ['workspace', 'query']),
      execute: args => {
        const shown = tracker.currentWidget;
        const id =
          text(args.workspace) ?? shown?.workspace ?? pyruns.current?.id;
        const query =
          text(args.query) ??
          (shown && shown.workspace === id ? shown.query : '');
        return answer(trans, commands, CommandIDs.copyLink, args, async () => {
          if (!id) {
            return {};
          }
          const { linkTo } = await import('./links');
          const link = linkTo(
            app.serviceManager.serverSettings.baseUrl,
            PageConfig.getOption('appUrl'),
            { workspace: id, query }
          );
          const { copyText } = await import('../views/shared/copy');
          await copyText(link);
          Notification.success(trans.__('Link copied'), {
            autoClose: 3000
          });
          return { workspace: id, query, link };
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
    for (const command of [CommandIDs.copyLink, CommandIDs.openSettings]) {
      palette?.addItem({ command, category });
    }
    const refreshCommands = addActionCommands({
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

/** The context of a page; several changes in a frame are reported once. */
class PageContext {
  constructor(private readonly _onChange: () => void) {}

  get current(): GetContext | null {
    return this._current;
  }

  set current(value: GetContext | null) {
    this._current = value;
    cancelAnimationFrame(this._frame);
    this._frame = requestAnimationFrame(this._onChange);
  }

  private _current: GetContext | null = null;
  private _frame = 0;
}

function nameOf(trans: TranslationBundle, pyruns: ICore, id: string): string {
  const known = pyruns.session
    .getSnapshot()
    .workspaces.find(item => item.id === id);
  return known
    ? workspaceTitle(trans, known)
    : id.slice(id.lastIndexOf('/') + 1);
}
