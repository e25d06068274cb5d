import * as React from 'react';

import type { Group, TaskRow } from '../../client/types';
import { isActive } from '../../model/active';
import { vocabularyOf } from '../../model/completion';
import type { ColumnId, Grouping } from '../../model/layout';
import type { TableLayoutModel } from '../../model/tablelayout';
import { TasksPageModel } from '../../model/taskspage';
import type { TaskListModel } from '../../model/tasklist';
import type { ITaskListState } from '../../model/taskliststate';
import { differInRowsOnly, MANY_TASKS, sumOf } from '../../model/taskliststate';
import type { ActionId } from '../actions';
import { ACTIONS } from '../actions';
import type { Args, IPageProps, ITaskContext } from '../actions/action';
import { chooseTasks } from '../actions/action';
import { useActions } from '../actions/controls';
import { useConfirm } from '../shared/confirm';
import { useTrans, withTrans } from '../shared/context';
import type { IPoint } from '../shared/popup';
import { countOfTasks, exactValue } from '../shared/format';
import { useOwned, useStore } from '../shared/store';
import { usageTexts } from '../shared/systemmetrics';
import { Banner } from '../shared/banner';
import { Button } from '../shared/button';
import { AlertRulesPopup } from './alertrules';
import { Body } from './body';
import { ColumnMenu } from './columnmenu';
import { ColumnsPopup } from './columnspopup';
import { Details } from './details';
import type { MarkdownRenderer } from './details/notes';
import type { ExportChoice } from './exporting';
import { ExportPopup } from './exporting';
import { ImportPopup } from './importing';
import { StatusLine, Banners } from './banners';
import { ViewOptions } from './viewoptions';
import { RenamePopup } from './rename';
import { TaskMenu } from './rowmenu';
import { TagsPopup } from './tags';
import { Toolbar } from './toolbar';
import { TrashView } from './trash';

export interface IManagerProps extends IPageProps {
  model: TaskListModel;
  onOpenLog: (task: TaskRow) => void;
  /** Show tasks side by side; hidden without it. */
  onCompare?: (tasks: readonly string[]) => void;
  /** Begin new tasks from a task's configuration; hidden without it. */
  onTemplate?: (tasks: readonly string[]) => void;
  /** Copy a link to the tasks that are listed; hidden without it. */
  onCopyLink?: () => void;
  /** How many tasks run at a time when *Run* is pressed, at first. */
  jobs?: number;
  onJobs?: (jobs: number) => void;
  /** Columns, widths, saved views; of the view's own and forgotten without it. */
  table?: TableLayoutModel;
  /** Shows Markdown; without it notes are plain text. */
  renderMarkdown?: MarkdownRenderer;
  /** Open a file by its path below the server's root; hidden without it. */
  onOpenFile?: (path: string) => void;
  /** A folder or file from which runs are to be imported at once. */
  source?: string;
  /** Takes what opens the import of a folder or file. */
  importRef?: React.Ref<(source: string) => void>;
}

/** All tasks of a workspace: find, select, run, stop, delete. */
export const ManagerView = withTrans(Manager);

/** A popup of the page. */
type Opened =
  | { kind: 'columns' }
  | { kind: 'column'; column: ColumnId }
  | {
      kind: 'more' | 'export' | 'menu' | 'rename' | 'tags' | 'alerts';
      names: readonly string[];
    }
  | { kind: 'import'; source: string };

/** Where the popup opens. */
interface IOpenedAt {
  anchor: HTMLElement;
  at?: IPoint;
}

/** A grouping and its query, to go back to. */
interface IOrigin {
  grouping: Grouping;
  query: string;
  title: string;
}

function Manager(props: IManagerProps): JSX.Element {
  const { model, canWrite = true, canExecute = true } = props;
  const trans = useTrans();
  const page = useOwned(
    () => new TasksPageModel(model, props.table),
    [model, props.table]
  );
  const { table, curves, setActive, setDetails } = page;
  const [opened, setOpened] = React.useState<(Opened & IOpenedAt) | null>(null);
  // Running tasks change their rows often; the rest of the page seldom shows that.
  const state = useStore(model, whole, (old, fresh) => {
    const { active } = page.getSnapshot();
    const tasks = new Set([...fresh.selection, active]);
    return opened === null && differInRowsOnly(old, fresh, tasks);
  });
  const [confirm, question] = useConfirm(props.confirm);
  const [ownJobs, setOwnJobs] = React.useState(props.jobs ?? 1);
  const jobs = (props.onJobs && props.jobs) || ownJobs;
  const actions = useActions();
  const root = React.useRef<HTMLDivElement>(null);
  const { active, details, trash } = useStore(page);
  const curve = useStore(curves, ({ key }) => key);
  const known = useStore(table, state => state.known);
  /** The grouping that the listed tasks were opened from. */
  const [origin, setOrigin] = React.useState<IOrigin | null>(null);
  const [form, setForm] = React.useState<ExportChoice>({
    format: 'csv',
    runs: 'latest',
    curves: false
  });
  const close = React.useCallback(() => setOpened(null), []);

  React.useEffect(() => page.start(), [page]);
  const vocabulary = React.useMemo(
    () => vocabularyOf(state.rows, state.columns, known, state.goals),
    [state.rows, state.columns, known, state.goals]
  );

  const chosen = React.useMemo(
    () => chooseTasks(state.rows, [...state.selection]),
    [state.rows, state.selection]
  );

  /** Open a popup in place of the one that was open at the last render. */
  const openHere = (next: Opened) =>
    setOpened(opened && { anchor: opened.anchor, at: opened.at, ...next });
  const openForm =
    (kind: 'export' | 'rename' | 'tags' | 'alerts') =>
    (names: readonly string[]) =>
      setOpened({ ...placeOfForm(root.current, opened), kind, names });
  const openImport = (source: string) =>
    setOpened({ ...placeOfForm(root.current, opened), kind: 'import', source });
  React.useImperativeHandle(props.importRef, () => openImport);
  React.useEffect(() => {
    if (props.source) {
      openImport(props.source);
    }
    // Only at first.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  const place = opened && {
    anchor: opened.anchor,
    at: opened.at,
    onClose: close
  };
  const contextOf = (tasks = chosen): ITaskContext => ({
    workspace: model.ws,
    trans,
    model,
    canWrite,
    canExecute,
    confirm,
    jobs,
    trash: trash ?? undefined,
    // The trash is shown in place of the tasks.
    chosen: trash ? chooseTasks([], []) : tasks,
    show: {
      log: tasks.rows[0] && (() => props.onOpenLog(tasks.rows[0])),
      compare: props.onCompare,
      template: props.onTemplate,
      details: ([task]) => {
        setActive(task);
        setDetails(true);
      },
      tags: openForm('tags'),
      rename: openForm('rename'),
      export: openForm('export'),
      import: () => openImport(''),
      alerts: openForm('alerts'),
      trash: page.openTrash
    }
  });
  const perform = (id: ActionId, names: readonly string[], args?: Args) =>
    void actions.perform(
      ACTIONS[id],
      contextOf(chooseTasks(model.getSnapshot().rows, names)),
      args
    );
  React.useImperativeHandle(props.contextRef, () => contextOf);

  if (trash) {
    return (
      <div className="pyr-view">
        <TrashView
          model={trash}
          context={contextOf()}
          actions={actions}
          onBack={page.closeTrash}
          banners={
            <>
              {question}
              <Banners model={model} state={state} actions={actions} />
            </>
          }
        />
      </div>
    );
  }
  return (
    <div ref={root} className="pyr-view">
      <Toolbar
        model={model}
        state={state}
        jobs={jobs}
        onJobs={props.onJobs ?? setOwnJobs}
        context={contextOf()}
        actions={actions}
        onMore={anchor =>
          setOpened(
            opened ? null : { kind: 'more', anchor, names: chosen.names }
          )
        }
        moreOpen={opened?.kind === 'more'}
        onCopyLink={props.onCopyLink}
        vocabulary={vocabulary}
        details={details}
        onDetails={() => setDetails(!details)}
        viewOptions={
          <ViewOptions
            model={model}
            table={table}
            state={state}
            hasColumns={opened?.kind === 'columns'}
            onColumns={anchor =>
              setOpened(opened ? null : { kind: 'columns', anchor })
            }
          />
        }
      />
      {origin && (
        <Banner
          kind="info"
          icon="group"
          onClose={() => setOrigin(null)}
          actions={
            <Button
              icon="left"
              label={trans.__('Back to groups')}
              onClick={() => {
                table.setLayout({ grouping: origin.grouping });
                model.setListing({ query: origin.query });
                setOrigin(null);
              }}
            />
          }
        >
          {trans.__('Tasks with %1', origin.title)}
        </Banner>
      )}
      <Banner kind="warning">{state.workspace?.problem}</Banner>
      {state.counts && sumOf(state.counts) > MANY_TASKS && (
        <Banner kind="warning">
          {trans.__(
            'This workspace has %1 tasks. Above %2, listing and filtering slow down. Archive finished tasks, or continue in a new folder.',
            sumOf(state.counts).toLocaleString(),
            MANY_TASKS.toLocaleString()
          )}
        </Banner>
      )}
      <div className="pyr-manager-body">
        <Body
          model={model}
          table={table}
          curves={curves}
          groups={page.groups}
          onGenerate={props.onGenerate}
          onOpenLog={props.onOpenLog}
          onRunOrStop={
            canExecute
              ? row =>
                  perform(isActive(row.status) ? 'stop-tasks' : 'run-tasks', [
                    row.name
                  ])
              : undefined
          }
          onActive={setActive}
          onDetails={() => setDetails(!details)}
          onColumnMenu={(anchor, column) =>
            setOpened({ kind: 'column', anchor, column })
          }
          onOpenGroup={group => {
            const { grouping } = table.getSnapshot().layout;
            if (grouping && group.query !== null) {
              const { query } = state.listing;
              setOrigin({ grouping, query, title: titleOfGroup(group) });
              table.setLayout({ grouping: null });
              model.setListing({
                query: [query.trim(), group.query].filter(Boolean).join('\n')
              });
            }
          }}
          // The grid may have selected the active row just now.
          onDelete={() =>
            canWrite &&
            perform('delete-tasks', [...model.getSnapshot().selection])
          }
          onSelectAll={() => void actions.attempt(() => model.selectAll())}
          onMenu={(anchor, at, some) =>
            setOpened({ kind: 'menu', anchor, at, names: some })
          }
          onMove={(direction, some) =>
            canWrite &&
            perform(
              direction === 'up' ? 'move-tasks-up' : 'move-tasks-down',
              some
            )
          }
        />
        {details && (
          <Details
            model={page.detail}
            row={model.row(active)}
            canWrite={canWrite}
            renderMarkdown={props.renderMarkdown}
            onOpenLog={props.onOpenLog}
            onOpenFile={props.onOpenFile}
            onClose={() => setDetails(false)}
          />
        )}
      </div>
      {place && opened.kind === 'column' && (
        <ColumnMenu
          {...place}
          model={model}
          table={table}
          column={opened.column}
          onChoose={() => openHere({ kind: 'columns' })}
          onDefine={(metric, goal) =>
            void actions.attempt(() => page.defineMetric(metric, goal))
          }
        />
      )}
      {place && opened.kind === 'columns' && (
        <ColumnsPopup {...place} table={table} state={state} curve={curve} />
      )}
      {place && opened.kind === 'export' && (
        <ExportPopup
          {...place}
          model={model}
          state={state}
          form={form}
          onForm={setForm}
        />
      )}
      {place && opened.kind === 'import' && (
        <ImportPopup {...place} model={model} source={opened.source} />
      )}
      {place && opened.kind === 'alerts' && (
        <AlertRulesPopup {...place} model={model} />
      )}
      {place && (opened.kind === 'menu' || opened.kind === 'more') && (
        <TaskMenu
          {...place}
          isMore={opened.kind === 'more'}
          context={contextOf(chooseTasks(state.rows, opened.names))}
          actions={actions}
        />
      )}
      {place && opened.kind === 'rename' && (
        <RenamePopup
          {...place}
          context={contextOf(chooseTasks(state.rows, opened.names))}
        />
      )}
      {place && opened.kind === 'tags' && (
        <TagsPopup
          {...place}
          state={state}
          names={opened.names}
          onChange={(action, tags) => perform(action, opened.names, { tags })}
        />
      )}
      {question}
      <Banners
        model={model}
        state={state}
        actions={actions}
        onUndo={() => perform('restore-tasks', [])}
      />
      <StatusLine
        text={
          state.phase === 'ready'
            ? [
                countOfTasks(trans, state.total),
                ...usageTexts(trans, state.usage ?? {})
              ].join(' · ')
            : ''
        }
        selected={state.selection.size}
        onClear={() => model.select([], 'replace')}
      />
    </div>
  );
}

/** Where a form opens: where the menu was, or below the toolbar for a command. */
function placeOfForm(
  view: HTMLElement | null,
  opened: IOpenedAt | null
): IOpenedAt {
  return {
    anchor:
      opened?.anchor ??
      view?.querySelector<HTMLElement>('.pyr-filterbar') ??
      document.body,
    at: opened?.at
  };
}

const whole = (state: ITaskListState) => state;

function titleOfGroup(group: Group): string {
  return Object.entries(group.values)
    .map(([key, value]) => `${key}=${exactValue(value)}`)
    .join(', ');
}
