import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Dialog, ICommandPalette, showDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { Contents } from '@jupyterlab/services';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { asClientError } from '../client/errors';
import { pyrunsIcon } from './icons';
import { CommandIDs, DOMAIN, IPyruns } from './tokens';

/** Whether a file or folder can be a workspace. */
export function canOpen(item: Pick<Contents.IModel, 'type' | 'path'>): boolean {
  return (
    item.type === 'directory' ||
    ['.py', '.sh'].includes(PathExt.extname(item.path).toLowerCase())
  );
}

export const filesPlugin: JupyterFrontEndPlugin<void> = {
  id: 'pyruns-jupyter:files',
  description: 'Opens scripts and folders of the file browser as workspaces.',
  autoStart: true,
  requires: [IPyruns],
  optional: [IFileBrowserFactory, ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    pyruns: IPyruns,
    browsers: IFileBrowserFactory | null,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { commands } = app;

    const selected = (): Contents.IModel | null => {
      const items = [
        ...(browsers?.tracker.currentWidget?.selectedItems() ?? [])
      ];
      return items.length === 1 && canOpen(items[0]) ? items[0] : null;
    };

    commands.addCommand(CommandIDs.openWorkspace, {
      label: trans.__('Open in Pyruns'),
      caption: trans.__(
        'Open a script or a folder as a workspace of tasks, and its parameters'
      ),
      icon: pyrunsIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            path: {
              type: 'string',
              description: trans.__(
                'Script or folder; what is selected in the file browser if omitted'
              )
            },
            context: {
              type: 'boolean',
              description: trans.__(
                'Whether to be seen only where the selection can be opened'
              )
            }
          }
        }
      },
      isVisible: args => !args.context || selected() !== null,
      execute: async args => {
        const path =
          typeof args.path === 'string' ? args.path : selected()?.path;
        if (path === undefined) {
          await tell(
            trans.__('Nothing to open'),
            trans.__(
              'Select a Python script, a shell script or a folder in the file browser first.'
            )
          );
          return;
        }
        try {
          const workspace = await pyruns.openWorkspace(
            app.serviceManager.contents.localPath(path)
          );
          await commands.execute(CommandIDs.showSidebar);
          await commands.execute(CommandIDs.openGenerator, {
            workspace: workspace.id
          });
        } catch (error) {
          const problem = asClientError(error);
          const { handshake } = pyruns.session.getSnapshot();
          if (handshake === 'missing' || handshake === 'mismatch') {
            // The sidebar says what is wrong with the server and what to do.
            await commands.execute(CommandIDs.showSidebar);
            return;
          }
          await tell(
            trans.__('%1 cannot be opened', PathExt.basename(path) || path),
            problem.line && !/\bline \d/.test(problem.message)
              ? trans.__('Line %1: %2', problem.line, problem.message)
              : problem.message
          );
        }
      }
    });

    const tell = (title: string, body: string) =>
      showDialog({
        title,
        body,
        buttons: [Dialog.okButton({ label: trans.__('OK') })]
      });

    palette?.addItem({
      command: CommandIDs.openWorkspace,
      category: trans.__('Pyruns')
    });
  }
};
