import * as React from 'react';

import type { TaskRow, TaskStatus, Workspace } from '../../client/types';
import type { ActivityModel } from '../../model/activity';
import type { QueueModel } from '../../model/queue';
import type { StudiesModel } from '../../model/studies';
import type { SystemModel } from '../../model/system';
import type { Confirm } from '../shared/ask';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { Icon } from '../shared/icons';
import { LostStrip } from '../shared/lost';
import { withTrans } from '../shared/page';
import { STATUSES, statusWord } from '../shared/status';
import { InFrontContext, useStore, useStoreWhile } from '../shared/store';
import { Button, Empty, Strip } from '../shared/strip';
import { Gpus } from './gpus';
import { Machine } from './machine';
import { Queued } from './queued';
import { Searches } from './searches';
import { RecentTasks, RunningTasks } from './tasks';
import { Users } from './users';

const NOBODY: readonly TaskRow[] = [];

export interface IDashboardProps {
  workspace: Workspace;
  activity: ActivityModel;
  system: SystemModel;
  queue: QueueModel;
  trans: ITrans;
  /** Whether this user may start and stop tasks. */
  canExecute?: boolean;
  /** Whether this user may change tasks. */
  canWrite?: boolean;
  /** How to ask; in the page without it. */
  confirm?: Confirm;
  onOpenLog: (task: string) => void;
  /** Show all tasks, or those in one state; not offered without it. */
  onOpenTasks?: (status?: TaskStatus) => void;
  onGenerate?: () => void;
  /** Open a notebook by its path; not offered without it. */
  onOpenNotebook?: (path: string) => void;
  /** The adaptive sweeps. */
  studies?: StudiesModel;
  onOpenSearch?: (study: string) => void;
}

/** The machine and one workspace: what runs, what waits and for what. */
export const DashboardView = withTrans((props: IDashboardProps) => (
  <div className="pyr-view pyr-dashboard">
    <Dashboard {...props} />
  </div>
));

interface IGpusViewProps {
  system: SystemModel;
  trans: ITrans;
}

/** The machine alone: its loads, and a card for each GPU. */
export const GpusView = withTrans(({ system }: IGpusViewProps) => {
  const loads = useStoreWhile(system, React.useContext(InFrontContext));
  return (
    <div className="pyr-view pyr-dashboard">
      <div className="pyr-dashboard-scroll">
        <Machine state={loads} />
        <Gpus state={loads} active={NOBODY} />
        <Users sample={loads.latest} />
      </div>
      <LostStrip
        connection={loads.connection}
        heard={loads.latest ? loads.latest.time * 1000 : null}
        onRetry={() => system.retry()}
      />
    </div>
  );
});

function Dashboard(props: IDashboardProps): JSX.Element {
  const { activity, queue, studies, system } = props;
  const trans = useTrans();
  const state = useStore(activity);
  // A page behind another one needs no loads every second.
  const loads = useStoreWhile(system, React.useContext(InFrontContext));
  React.useEffect(() => {
    activity.start();
    return activity.subscribe(() => {
      const { active, recent } = activity.getSnapshot();
      queue.soon();
      studies?.hear({ changed: [...active, ...recent.slice(0, 1)] });
    });
  }, [activity, queue, studies]);

  const { counts } = state;
  const empty = counts !== null && !Object.values(counts).some(Boolean);
  return (
    <>
      <div className="pyr-dashboard-scroll">
        <div className="pyr-dashboard-head">
          <div
            className="pyr-dashboard-counts"
            role="group"
            aria-label={trans.__('Tasks by state')}
          >
            {STATUSES.map(status => (
              <button
                key={status}
                type="button"
                className={`pyr-count-tile pyr-status-${status}`}
                data-empty={!counts?.[status]}
                title={trans.__('Show the tasks in this state')}
                disabled={!props.onOpenTasks}
                onClick={() => props.onOpenTasks?.(status)}
              >
                <b>{counts ? counts[status].toLocaleString() : '–'}</b>
                <span>
                  <Icon name={status} />
                  {statusWord(trans, status)}
                </span>
              </button>
            ))}
          </div>
          <div className="pyr-dashboard-actions">
            {props.onGenerate && (
              <Button
                icon="add"
                accent
                label={trans.__('New tasks')}
                title={trans.__('Create tasks from a configuration')}
                onClick={props.onGenerate}
              />
            )}
            {props.onOpenTasks && (
              <Button
                icon="table"
                label={trans.__('All tasks')}
                title={trans.__('All tasks in a table')}
                onClick={() => props.onOpenTasks?.()}
              />
            )}
          </div>
        </div>
        <Strip kind="warning">{props.workspace.problem}</Strip>
        <Strip kind="warning">
          {state.phase === 'loading' && state.error?.message}
        </Strip>
        <Machine state={loads} />
        <Gpus
          state={loads}
          active={state.active}
          onOpenLog={props.onOpenLog}
          onOpenNotebook={props.onOpenNotebook}
        />
        <div className="pyr-dashboard-columns">
          <div className="pyr-dashboard-left">
            <RunningTasks state={state} onOpenLog={props.onOpenLog} />
            {studies && (
              <Searches model={studies} onOpen={props.onOpenSearch} />
            )}
            <Queued
              model={queue}
              activity={state}
              workspace={props.workspace}
              canExecute={props.canExecute ?? true}
              canWrite={props.canWrite ?? true}
              confirm={props.confirm}
              onOpenLog={props.onOpenLog}
            />
          </div>
          {empty ? (
            <Empty
              icon="run"
              title={trans.__('No tasks yet')}
              text={trans.__(
                'What runs and waits is shown here. Create tasks to begin.'
              )}
            />
          ) : (
            <RecentTasks state={state} onOpenLog={props.onOpenLog} />
          )}
        </div>
        <Users sample={loads.latest} />
      </div>
      <LostStrip
        connection={state.connection}
        heard={state.heard}
        onRetry={() => {
          activity.retry();
          system.retry();
        }}
      />
    </>
  );
}
