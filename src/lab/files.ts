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

type Item = Pick<Contents.IModel, 'type' | 'path'>;

const SCRIPTS = ['.py', '.ipynb', '.sh'];
const CONFIGURATIONS = ['.yaml', '.yml'];

/** Whether a file or folder can be a workspace. */
export function canOpen(item: Item): boolean {
  return item.type === 'directory' || canRun(item);
}

/** Whether a file is a script. */
export function canRun(item: Item): boolean {
  return item.type !== 'directory' && endsIn(item, SCRIPTS);
}

/** Whether a file may hold the configuration of tasks. */
export function canBeTemplate(item: Item): boolean {
  return item.type !== 'directory' && endsIn(item, CONFIGURATIONS);
}

function endsIn(item: Item, endings: readonly string[]): boolean {
  return endings.includes(PathExt.extname(item.path).toLowerCase());
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

    /** The one file or folder that is selected, if it is of the right kind. */
    const selected = (fits: (item: Item) => boolean = canOpen): Item | null => {
      const items = [
        ...(browsers?.tracker.currentWidget?.selectedItems() ?? [])
      ];
      return items.length === 1 && fits(items[0]) ? items[0] : null;
    };
    const describe = (description: string) => ({
      args: {
        type: 'object' as const,
        properties: {
          path: { type: 'string' as const, description },
          context: {
            type: 'boolean' as const,
            description: trans.__(
              'Whether to be seen only where the selection fits'
            )
          }
        }
      }
    });

    commands.addCommand(CommandIDs.openWorkspace, {
      label: trans.__('Open in Pyruns'),
      caption: trans.__(
        'Open a script or a folder as a workspace of tasks, and its parameters'
      ),
      icon: pyrunsIcon,
      describedBy: describe(
        trans.__(
          'Script or folder; what is selected in the file browser if omitted'
        )
      ),
      isVisible: args => !args.context || selected() !== null,
      execute: async args => {
        const path =
          typeof args.path === 'string' ? args.path : selected()?.path;
        if (path === undefined) {
          await tell(
            trans.__('Nothing to open'),
            trans.__(
              'Select a Python script, a notebook, a shell script or a folder in the file browser first.'
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
          await tellProblem(
            trans.__('%1 cannot be opened', PathExt.basename(path) || path),
            error
          );
        }
      }
    });
    commands.addCommand(CommandIDs.runFile, {
      label: trans.__('Run with Pyruns'),
      caption: trans.__('Run a script once with its defaults, as a task'),
      icon: pyrunsIcon,
      describedBy: describe(
        trans.__('Script; what is selected in the file browser if omitted')
      ),
      isVisible: args => !args.context || selected(canRun) !== null,
      execute: async args => {
        const path =
          typeof args.path === 'string' ? args.path : selected(canRun)?.path;
        if (path === undefined) {
          await tell(
            trans.__('Nothing to run'),
            trans.__('Select a Python or shell script first.')
          );
          return;
        }
        try {
          await run(app.serviceManager.contents.localPath(path));
        } catch (error) {
          await tellProblem(
            trans.__('%1 cannot be run', PathExt.basename(path)),
            error
          );
        }
      }
    });
    commands.addCommand(CommandIDs.useAsTemplate, {
      label: trans.__('Use as Configuration in Pyruns'),
      caption: trans.__('Begin new tasks of the current workspace from a file'),
      icon: pyrunsIcon,
      describedBy: describe(
        trans.__('YAML file; what is selected in the file browser if omitted')
      ),
      isVisible: args =>
        !args.context ||
        (selected(canBeTemplate) !== null && pyruns.current?.kind === 'script'),
      execute: async args => {
        const file =
          typeof args.path === 'string'
            ? args.path
            : selected(canBeTemplate)?.path;
        if (file !== undefined) {
          await commands.execute(CommandIDs.openGenerator, { file });
        }
      }
    });

    const run = async (path: string) => {
      const workspace = await pyruns.openWorkspace(path);
      const { client } = pyruns;
      const { text, name } = await client.getTemplate(workspace.id);
      let created;
      try {
        created = await client.createTasks(workspace.id, {
          text,
          name,
          run: {}
        });
      } catch (error) {
        if (asClientError(error).status !== 400) {
          throw error;
        }
        // It needs values: the Generator shows which.
        await commands.execute(CommandIDs.openGenerator, {
          workspace: workspace.id
        });
        return;
      }
      await commands.execute(CommandIDs.showSidebar);
      await commands.execute(CommandIDs.openMonitor, {
        workspace: workspace.id,
        task: created.names[0]
      });
      if (created.message) {
        await tell(
          trans.__('The task was created, but not run'),
          created.message
        );
      }
    };

    const tellProblem = async (title: string, error: unknown) => {
      const problem = asClientError(error);
      const { handshake } = pyruns.session.getSnapshot();
      if (handshake === 'missing' || handshake === 'mismatch') {
        // The sidebar says what is wrong with the server and what to do.
        await commands.execute(CommandIDs.showSidebar);
        return;
      }
      await tell(
        title,
        problem.line && !/\bline \d/.test(problem.message)
          ? trans.__('Line %1: %2', problem.line, problem.message)
          : problem.message
      );
    };

    const tell = (title: string, body: string) =>
      showDialog({
        title,
        body,
        buttons: [Dialog.okButton({ label: trans.__('OK') })]
      });

    const category = trans.__('Pyruns');
    for (const command of [CommandIDs.openWorkspace, CommandIDs.runFile]) {
      palette?.addItem({ command, category });
    }
  }
};
