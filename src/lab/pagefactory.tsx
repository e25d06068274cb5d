/** The views of the main area, in a chunk of their own. */
import { Notification } from '@jupyterlab/apputils';
import type { IEditorServices } from '@jupyterlab/codeeditor';
import { PathExt } from '@jupyterlab/coreutils';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import { asClientError } from '../client/errors';
import { asRecord } from '../client/shapes';
import type { Workspace } from '../client/types';
import { DashboardModel } from '../model/dashboard';
import { asSavedDraft } from '../model/draftstate';
import { DraftModel } from '../model/draft';
import { MonitorModel } from '../model/monitor';
import { CLUSTER_JOBS } from '../model/runoptions';
import type { StudiesModel } from '../model/studies';
import { asSavedTable } from '../model/savedviews';
import { TableLayoutModel } from '../model/tablelayout';
import { TaskListModel } from '../model/tasklist';
import type { IActionContext } from '../views/actions/action';
import type { Tab } from '../views/compare/options';
import type { MarkdownRenderer } from '../views/manager/details/notes';
import type { ILogOptions } from '../views/monitor/header';
import { workspaceTitle } from '../views/shared/title';
import type { PAGES } from './arguments';
import { makeCompare } from './comparepage';
import type { PageWidget } from './pagewidget';
import { confirmInLab, toJson } from './request';
import type { ICore } from './tokens';
import { withoutCommands } from './untrusted';

export type Page = (typeof PAGES)[number];

/** Load the code of a page's view. */
const VIEWS = {
  dashboard: () => import('../views/dashboard'),
  generator: () =>
    Promise.all([import('../views/generator'), import('./editor')]),
  manager: () => import('../views/manager'),
  monitor: () => import('../views/monitor'),
  compare: () => import('../views/compare')
};

/** Load the code of all pages, so that each of them opens faster later. */
export async function loadViews(): Promise<void> {
  await Promise.all(Object.values(VIEWS).map(load => load()));
}

/** What a page shows of a workspace; missing properties do not change. */
export interface IPageArgs {
  task?: string;
  /** Tasks whose logs are shown next to it. */
  beside?: readonly string[];
  /** Tasks that are compared, or whose configurations become a sweep. */
  names?: readonly string[];
  /** Name of the study to show. */
  study?: string;
  /** Tab of the Compare page. */
  tab?: Tab;
  /** The query of the task list. */
  query?: string;
  /** A file that is a template of the configuration, by its path in Lab. */
  file?: string;
  /** A folder or file from which runs are to be imported. */
  source?: string;
}

/** Opens a page, or activates it if it is open. */
export type OpenPage = (
  page: Page,
  workspace: string,
  shown?: IPageArgs
) => unknown;

/** Returns what actions from outside of a view work on. */
export type GetContext = () => IActionContext;

/** What a page shows; shared by the page and what opens it. */
export interface IPageHandle {
  task: string;
  beside: readonly string[];
  /** Until the view has read them. */
  names: readonly string[];
  study: string;
  /** Until the view has read it. */
  tab?: Tab;
  query: string;
  /** Until the view has read it. */
  file: string;
  /** Until the view has read it. */
  source: string;
  /** What actions from outside work on, while the view is shown. */
  readonly context: { current: GetContext | null };
  /** The studies that it shows, if it shows some. */
  studies?: StudiesModel;
  /** Set by the view; called to show something else. */
  onShow: ((shown: IPageArgs) => void) | null;
  show(shown: IPageArgs): void;
}

export interface IViewOptions {
  page: Page;
  workspace: string;
  show: IPageHandle;
  owner: PageWidget;
  pyruns: ICore;
  open: OpenPage;
  editors: IEditorServices | null;
  state: IStateDB | null;
  rendermime: IRenderMimeRegistry | null;
  trans: TranslationBundle;
  /** The workspace's name is known. */
  onName: (name: string) => void;
  onCopyLink: () => void;
  /** Open a file by its path below the server's root. */
  onOpenFile: (path: string) => void;
  /** The text of a file by its path in Lab. */
  readFile: (path: string) => Promise<string>;
}

/** Make the view of a page; the workspace and its tasks are requested while the code is loaded. */
export async function makeView(options: IViewOptions): Promise<JSX.Element> {
  const { session } = options.pyruns;
  const { handshake: known } = session.getSnapshot();
  const mayAnswer = known === 'checking' || known === 'ready';
  const tasks =
    options.page === 'manager' && mayAnswer ? beginList(options) : null;
  const [found] = await Promise.allSettled([
    session.readWorkspace(options.workspace),
    // It has the rights of the user, and reports an unusable server.
    session.settled(),
    VIEWS[options.page]()
  ]);
  const { handshake } = session.getSnapshot();
  if (handshake === 'missing' || handshake === 'mismatch') {
    tasks?.dispose();
    return makeNoServer(options);
  }
  if (found.status === 'rejected') {
    throw found.reason;
  }
  const workspace = found.value;
  options.onName(workspaceTitle(options.trans, workspace));
  switch (options.page) {
    case 'dashboard':
      return makeDashboard(options, workspace);
    case 'generator':
      return makeGenerator(options, workspace);
    case 'manager':
      // The server answers with another id if the path has links.
      if (tasks?.ws === workspace.id) {
        return makeManager(options, workspace, tasks);
      }
      tasks?.dispose();
      return makeManager(options, workspace, beginList(options, workspace.id));
    case 'monitor':
      return makeMonitor(options, workspace);
    case 'compare':
      return makeCompare(options, workspace);
  }
}

/** Shown instead of a page until the server answers. */
async function makeNoServer({
  owner,
  pyruns
}: IViewOptions): Promise<JSX.Element> {
  const [{ NoServer }, { useStore }] = await Promise.all([
    import('../views/shared/noserver'),
    import('../views/shared/store')
  ]);
  const Waiting = () => {
    const state = useStore(pyruns.session);
    const isReady = state.handshake === 'ready';
    React.useEffect(() => {
      if (isReady) {
        owner.reload();
      }
    }, [isReady]);
    return isReady || state.handshake === 'checking' ? null : (
      <div className="pyr-view">
        <NoServer state={state} onRetry={() => pyruns.session.retry()} />
      </div>
    );
  };
  return <Waiting />;
}

async function makeDashboard(
  options: IViewOptions,
  workspace: Workspace
): Promise<JSX.Element> {
  const { pyruns, owner, open, show, trans } = options;
  const { DashboardView } = await VIEWS.dashboard();
  const model = owner.own(
    new DashboardModel(pyruns.client, workspace.id, pyruns.system)
  );
  return (
    <DashboardView
      workspace={workspace}
      model={model}
      trans={trans}
      {...pyruns.session.rights}
      confirm={confirmInLab(trans)}
      contextRef={show.context}
      onOpenStudy={study => open('compare', workspace.id, { study })}
      onGenerate={() => open('generator', workspace.id)}
      onOpenLog={task => open('monitor', workspace.id, { task })}
      onOpenTasks={status =>
        open('manager', workspace.id, { query: `status:${status}` })
      }
      onOpenNotebook={options.onOpenFile}
    />
  );
}

async function makeGenerator(
  options: IViewOptions,
  workspace: Workspace
): Promise<JSX.Element> {
  const { pyruns, owner, open, editors, show, state, trans } = options;
  const [{ GeneratorView }, { createEditor }] = await VIEWS.generator();
  const key = `pyruns-jupyter:draft:${workspace.id}`;
  const model = owner.own(
    new DraftModel({
      client: pyruns.client,
      ws: workspace.id,
      kind: workspace.kind,
      jobs: usualJobs(workspace, options),
      loadDraft: async () => asSavedDraft(await state?.fetch(key)),
      saveDraft: draft => void state?.save(key, toJson(draft))
    })
  );
  const openFile = async (path: string) => {
    try {
      const text = await options.readFile(path);
      await model.ready;
      model.useFile(PathExt.basename(path), text);
    } catch (error) {
      Notification.error(
        trans.__('Couldn’t read %1: %2', path, asClientError(error).message)
      );
    }
  };
  show.onShow = ({ file, task, names = [] }) => {
    if (file) {
      void openFile(file);
    } else if (names.length > 0) {
      void model.ready.then(() => model.useTemplate(...names));
    } else if (task) {
      void model.ready.then(() => model.useTemplate(task));
    }
  };
  if (show.file || show.task || show.names.length > 0) {
    show.onShow({ file: show.file, task: show.task, names: show.names });
    // A reload restores the draft, not the initial content.
    show.task = '';
    show.names = [];
    show.file = '';
  }
  return (
    <GeneratorView
      model={model}
      workspace={workspace}
      trans={trans}
      Editor={editors ? createEditor(editors) : undefined}
      {...pyruns.session.rights}
      onBegun={study => open('compare', workspace.id, { study })}
      onCreated={(names, queued) => {
        const message = queued
          ? trans._n(
              '%1 task created and queued',
              '%1 tasks created and queued',
              names.length
            )
          : trans._n('%1 task created', '%1 tasks created', names.length);
        Notification.success(
          `${workspaceTitle(trans, workspace)}: ${message}`,
          {
            autoClose: 3000
          }
        );
        const { afterCreation } = pyruns.settings.getSnapshot();
        if (afterCreation === 'log' && queued) {
          open('monitor', workspace.id, { task: names[0] });
        } else if (afterCreation !== 'nothing') {
          open('manager', workspace.id);
        }
      }}
    />
  );
}

/** Begin to list the tasks of the page. */
function beginList(
  { owner, pyruns, show, workspace }: IViewOptions,
  ws = workspace
): TaskListModel {
  const { query } = show;
  const model = owner.own(new TaskListModel(pyruns.client, ws, { query }));
  model.start();
  return model;
}

async function makeManager(
  options: IViewOptions,
  workspace: Workspace,
  model: TaskListModel
): Promise<JSX.Element> {
  const { pyruns, owner, open, show, state, trans } = options;
  const { ManagerView } = await VIEWS.manager();
  const key = `pyruns-jupyter:table:${workspace.id}`;
  const saved = asSavedTable(await state?.fetch(key).catch(() => null));
  const table = owner.own(
    new TableLayoutModel({
      client: pyruns.client,
      ws: workspace.id,
      saved,
      save: kept => void state?.save(key, toJson(kept))
    })
  );
  const importRef = React.createRef<(path: string) => void>();
  show.onShow = ({ query, source: path }) => {
    if (path) {
      importRef.current?.(path);
    }
    const { listing } = model.getSnapshot();
    if (query !== undefined && query !== listing.query) {
      model.setListing({ query, statuses: [] });
    }
  };
  // It may have changed since the list began.
  show.onShow({ query: show.query });
  model.subscribe(() => {
    const { query } = model.getSnapshot().listing;
    if (query !== show.query) {
      // Remember it for the next reload.
      show.show({ query });
    }
  });
  const { source } = show;
  show.source = '';
  return (
    <ManagerView
      model={model}
      source={source}
      importRef={importRef}
      table={table}
      renderMarkdown={
        options.rendermime ? markdownRenderer(options.rendermime) : undefined
      }
      trans={trans}
      jobs={usualJobs(workspace, options)}
      {...pyruns.session.rights}
      confirm={confirmInLab(trans)}
      contextRef={show.context}
      onOpenLog={task => open('monitor', workspace.id, { task: task.name })}
      onCompare={names => open('compare', workspace.id, { names })}
      onGenerate={() => open('generator', workspace.id)}
      onTemplate={names => open('generator', workspace.id, { names })}
      onCopyLink={options.onCopyLink}
      onOpenFile={options.onOpenFile}
    />
  );
}

async function makeMonitor(
  options: IViewOptions,
  workspace: Workspace
): Promise<JSX.Element> {
  const { pyruns, owner, show, state, trans } = options;
  const { MonitorView } = await VIEWS.monitor();
  const key = 'pyruns-jupyter:log-looks';
  const logOptions = asLogOptions(await state?.fetch(key).catch(() => null));
  const model = owner.own(new TaskListModel(pyruns.client, workspace.id));
  const monitor = owner.own(new MonitorModel(model));
  if (show.task) {
    monitor.open(show.task);
    show.beside.forEach(task => monitor.openBeside(task));
  }
  show.onShow = ({ task, beside }) => {
    // With `beside`, the change comes from the view itself.
    if (task && !beside) {
      monitor.open(task);
    }
  };
  monitor.subscribe(() => {
    const [task, ...beside] = monitor.tasks;
    if (
      task &&
      [task, ...beside].join() !== [show.task, ...show.beside].join()
    ) {
      // Changed in the view: remember it for the next reload.
      show.show({ task, beside });
    }
  });
  return (
    <MonitorView
      monitor={monitor}
      options={logOptions}
      onOptions={changed => void state?.save(key, { ...changed })}
      onGenerate={() => options.open('generator', workspace.id)}
      trans={trans}
      confirm={confirmInLab(trans)}
      {...pyruns.session.rights}
      contextRef={show.context}
    />
  );
}

/** The default for the maximum number of parallel tasks. */
function usualJobs(workspace: Workspace, options: IViewOptions): number {
  return workspace.engine === 'local'
    ? options.pyruns.settings.getSnapshot().jobs
    : CLUSTER_JOBS;
}

/** Render untrusted Markdown like a notebook. */
export function markdownRenderer(
  rendermime: IRenderMimeRegistry
): MarkdownRenderer {
  return (text, element) => {
    const renderer = rendermime.createRenderer('text/markdown');
    const model = rendermime.createModel({
      data: { 'text/markdown': text },
      trusted: false
    });
    void renderer.renderModel(model);
    Widget.attach(renderer, element);
    const leave = withoutCommands(element);
    return () => {
      leave();
      // Lumino does not detach what is not in the page.
      if (!renderer.node.isConnected) {
        renderer.clearFlag(Widget.Flag.IsAttached);
      }
      renderer.dispose();
    };
  };
}

/** Read the display options of logs from Lab's state. */
function asLogOptions(value: unknown): Partial<ILogOptions> {
  const { isWide, hasTimes, hasCurves } = asRecord(value);
  return {
    isWide: isWide === true,
    hasTimes: hasTimes === true,
    hasCurves: hasCurves === true
  };
}
