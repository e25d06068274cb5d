import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette, showErrorMessage } from '@jupyterlab/apputils';
import * as React from 'react';

import { describe } from './arguments';
import { pyrunsIcon } from './icons';
import { ownArgs } from './caller';
import { VisibleWidget } from './pagewidget';
import { CommandIDs, ICore } from './tokens';

/** The panel; nothing is shown, loaded or streamed while it is hidden. */
class SidebarPanel extends VisibleWidget {
  constructor(
    private readonly _pyruns: ICore,
    private readonly _app: JupyterFrontEnd
  ) {
    super();
    const { trans } = _pyruns;
    this.id = 'pyruns-sidebar';
    this.title.icon = pyrunsIcon;
    this.title.caption = trans.__('Pyruns');
    this.node.setAttribute('aria-label', trans.__('Pyruns'));
    this.node.setAttribute('role', 'region');
    this.addClass('pyr-sidebar-panel');
  }

  protected override render(): JSX.Element | null {
    if (!this.isVisible) {
      return null;
    }
    const View = this._view;
    const { commands } = this._app;
    const canOpen = commands.hasCommand(CommandIDs.openWorkspace);
    return (
      <React.Suspense fallback={null}>
        <View
          session={this._pyruns.session}
          system={this._pyruns.system}
          trans={this._pyruns.trans}
          onOpen={(page, workspace, task) =>
            void commands.execute(CommandIDs.openPage, {
              page,
              workspace: workspace.id,
              ...(task ? { task } : {})
            })
          }
          onOpenSelected={
            canOpen
              ? () => void commands.execute(CommandIDs.openWorkspace, ownArgs())
              : undefined
          }
          onExample={
            canOpen && this._pyruns.session.rights.canWrite
              ? () => void this._openExample()
              : undefined
          }
        />
      </React.Suspense>
    );
  }

  private async _openExample(): Promise<void> {
    try {
      const { openExample } = await import('./example');
      await openExample(this._app);
    } catch (error) {
      const title = this._pyruns.trans.__('Couldn’t create the example');
      void showErrorMessage(title, error as Error);
    }
  }

  private readonly _view = React.lazy(async () => {
    const [{ SidebarView }] = await Promise.all([
      import('../views/sidebar'),
      import('../../style/views.css')
    ]);
    return { default: SidebarView };
  });
}

export const sidebarPlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:sidebar',
  description: 'Adds the sidebar: workspace, loads, and what runs.',
  autoStart: true,
  requires: [ICore],
  optional: [ILayoutRestorer, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    pyruns: ICore,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ): void => {
    const { trans } = pyruns;
    const panel = new SidebarPanel(pyruns, app);
    app.shell.add(panel, 'left', { rank: 600, type: 'Pyruns' });
    restorer?.add(panel, panel.id);

    app.commands.addCommand(CommandIDs.showSidebar, {
      label: trans.__('Show Pyruns'),
      caption: trans.__('Show the Pyruns sidebar'),
      icon: pyrunsIcon,
      describedBy: describe(trans, []),
      execute: () => {
        app.shell.activateById(panel.id);
        return {};
      }
    });
    palette?.addItem({
      command: CommandIDs.showSidebar,
      category: trans.__('Pyruns')
    });
  }
};
