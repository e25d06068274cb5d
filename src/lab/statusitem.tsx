import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import type { Workspace } from '../client/types';
import type { ActivityModel } from '../model/activity';
import type { SystemModel } from '../model/system';
import { workspaceTitle } from '../views/shared/title';
import { useStore } from '../views/shared/store';
import { pyrunsIcon } from './icons';
import { DEFAULTS, followSettings } from './settings';
import { CommandIDs, DOMAIN, ICore } from './tokens';

class StatusItem extends ReactWidget {
  /** Whether the load of the GPUs is shown, too. */
  set showGpus(show: boolean) {
    this._showGpus = show;
    this.update();
  }

  constructor(
    private readonly _pyruns: ICore,
    private readonly _commands: CommandRegistry,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('pyr-status-item');
  }

  protected override render(): JSX.Element {
    return (
      <Item
        pyruns={this._pyruns}
        trans={this._trans}
        showGpus={this._showGpus}
        onClick={() => void this._commands.execute(CommandIDs.openManager)}
        onGpus={() => void this._commands.execute(CommandIDs.openDashboard)}
      />
    );
  }

  private _showGpus = DEFAULTS.statusGpus;
}

interface IItemProps {
  trans: TranslationBundle;
  onClick: () => void;
}

function Item(
  props: IItemProps & {
    pyruns: ICore;
    showGpus: boolean;
    onGpus: () => void;
  }
): JSX.Element | null {
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
        trans={props.trans}
        onClick={props.onClick}
      />
      {props.showGpus && isVisible && !hasNone && (
        <GpuLoad
          system={props.pyruns.system}
          trans={props.trans}
          onClick={props.onGpus}
          onNone={setHasNone}
        />
      )}
    </>
  );
}

function Counts(
  props: IItemProps & { activity: ActivityModel; workspace: Workspace }
): JSX.Element | null {
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
      title={trans.__('Tasks of %1: show them', name)}
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
  optional: [ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    pyruns: ICore,
    statusBar: IStatusBar,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const item = new StatusItem(pyruns, app.commands, trans);
    followSettings(registry, settings => {
      item.showGpus = settings.statusGpus;
    });
    statusBar.registerStatusItem('pyruns-jupyter:status', {
      item,
      align: 'left',
      rank: 20
    });
  }
};
