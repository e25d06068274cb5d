import * as React from 'react';

import { asClientError } from '../../client/errors';
import type { Group, TaskRow } from '../../client/types';
import { vocabularyOf } from '../../model/completion';
import type { ColumnId, Grouping } from '../../model/layout';
import type { TableModel } from '../../model/table';
import { TasksPageModel } from '../../model/taskspage';
import type { WorkspaceModel } from '../../model/workspace';
import type { IWorkspaceState } from '../../model/workspacestate';
import {
  differInRowsOnly,
  MANY_TASKS,
  sumOf
} from '../../model/workspacestate';
import type { Confirm } from '../shared/ask';
import { useConfirm } from '../shared/ask';
import type { ITrans } from '../shared/context';
import { TransContext, useTrans } from '../shared/context';
import { LostStrip } from '../shared/lost';
import type { IPoint } from '../shared/popup';
import { exactValue } from '../shared/format';
import { isActive } from '../shared/status';
import { useOwned, useStore } from '../shared/store';
import { Button, Strip } from '../shared/strip';
import { useActions } from './actions';
import { Body } from './body';
import { ColumnMenu } from './columnmenu';
import { Details } from './details';
import type { MarkdownRenderer } from './details/notes';
import type { ExportForm } from './exporting';
import { ExportPopup } from './exporting';
import { Foot, Happenings } from './foot';
import { Looks } from './looks';
import { MoreMenu } from './moremenu';
import { RenamePopup } from './rename';
import { RowMenu, sortOut } from './rowmenu';
import { TagsPopup } from './tags';
import { Toolbar } from './toolbar';
import { TrashView } from './trash';

export interface IManagerProps {
  model: WorkspaceModel;
  trans: ITrans;
  onOpenLog: (task: TaskRow) => void;
  /** Show tasks side by side; not offered without it. */
  onCompare?: (tasks: readonly string[]) => void;
  /** Go where tasks are created; not offered without it. */
  onGenerate?: () => void;
  /** Begin new tasks from a task's configuration; not offered without it. */
  onTemplate?: (task: string) => void;
  /** Copy a link to the tasks that are listed; not offered without it. */
  onCopyLink?: () => void;
  /** How to ask before running tasks are stopped; in the page without it. */
  confirm?: Confirm;
  /** Whether this user may create and change tasks. */
  canWrite?: boolean;
  /** Whether this user may start and stop tasks. */
  canExecute?: boolean;
  /** How many tasks run at a time when *Run* is pressed, at first. */
  jobs?: number;
  onJobs?: (jobs: number) => void;
  /** Columns, widths, saved views; of the view's own and forgotten without it. */
  table?: TableModel;
  /** Shows Markdown; without it notes are plain text. */
  renderMarkdown?: MarkdownRenderer;
  /** Open a file by its path below the server's root; not offered without it. */
  onOpenFile?: (path: string) => void;
}

/** All tasks of a workspace: find, select, run, stop, delete. */
export function ManagerView(props: IManagerProps): JSX.Element {
  return (
    <TransContext.Provider value={props.trans}>
      <Manager {...props} />
    </TransContext.Provider>
  );
}

/** What is open over the page. */
type Opened =
  | { kind: 'more' | 'export'; anchor: HTMLElement }
  | { kind: 'rename'; anchor: HTMLElement; at?: IPoint; task: TaskRow }
  | { kind: 'column'; anchor: HTMLElement; column: ColumnId }
  | {
      kind: 'menu' | 'tags';
      anchor: HTMLElement;
      at?: IPoint;
      names: readonly string[];
    };

/** Groups, and what was searched for among them. */
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
  const [opened, setOpened] = React.useState<Opened | null>(null);
  // What runs changes its row many times; the page around seldom shows that.
  const state = useStore(model, whole, (old, fresh) => {
    const { active } = page.getSnapshot();
    const tasks = new Set([...fresh.selection, active]);
    return opened === null && differInRowsOnly(old, fresh, tasks);
  });
  const [confirm, question] = useConfirm(props.confirm);
  const [ownJobs, setOwnJobs] = React.useState(props.jobs ?? 1);
  const jobs = (props.onJobs && props.jobs) || ownJobs;
  const actions = useActions(model, confirm, jobs);
  const { active, details, trash } = useStore(page);
  const curve = useStore(curves, ({ key }) => key);
  const known = useStore(table, state => state.known);
  const [columnsAt, setColumnsAt] = React.useState<HTMLElement | null>(null);
  /** The groups that a group's tasks were opened from. */
  const [origin, setOrigin] = React.useState<IOrigin | null>(null);
  const [form, setForm] = React.useState<ExportForm>({
    format: 'csv',
    runs: 'latest'
  });
  const close = React.useCallback(() => setOpened(null), []);

  React.useEffect(() => page.start(), [page]);
  const vocabulary = React.useMemo(
    () => vocabularyOf(state.rows, state.columns, known),
    [state.rows, state.columns, known]
  );

  const names = React.useMemo(() => [...state.selection], [state.selection]);
  const chosen = React.useMemo(
    () => sortOut(state.rows, names),
    [state.rows, names]
  );

  const doing = (tasks: readonly string[]) => ({
    model,
    state,
    actions,
    names: tasks,
    canWrite,
    canExecute,
    onOpenLog: props.onOpenLog,
    onCompare: props.onCompare,
    onTemplate: props.onTemplate,
    onDetails: (task: TaskRow) => {
      setActive(task.name);
      setDetails(true);
    },
    onRename: (task: TaskRow) => {
      if (opened) {
        const at = 'at' in opened ? opened.at : undefined;
        setOpened({ kind: 'rename', anchor: opened.anchor, at, task });
      }
    }
  });

  if (trash) {
    return (
      <div className="pyr-view pyr-manager">
        <TrashView
          model={trash}
          confirm={confirm}
          canWrite={canWrite}
          onBack={page.closeTrash}
        />
        {question}
        <LostStrip
          connection={state.connection}
          heard={state.heard}
          onRetry={() => model.retry()}
        />
      </div>
    );
  }
  return (
    <div className="pyr-view pyr-manager">
      <Toolbar
        model={model}
        state={state}
        jobs={jobs}
        onJobs={props.onJobs ?? setOwnJobs}
        canRun={canExecute && chosen.canRun}
        canStop={canExecute && chosen.canStop}
        canDelete={canWrite && chosen.canDelete}
        canOpen={chosen.rows.length > 0}
        onRun={() => void actions.act('run', chosen.toRun)}
        onStop={() => void actions.stop(chosen.toStop, chosen.running)}
        onDelete={() => void actions.act('delete', names)}
        onOpenLog={() => props.onOpenLog(chosen.rows[0])}
        canCompare={names.length > 1}
        onCompare={props.onCompare && (() => props.onCompare?.(names))}
        onMore={anchor => setOpened(opened ? null : { kind: 'more', anchor })}
        moreOpen={opened?.kind === 'more'}
        onGenerate={props.onGenerate}
        onCopyLink={props.onCopyLink}
        vocabulary={vocabulary}
        details={details}
        onDetails={() => setDetails(!details)}
        looks={
          <Looks
            model={model}
            table={table}
            state={state}
            curve={curve}
            columnsAt={columnsAt}
            onColumnsClose={() => setColumnsAt(null)}
          />
        }
      />
      {origin && (
        <Strip
          kind="info"
          icon="group"
          onClose={() => setOrigin(null)}
          actions={
            <Button
              icon="left"
              label={trans.__('Back to the groups')}
              onClick={() => {
                table.setLayout({ grouping: origin.grouping });
                model.setListing({ query: origin.query });
                setOrigin(null);
              }}
            />
          }
        >
          {trans.__('The tasks with %1', origin.title)}
        </Strip>
      )}
      {state.workspace?.problem && (
        <Strip kind="warning" icon="warning">
          {state.workspace.problem}
        </Strip>
      )}
      {state.counts && sumOf(state.counts) > MANY_TASKS && (
        <Strip kind="warning" icon="warning">
          {trans.__(
            'There are %1 tasks here: from %2 on, lists and searches take seconds. Pack what is done into an archive and delete it, or go on in another folder.',
            sumOf(state.counts).toLocaleString(),
            MANY_TASKS.toLocaleString()
          )}
        </Strip>
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
                  void (isActive(row.status)
                    ? actions.stop([row.name], row.status === 'running' ? 1 : 0)
                    : actions.act('run', [row.name]))
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
          onDelete={() => {
            // The grid may have just selected the row it stands on.
            const chosenNow = [...model.getSnapshot().selection];
            if (canWrite && chosenNow.length > 0) {
              void actions.act('delete', chosenNow);
            }
          }}
          onSelectAll={() => {
            model
              .selectAll()
              .catch(error => actions.setFailure(asClientError(error).message));
          }}
          onMenu={(anchor, at, some) =>
            setOpened({ kind: 'menu', anchor, at, names: some })
          }
          onMove={(direction, some) => {
            if (canWrite) {
              actions.move(some, direction);
            }
          }}
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
      {opened?.kind === 'column' && (
        <ColumnMenu
          model={model}
          table={table}
          column={opened.column}
          anchor={opened.anchor}
          onChoose={() => setColumnsAt(opened.anchor)}
          onClose={close}
        />
      )}
      {opened?.kind === 'more' && (
        <MoreMenu
          {...doing(names)}
          anchor={opened.anchor}
          onTags={() => setOpened({ ...opened, kind: 'tags', names })}
          onExport={() => setOpened({ ...opened, kind: 'export' })}
          onTrash={page.openTrash}
          onClose={close}
        />
      )}
      {opened?.kind === 'export' && (
        <ExportPopup
          model={model}
          state={state}
          anchor={opened.anchor}
          form={form}
          onForm={setForm}
          onClose={close}
        />
      )}
      {opened?.kind === 'menu' && (
        <RowMenu
          {...doing(opened.names)}
          anchor={opened.anchor}
          at={opened.at}
          onTags={() => setOpened({ ...opened, kind: 'tags' })}
          onClose={close}
        />
      )}
      {opened?.kind === 'rename' && (
        <RenamePopup
          model={model}
          task={opened.task}
          anchor={opened.anchor}
          at={opened.at}
          onClose={close}
        />
      )}
      {opened?.kind === 'tags' && (
        <TagsPopup
          state={state}
          anchor={opened.anchor}
          at={opened.at}
          names={opened.names}
          onAdd={tags => void actions.act('tag', opened.names, { tags })}
          onRemove={tag =>
            void actions.act('untag', opened.names, { tags: [tag] })
          }
          onClose={close}
        />
      )}
      {question}
      <Happenings model={model} state={state} actions={actions} />
      <Foot model={model} state={state} />
    </div>
  );
}

const whole = (state: IWorkspaceState) => state;

function titleOfGroup(group: Group): string {
  return Object.entries(group.values)
    .map(([key, value]) => `${key}=${exactValue(value)}`)
    .join(', ');
}
