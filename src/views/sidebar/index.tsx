import * as React from 'react';

import type { Workspace } from '../../client/types';
import type { ActivityModel } from '../../model/activity';
import { slowState } from '../../model/activity';
import type { SessionModel } from '../../model/session';
import type { SystemModel } from '../../model/system';
import type { ITrans } from '../shared/context';
import { useTrans, withTrans } from '../shared/context';
import { Banner, ConnectionBanner } from '../shared/banner';
import { NoServer } from '../shared/noserver';
import { useStore } from '../shared/store';
import { Button } from '../shared/button';
import { EmptyState } from '../shared/emptystate';
import { Gauges } from './gauges';
import { WorkspacePicker } from './picker';
import { CountLine, TaskList } from './tasks';

export type Page = 'dashboard' | 'generator' | 'manager' | 'monitor';

export interface ISidebarProps {
  session: SessionModel;
  system: SystemModel;
  trans: ITrans;
  onOpen: (page: Page, workspace: Workspace, task?: string) => void;
  /** Open what is selected among the files; not offered without it. */
  onOpenSelected?: () => void;
  /** Create an example script and open it; not offered without it. */
  onExample?: () => void;
}

/** The machine and one workspace at a glance. */
export const SidebarView = withTrans((props: ISidebarProps) => (
  <div className="pyr-view pyr-sidebar">
    <Sidebar {...props} />
  </div>
));

function Sidebar(props: ISidebarProps): JSX.Element | null {
  const trans = useTrans();
  const { session, system, onOpen } = props;
  const state = useStore(session);
  if (state.handshake === 'checking') {
    return null;
  }
  if (state.handshake !== 'ready') {
    return <NoServer state={state} onRetry={() => session.retry()} />;
  }
  const { current, activity, workspaces, listed, problem } = state;
  return (
    <>
      {(current || workspaces.length > 0) && (
        <WorkspacePicker
          workspaces={workspaces}
          current={current}
          onChoose={workspace => session.choose(workspace)}
          onOpen={() => void session.refresh()}
        />
      )}
      {current && (
        <nav className="pyr-sidebar-pages" aria-label={trans.__('Pages')}>
          <Button
            icon="add"
            accent
            label={trans.__('New tasks')}
            title={trans.__('Create tasks from a configuration')}
            onClick={() => onOpen('generator', current)}
          />
          <Button
            icon="dashboard"
            label={trans.__('Dashboard')}
            title={trans.__(
              'Show machine and GPU utilization, running tasks and the queue'
            )}
            onClick={() => onOpen('dashboard', current)}
          />
          <Button
            icon="table"
            label={trans.__('Tasks')}
            title={trans.__('Show all tasks')}
            onClick={() => onOpen('manager', current)}
          />
          <Button
            icon="log"
            label={trans.__('Logs')}
            title={trans.__('Follow the logs')}
            onClick={() => onOpen('monitor', current)}
          />
        </nav>
      )}
      <Banner kind="warning" onRetry={() => session.retry()}>
        {problem?.message}
      </Banner>
      <Banner kind="warning">{current?.problem}</Banner>
      <Gauges model={system} />
      {activity && current ? (
        <Activity
          key={activity.ws}
          model={activity}
          workspace={current}
          onOpen={onOpen}
        />
      ) : (
        listed && <FirstUse {...props} />
      )}
    </>
  );
}

function Activity(props: {
  model: ActivityModel;
  workspace: Workspace;
  onOpen: ISidebarProps['onOpen'];
}): JSX.Element | null {
  const trans = useTrans();
  const { model, workspace, onOpen } = props;
  const state = useStore(model, slowState);
  const counts = state.counts;
  if (state.phase === 'loading') {
    return <Banner kind="warning">{state.error?.message}</Banner>;
  }
  const empty = counts !== null && !Object.values(counts).some(Boolean);
  return (
    <>
      <ConnectionBanner source={state} onRetry={() => model.retry()} />
      {empty ? (
        <div className="pyr-sidebar-hint">
          <p>{trans.__('No tasks yet.')}</p>
          <p>
            {workspace.kind === 'shell'
              ? trans.__(
                  '“New tasks” shows the script. Each task keeps a copy.'
                )
              : trans.__(
                  '“New tasks” shows the parameters; a value such as 0.1\u00a0|\u2060\u00a00.01 creates one task per value.'
                )}
          </p>
        </div>
      ) : (
        <>
          {counts && (
            <CountLine
              counts={counts}
              onOpen={() => onOpen('manager', workspace)}
            />
          )}
          <TaskList
            model={model}
            onOpen={task => onOpen('monitor', workspace, task.name)}
          />
        </>
      )}
    </>
  );
}

function FirstUse(props: ISidebarProps): JSX.Element {
  const trans = useTrans();
  return (
    <EmptyState
      icon="run"
      title={trans.__('Open a script to get started')}
      text={trans.__(
        'In the file browser, right-click a Python or shell script or a folder and choose “Open in Pyruns”.'
      )}
    >
      {props.onOpenSelected && (
        <Button
          label={trans.__('Open the selected file')}
          onClick={props.onOpenSelected}
        />
      )}
      {props.onExample && (
        <Button
          label={trans.__('Try an example')}
          title={trans.__('Create a small training script and open it')}
          onClick={props.onExample}
        />
      )}
    </EmptyState>
  );
}
