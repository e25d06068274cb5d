import * as React from 'react';

import type { ShownStatus, TaskRow, Workspace } from '../../client/types';
import { slowState } from '../../model/activity';
import type { DashboardModel } from '../../model/dashboard';
import type { ISystemState, SystemModel } from '../../model/system';
import type { IPageProps } from '../actions/action';
import type { ITrans } from '../shared/context';
import { useTrans, withTrans } from '../shared/context';
import { Icon } from '../shared/icons';
import { Banner, ConnectionBanner } from '../shared/banner';
import { Button } from '../shared/button';
import { shownStatuses, statusWord } from '../shared/status';
import { InFrontContext, useStore, useStoreWhile } from '../shared/store';
import { EmptyState } from '../shared/emptystate';
import { Gpus } from './gpus';
import { Machine } from './machine';
import { Queued } from './queued';
import { Studies } from './studies';
import { RecentTasks, RunningTasks } from './tasks';
import { Users } from './users';

const NO_TASKS: readonly TaskRow[] = [];

export interface IDashboardProps extends IPageProps {
  workspace: Workspace;
  model: DashboardModel;
  onOpenLog: (task: string) => void;
  /** Show the tasks in one state; not offered without it. */
  onOpenTasks?: (status: ShownStatus) => void;
  /** Open a notebook by its path; not offered without it. */
  onOpenNotebook?: (path: string) => void;
  onOpenStudy?: (study: string) => void;
}

/** The machine, and the running and queued tasks of a workspace. */
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
  const loads = useLoads(system);
  return (
    <div className="pyr-view pyr-dashboard">
      <div className="pyr-column pyr-fill pyr-dashboard-scroll">
        <Machine state={loads} />
        <Gpus state={loads} active={NO_TASKS} />
        <Users sample={loads.latest} />
      </div>
      <ConnectionBanner
        source={{
          connection: loads.connection,
          lastUpdatedAt: loads.latest ? loads.latest.time * 1000 : null
        }}
        onRetry={() => system.retry()}
      />
    </div>
  );
});

function Dashboard(props: IDashboardProps): JSX.Element {
  const { model } = props;
  const trans = useTrans();
  // Its parts follow what changes every second.
  const state = useStore(model.activity, slowState);
  React.useEffect(() => model.start(), [model]);

  const { counts } = state;
  return (
    <>
      <div className="pyr-column pyr-fill pyr-dashboard-scroll">
        <div
          className="pyr-dashboard-counts"
          role="group"
          aria-label={trans.__('Tasks by status')}
        >
          {shownStatuses(counts).map(status => (
            <button
              key={status}
              type="button"
              className={`pyr-column pyr-count-tile pyr-status-${status}`}
              data-empty={!counts?.[status]}
              title={trans.__('Show tasks with this status')}
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
        <Banner kind="warning">{props.workspace.problem}</Banner>
        <Banner kind="warning">
          {state.phase === 'loading' && state.error?.message}
        </Banner>
        <Loads {...props} />
        <div className="pyr-dashboard-columns">
          <Work {...props} />
        </div>
        <GpuUsers system={model.system} />
      </div>
      <ConnectionBanner source={state} onRetry={() => model.retry()} />
    </>
  );
}

/** The state of the machine; as it was last while the page is hidden. */
function useLoads(system: SystemModel): ISystemState {
  return useStoreWhile(system, React.useContext(InFrontContext));
}

function Loads(props: IDashboardProps): JSX.Element {
  const loads = useLoads(props.model.system);
  const active = useStore(props.model.activity, state => state.active);
  return (
    <>
      <Machine state={loads} />
      <Gpus {...props} state={loads} active={active} />
    </>
  );
}

function GpuUsers({ system }: { system: SystemModel }): JSX.Element {
  return <Users sample={useLoads(system).latest} />;
}

/** Running, queued and recent tasks. */
function Work(props: IDashboardProps): JSX.Element {
  const { activity, queue, studies } = props.model;
  const trans = useTrans();
  const state = useStore(activity);
  const isEmpty =
    state.counts !== null && !Object.values(state.counts).some(Boolean);
  return (
    <>
      <div className="pyr-dashboard-left">
        <RunningTasks state={state} onOpenLog={props.onOpenLog} />
        <Studies model={studies} onOpen={props.onOpenStudy} />
        <Queued {...props} model={queue} activity={state} />
      </div>
      {isEmpty ? (
        <EmptyState
          icon="run"
          title={trans.__('No tasks yet')}
          text={trans.__(
            'Running and queued tasks appear here. Create tasks to get started.'
          )}
        >
          {props.canWrite !== false && props.onGenerate && (
            <Button
              icon="add"
              accent
              label={trans.__('Create tasks')}
              onClick={props.onGenerate}
            />
          )}
        </EmptyState>
      ) : (
        <RecentTasks state={state} onOpenLog={props.onOpenLog} />
      )}
    </>
  );
}
