import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette, showErrorMessage } from '@jupyterlab/apputils';
import * as React from 'react';

import type { ITrans } from '../views/shared/context';
import type { SidebarView } from '../views/sidebar';
import { describe } from './arguments';
import { pyrunsIcon } from './icons';
import { ownArgs } from './caller';
import { PageWidget } from './pagewidget';
import { CommandIDs, ICore } from './tokens';

/** The panel; nothing is shown, loaded or streamed while it is hidden. */
class SidebarPanel extends PageWidget {
  constructor(pyruns: ICore, app: JupyterFrontEnd) {
    super(pyruns.trans, async () => {
      const [{ SidebarView }] = await Promise.all([
        import('../views/sidebar'),
        import('../../style/views.css')
      ]);
      return <Sidebar pyruns={pyruns} app={app} view={SidebarView} />;
    });
    const { trans } = pyruns;
    this.id = 'pyruns-sidebar';
    this.title.icon = pyrunsIcon;
    this.title.caption = trans.__('Pyruns');
    this.node.setAttribute('aria-label', trans.__('Pyruns'));
    this.node.setAttribute('role', 'region');
    this.addClass('pyr-sidebar-panel');
  }

  protected override render(): JSX.Element | null {
    return this.isVisible ? super.render() : null;
  }
}

interface ISidebarProps {
  readonly pyruns: ICore;
  readonly app: JupyterFrontEnd;
  readonly view: typeof SidebarView;
}

/** The view, with what it can do in this Lab. */
function Sidebar({ pyruns, app, view: View }: ISidebarProps): JSX.Element {
  const { session, system, trans } = pyruns;
  const { commands } = app;
  const canOpen = commands.hasCommand(CommandIDs.openWorkspace);
  return (
    <View
      session={session}
      system={system}
      trans={trans}
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
        canOpen && session.rights.canWrite
          ? () => void showExample(app, trans)
          : undefined
      }
    />
  );
}

async function showExample(app: JupyterFrontEnd, trans: ITrans): Promise<void> {
  try {
    const { openExample } = await import('./example');
    await openExample(app);
  } catch (error) {
    const title = trans.__('Couldn’t create the example');
    void showErrorMessage(title, error as Error);
  }
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
