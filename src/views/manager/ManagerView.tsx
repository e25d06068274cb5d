import * as React from 'react';

import { asClientError } from '../../client/errors';
import type { Action, TaskRow } from '../../client/types';
import type { WorkspaceModel } from '../../model/workspace';
import type { IWorkspaceState } from '../../model/workspacestate';
import type { Confirm } from '../shared/ask';
import { useConfirm } from '../shared/ask';
import type { ITrans } from '../shared/context';
import { TransContext, useTrans } from '../shared/context';
import { LostStrip } from '../shared/lost';
import { isActive } from '../shared/status';
import { useStore } from '../shared/store';
import { Button, Empty, Strip } from '../shared/strip';
import { Grid } from './grid';
import { Toolbar } from './toolbar';

export interface IManagerProps {
  model: WorkspaceModel;
  trans: ITrans;
  onOpenLog: (task: TaskRow) => void;
  /** Go where tasks are created; not offered without it. */
  onGenerate?: () => void;
  onContextMenu?: (
    event: React.MouseEvent<HTMLElement>,
    task: TaskRow,
    selected: readonly string[]
  ) => void;
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

function Manager(props: IManagerProps): JSX.Element {
  const { model, canWrite = true, canExecute = true } = props;
  const trans = useTrans();
  const state = useStore(model);
  const [confirm, question] = useConfirm(props.confirm);
  const [failure, setFailure] = React.useState<string | null>(null);
  const [ownJobs, setOwnJobs] = React.useState(1);
  const jobs = props.jobs ?? ownJobs;

  React.useEffect(() => model.start(), [model]);

  const chosen = React.useMemo(
    () => state.rows.filter(row => row && state.selection.has(row.name)),
    [state.rows, state.selection]
  ) as TaskRow[];
  const names = [...state.selection];
  const active = new Set<string>();
  const idle = new Set<string>();
  for (const row of chosen) {
    (isActive(row.status) ? active : idle).add(row.name);
  }
  // Selected tasks that are not loaded may be in any state.
  const hidden = names.length - chosen.length;

  const act = async (action: Action, tasks: readonly string[]) => {
    setFailure(null);
    try {
      const result = await model.act(action, tasks, { jobs });
      setFailure(refusal(trans, result.refused));
    } catch (error) {
      setFailure(asClientError(error).message);
    }
  };

  const stop = async () => {
    const running = chosen.filter(row => row.status === 'running').length;
    const tasks = names.filter(name => !idle.has(name));
    const accepted =
      running === 0 ||
      (await confirm({
        title: trans._n(
          'Stop %1 running task?',
          'Stop %1 running tasks?',
          running
        ),
        body: trans.__('What they have not saved is lost; their logs stay.'),
        accept: trans.__('Stop')
      }));
    if (accepted) {
      await act('cancel', tasks);
    }
  };

  const undo = async () => {
    try {
      const result = await model.undo();
      setFailure(refusal(trans, result.refused));
    } catch (error) {
      setFailure(asClientError(error).message);
    }
  };

  const selectAll = () => {
    model.selectAll().catch(error => setFailure(asClientError(error).message));
  };

  const canDelete = canWrite && (hidden > 0 || idle.size > 0);

  return (
    <div className="pyr-view pyr-manager">
      <Toolbar
        model={model}
        state={state}
        jobs={jobs}
        onJobs={props.onJobs ?? setOwnJobs}
        canRun={canExecute && (hidden > 0 || idle.size > 0)}
        canStop={canExecute && (hidden > 0 || active.size > 0)}
        canDelete={canDelete}
        canOpen={chosen.length > 0}
        onRun={() => {
          void act(
            'run',
            names.filter(name => !active.has(name))
          );
        }}
        onStop={() => {
          void stop();
        }}
        onDelete={() => {
          void act('delete', names);
        }}
        onOpenLog={() => props.onOpenLog(chosen[0])}
        onGenerate={props.onGenerate}
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
              void act('delete', tasks);
            }
          }}
          onSelectAll={selectAll}
        />
      </div>
      {question}
      {failure && (
        <Strip kind="error" icon="failed" onClose={() => setFailure(null)}>
          {failure}
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
              onClick={() => {
                void undo();
              }}
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
    onDelete: () => void;
    onSelectAll: () => void;
  }
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
  const isFiltered = query !== '' || statuses.length > 0;
  if (state.total === 0 && !state.refreshing) {
    return isFiltered ? (
      <Empty icon="search" title={trans.__('No task matches')}>
        <Button
          label={trans.__('Show all tasks')}
          onClick={() => model.setListing({ query: '', statuses: [] })}
        />
      </Empty>
    ) : (
      <Empty icon="log" title={trans.__('No tasks yet')}>
        <p>
          {trans.__(
            'A task is your script with one configuration. Write “0.1\u00a0|\u00a00.01” for a value in the Generator and you get one task for each.'
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
      onContextMenu={props.onContextMenu}
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

/** What was refused, as one sentence. */
function refusal(
  trans: ITrans,
  refused: readonly { name: string; message: string }[]
): string | null {
  if (refused.length === 0) {
    return null;
  }
  const [first] = refused;
  const sentence = first.message.includes(first.name)
    ? first.message
    : `${first.name}: ${first.message}`;
  return refused.length === 1
    ? sentence
    : trans._n(
        '%2 (and %1 more)',
        '%2 (and %1 more)',
        refused.length - 1,
        sentence
      );
}
