import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import type { Workspace } from '../client/types';
import type { ActivityModel } from '../model/activity';
import { workspaceTitle } from '../views/shared/title';
import { useStore } from '../views/shared/store';
import { pyrunsIcon } from './icons';
import { CommandIDs, DOMAIN, IPyruns } from './tokens';

class StatusItem extends ReactWidget {
  constructor(
    private readonly _pyruns: IPyruns,
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
        onClick={() => void this._commands.execute(CommandIDs.openManager)}
      />
    );
  }
}

interface IItemProps {
  trans: TranslationBundle;
  onClick: () => void;
}

function Item(props: IItemProps & { pyruns: IPyruns }): JSX.Element | null {
  const { activity, current } = useStore(props.pyruns.session);
  return activity && current ? (
    <Counts
      key={activity.ws}
      activity={activity}
      workspace={current}
      trans={props.trans}
      onClick={props.onClick}
    />
  ) : null;
}

function Counts(
  props: IItemProps & { activity: ActivityModel; workspace: Workspace }
): JSX.Element | null {
  const { activity, workspace, trans, onClick } = props;
  const { counts } = useStore(activity);
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

export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:status',
  description: 'Shows running and queued tasks in the status bar.',
  autoStart: true,
  requires: [IPyruns, IStatusBar],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    pyruns: IPyruns,
    statusBar: IStatusBar,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    statusBar.registerStatusItem('pyruns-jupyter:status', {
      item: new StatusItem(pyruns, app.commands, trans),
      align: 'left',
      rank: 20
    });
  }
};
