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
import type { Workspace } from '../client/types';
import { pyrunsIcon } from './icons';
import { askToAllow, isOwn, ownArgs } from './request';
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

/** The id of the workspace that is opened for a script. */
export function workspaceOf(script: string): string {
  const ending = PathExt.extname(script);
  const name = {
    '.ipynb': PathExt.basename(script),
    '.sh': '_shell_'
  }[ending.toLowerCase()];
  return PathExt.join(
    PathExt.dirname(script),
    '_pyruns_',
    name ?? PathExt.basename(script, ending)
  );
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
          const target = localPath(path);
          const isAllowed =
            isOwn(args) ||
            (await askToAllow(trans, {
              title: trans.__('Open this in Pyruns?'),
              facts: [
                [trans.__('Script or folder'), target],
                [
                  trans.__('Effect'),
                  trans.__(
                    'Its workspace is opened, and created if there is none.'
                  )
                ]
              ],
              accept: trans.__('Open')
            }));
          if (!isAllowed) {
            return;
          }
          const workspace = await pyruns.openWorkspace(target);
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
          await run(localPath(path), isOwn(args));
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
          await commands.execute(
            CommandIDs.openGenerator,
            isOwn(args) ? ownArgs({ file }) : { file }
          );
        }
      }
    });

    /** Run a script once; the user is asked first unless `isTrusted`. */
    const run = async (path: string, isTrusted: boolean) => {
      const id = workspaceOf(path);
      const known = await findWorkspace(id);
      // A project from elsewhere may bring a workspace that names another script.
      const script = known?.kind === 'script' ? known.script : path;
      const isAllowed =
        (isTrusted && script === path) ||
        (await askToAllow(trans, {
          title: trans.__('Run this script?'),
          reason: isTrusted
            ? trans.__(
                'The workspace of %1 names another script. Run it only if you trust this project.',
                PathExt.basename(path)
              )
            : undefined,
          facts: [
            [
              trans.__('Script'),
              script ?? trans.__('outside of the folder of this server')
            ],
            [
              trans.__('Workspace'),
              known ? id : trans.__('%1 (will be created)', id)
            ],
            [
              trans.__('Tasks'),
              trans.__('1 task with the default configuration')
            ]
          ],
          accept: trans.__('Run')
        }));
      if (!isAllowed) {
        return;
      }
      const workspace = await pyruns.openWorkspace(path);
      // Of what the user was not asked about, nothing runs.
      const isKnown = isTrusted || workspace.id === id;
      const created = isKnown
        ? await pyruns.session.runDefaults(workspace)
        : null;
      if (!created) {
        // It needs values, or is a sweep: the Generator shows what would run.
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

    /** The workspace of an id, null when there is none. */
    const findWorkspace = async (id: string): Promise<Workspace | null> => {
      try {
        return await pyruns.session.readWorkspace(id);
      } catch (error) {
        if (asClientError(error).status === 404) {
          return null;
        }
        throw error;
      }
    };

    /** A path below the server's root, without a drive and in its shortest form. */
    const localPath = (path: string) =>
      PathExt.normalize(
        app.serviceManager.contents.localPath(path).replace(/^\/+/, '')
      );

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
      palette?.addItem({ command, category, args: ownArgs() });
    }
    // Not in the schema: items from there cannot carry arguments of ours.
    for (const [command, selector, rank] of [
      [CommandIDs.openWorkspace, '.jp-DirListing-item[data-isdir]', 1.5],
      [CommandIDs.runFile, ".jp-DirListing-item[data-isdir='false']", 1.6],
      [CommandIDs.useAsTemplate, ".jp-DirListing-item[data-isdir='false']", 1.7]
    ] as const) {
      app.contextMenu.addItem({
        command,
        selector,
        rank,
        args: ownArgs({ context: true })
      });
    }
  }
};
