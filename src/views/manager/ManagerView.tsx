import * as React from 'react';

import { asClientError } from '../../client/errors';
import type { TaskRow } from '../../client/types';
import { TrashModel } from '../../model/trash';
import type { WorkspaceModel } from '../../model/workspace';
import type { IWorkspaceState } from '../../model/workspacestate';
import { sumOf } from '../../model/workspacestate';
import type { Confirm } from '../shared/ask';
import { useConfirm } from '../shared/ask';
import type { ITrans } from '../shared/context';
import { TransContext, useTrans } from '../shared/context';
import { LostStrip } from '../shared/lost';
import type { IPoint } from '../shared/popup';
import { useStore } from '../shared/store';
import { Button, Empty, Strip } from '../shared/strip';
import { useActions } from './actions';
import type { ExportForm } from './exporting';
import { ExportPopup } from './exporting';
import type { IGridProps } from './grid';
import { Grid } from './grid';
import { MoreMenu } from './moremenu';
import { RowMenu, sortOut } from './rowmenu';
import { TagsPopup } from './tags';
import { Toolbar } from './toolbar';
import { TrashView } from './trash';

export interface IManagerProps {
  model: WorkspaceModel;
  trans: ITrans;
  onOpenLog: (task: TaskRow) => void;
  /** Go where tasks are created; not offered without it. */
  onGenerate?: () => void;
  /** Copy a link to the tasks that are listed; not offered without it. */
  onCopyLink?: () => void;
  /** How to ask before running tasks are stopped; in the page without it. */
  confirm?: Confirm;
  /** Whether this user may create and change tasks. */
  canWrite?: boolean;
  /** Whether this user may start and stop tasks. */
  canExecute?: boolean;
  /** How many tasks run at a time when *Run* is pressed. */
  jobs?: number;
  onJobs?: (jobs: number) => void;
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
  | {
      kind: 'menu' | 'tags';
      anchor: HTMLElement;
      at?: IPoint;
      names: readonly string[];
    };

function Manager(props: IManagerProps): JSX.Element {
  const { model, canWrite = true, canExecute = true } = props;
  const trans = useTrans();
  const state = useStore(model);
  const [confirm, question] = useConfirm(props.confirm);
  const [ownJobs, setOwnJobs] = React.useState(1);
  const jobs = props.jobs ?? ownJobs;
  const actions = useActions(model, confirm, jobs);
  const [opened, setOpened] = React.useState<Opened | null>(null);
  const [trash, setTrash] = React.useState<TrashModel | null>(null);
  const [form, setForm] = React.useState<ExportForm>({
    format: 'csv',
    runs: 'latest'
  });
  const close = React.useCallback(() => setOpened(null), []);

  React.useEffect(() => model.start(), [model]);

  const names = React.useMemo(() => [...state.selection], [state.selection]);
  const chosen = React.useMemo(
    () => sortOut(state, names),
    [state.rows, names]
  );

  const doing = (tasks: readonly string[]) => ({
    model,
    state,
    actions,
    names: tasks,
    canWrite,
    canExecute,
    onOpenLog: props.onOpenLog
  });

  if (trash) {
    return (
      <div className="pyr-view pyr-manager">
        <TrashView
          model={trash}
          confirm={confirm}
          canWrite={canWrite}
          // Tasks come and go: some of them by way of the trash.
          revision={state.counts ? sumOf(state.counts) : 0}
          onBack={() => setTrash(null)}
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
        onMore={anchor => setOpened(opened ? null : { kind: 'more', anchor })}
        moreOpen={opened?.kind === 'more'}
        onGenerate={props.onGenerate}
        onCopyLink={props.onCopyLink}
      />
      {state.workspace?.problem && (
        <Strip kind="warning" icon="warning">
          {state.workspace.problem}
        </Strip>
      )}
      <div className="pyr-manager-body">
        <Body
          {...props}
          state={state}
          onDelete={() => {
            // The grid may have just selected the row it stands on.
            const tasks = [...model.getSnapshot().selection];
            if (canWrite && tasks.length > 0) {
              void actions.act('delete', tasks);
            }
          }}
          onSelectAll={() => {
            model
              .selectAll()
              .catch(error => actions.setFailure(asClientError(error).message));
          }}
          onMenu={(anchor, at, tasks) =>
            setOpened({ kind: 'menu', anchor, at, names: tasks })
          }
          onMove={(direction, tasks) => {
            if (canWrite) {
              actions.move(tasks, direction);
            }
          }}
        />
      </div>
      {opened?.kind === 'more' && (
        <MoreMenu
          {...doing(names)}
          anchor={opened.anchor}
          onTags={() => setOpened({ ...opened, kind: 'tags', names })}
          onExport={() => setOpened({ ...opened, kind: 'export' })}
          onTrash={() => setTrash(new TrashModel(model.client, model.id))}
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
      {actions.failure && (
        <Strip
          kind="error"
          icon="failed"
          onClose={() => actions.setFailure(null)}
        >
          {actions.failure}
        </Strip>
      )}
      {actions.note && (
        <Strip kind="info" icon="check" onClose={() => actions.setNote(null)}>
          {actions.note}
        </Strip>
      )}
      {state.undo && (
        <Strip
          kind="info"
          icon="delete"
          onClose={() => model.forgetUndo()}
          actions={
            <Button
              icon="undo"
              label={trans.__('Undo')}
              onClick={() => void actions.undo()}
            />
          }
        >
          {trans._n(
            '%1 task moved to the trash.',
            '%1 tasks moved to the trash.',
            state.undo.names.length
          )}
        </Strip>
      )}
      {state.phase === 'ready' &&
        state.error &&
        state.connection !== 'lost' && (
          <Strip
            kind="error"
            icon="warning"
            actions={
              <Button
                label={trans.__('Retry now')}
                onClick={() => model.retry()}
              />
            }
          >
            {state.error.message}
          </Strip>
        )}
      <LostStrip
        connection={state.connection}
        heard={state.heard}
        onRetry={() => model.retry()}
      />
      <Foot model={model} state={state} />
    </div>
  );
}

function Body(
  props: IManagerProps & {
    state: IWorkspaceState;
  } & Pick<IGridProps, 'onDelete' | 'onSelectAll' | 'onMenu' | 'onMove'>
): JSX.Element {
  const { model, state } = props;
  const trans = useTrans();
  if (state.phase === 'error') {
    return (
      <Empty icon="warning" title={trans.__('The tasks cannot be listed')}>
        <p>{state.error?.message}</p>
        <Button
          icon="refresh"
          label={trans.__('Retry now')}
          onClick={() => model.retry()}
        />
      </Empty>
    );
  }
  if (state.phase === 'loading') {
    return (
      <div
        className="pyr-skeleton"
        role="status"
        aria-label={trans.__('Loading tasks…')}
      >
        {Array.from({ length: 12 }, (_, index) => (
          <span key={index} className="pyr-bone" />
        ))}
      </div>
    );
  }
  const { query, statuses } = state.listing;
  const isFiltered =
    query !== '' || statuses.length > 0 || state.queryError !== null;
  if (state.total === 0 && !state.refreshing) {
    return isFiltered ? (
      <Empty
        icon="search"
        title={
          state.queryError
            ? trans.__('This search cannot be understood')
            : trans.__('No task matches')
        }
      >
        <Button
          label={trans.__('Show all tasks')}
          onClick={() => model.setListing({ query: '', statuses: [] })}
        />
      </Empty>
    ) : (
      <Empty icon="log" title={trans.__('No tasks yet')}>
        <p>
          {trans.__(
            'A task is your script with one configuration. Write “0.1\u00a0|\u2060\u00a00.01” for a value in the Generator and you get one task for each.'
          )}
        </p>
        {props.onGenerate && (
          <Button
            icon="add"
            accent
            label={trans.__('Create tasks')}
            onClick={props.onGenerate}
          />
        )}
      </Empty>
    );
  }
  return (
    <Grid
      model={model}
      state={state}
      onOpenLog={props.onOpenLog}
      onDelete={props.onDelete}
      onSelectAll={props.onSelectAll}
      onMenu={props.onMenu}
      onMove={props.onMove}
    />
  );
}

function Foot(props: {
  model: WorkspaceModel;
  state: IWorkspaceState;
}): JSX.Element {
  const { model, state } = props;
  const trans = useTrans();
  const { size } = state.selection;
  return (
    <div className="pyr-foot">
      <span>
        {state.phase === 'ready' &&
          (state.total === 1
            ? trans.__('1 task')
            : trans.__('%1 tasks', state.total.toLocaleString()))}
      </span>
      {size > 0 && (
        <>
          <span role="status">
            {trans.__('%1 selected', size.toLocaleString())}
          </span>
          <button
            type="button"
            className="pyr-link"
            onClick={() => model.select([], 'replace')}
          >
            {trans.__('Clear selection')}
          </button>
        </>
      )}
    </div>
  );
}
