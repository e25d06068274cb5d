import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import type { Workspace } from '../client/types';
import type { ActivityModel } from '../model/activity';
import type { SystemModel } from '../model/system';
import { workspaceTitle } from '../views/shared/title';
import { useStore } from '../views/shared/store';
import { pyrunsIcon } from './icons';
import { CommandIDs, ICore } from './tokens';

class StatusItem extends ReactWidget {
  constructor(
    private readonly _pyruns: ICore,
    private readonly _commands: CommandRegistry
  ) {
    super();
    this.addClass('pyr-status-item');
  }

  protected override render(): JSX.Element {
    return (
      <Item
        pyruns={this._pyruns}
        onClick={() => void this._commands.execute(CommandIDs.openManager)}
        onGpus={() => void this._commands.execute(CommandIDs.openDashboard)}
      />
    );
  }
}

function Item(props: {
  pyruns: ICore;
  onClick: () => void;
  onGpus: () => void;
}): JSX.Element | null {
  const { trans, settings } = props.pyruns;
  const showGpus = useStore(settings, ({ statusGpus }) => statusGpus);
  const { activity, current } = useStore(
    props.pyruns.session,
    ({ activity, current }) => ({ activity, current })
  );
  const isVisible = usePageVisible();
  const [hasNone, setHasNone] = React.useState(false);
  if (!activity || !current) {
    return null;
  }
  return (
    <>
      <Counts
        key={activity.ws}
        activity={activity}
        workspace={current}
        trans={trans}
        onClick={props.onClick}
      />
      {showGpus && isVisible && !hasNone && (
        <GpuLoad
          system={props.pyruns.system}
          trans={trans}
          onClick={props.onGpus}
          onNone={setHasNone}
        />
      )}
    </>
  );
}

function Counts(props: {
  activity: ActivityModel;
  workspace: Workspace;
  trans: TranslationBundle;
  onClick: () => void;
}): JSX.Element | null {
  const { activity, workspace, trans, onClick } = props;
  const counts = useStore(activity, state => state.counts);
  if (!counts) {
    return null;
  }
  const name = workspaceTitle(trans, workspace);
  const parts = [
    counts.running ? trans.__('%1 running', counts.running) : '',
    counts.queued ? trans.__('%1 queued', counts.queued) : ''
  ].filter(Boolean);
  return (
    <button
      type="button"
      className="jp-StatusBar-TextItem pyr-status-button"
      title={trans.__('Show the tasks of %1', name)}
      onClick={onClick}
    >
      <pyrunsIcon.react tag="span" className="pyr-status-icon" width="16px" />
      {parts.length > 0
        ? `${name}: ${parts.join(', ')}`
        : trans.__('%1: idle', name)}
    </button>
  );
}

/** The mean load of the GPUs and their memory; nothing without GPUs. */
function GpuLoad(props: {
  system: SystemModel;
  trans: TranslationBundle;
  onClick: () => void;
  /** A machine without GPUs needs no watching. */
  onNone: (none: boolean) => void;
}): JSX.Element | null {
  const { onNone } = props;
  const { latest } = useStore(props.system);
  const isNone = latest?.gpu_state === 'none';
  React.useEffect(() => {
    if (isNone) {
      onNone(true);
    }
  }, [isNone, onNone]);
  const loads = (latest?.gpus ?? []).flatMap(gpu => gpu.load ?? []);
  if (!latest || loads.length === 0) {
    return null;
  }
  const mean = loads.reduce((sum, load) => sum + load, 0) / loads.length;
  const lines = latest.gpus.map(gpu =>
    props.trans.__(
      'GPU %1: %2',
      gpu.index,
      gpu.load === null ? '–' : `${Math.round(gpu.load)}%`
    )
  );
  return (
    <button
      type="button"
      className="jp-StatusBar-TextItem pyr-status-button"
      title={[...lines, props.trans.__('Show the Dashboard')].join('\n')}
      onClick={props.onClick}
    >
      {props.trans.__('GPU %1%', Math.round(mean))}
    </button>
  );
}

/** Whether the page can be seen: nothing is streamed for who looks elsewhere. */
function usePageVisible(): boolean {
  return React.useSyncExternalStore(
    heard => {
      document.addEventListener('visibilitychange', heard);
      return () => document.removeEventListener('visibilitychange', heard);
    },
    () => !document.hidden
  );
}

export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:status',
  description:
    'Shows running and queued tasks and the load of the GPUs in the status bar.',
  autoStart: true,
  requires: [ICore, IStatusBar],
  activate: (app, pyruns: ICore, statusBar: IStatusBar): void => {
    statusBar.registerStatusItem('pyruns-jupyter:status', {
      item: new StatusItem(pyruns, app.commands),
      align: 'left',
      rank: 20
    });
  }
};
