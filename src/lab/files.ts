import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, showDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { Contents } from '@jupyterlab/services';

import type { ClientError } from '../client/errors';
import { asClientError } from '../client/errors';
import type { Workspace } from '../client/types';
import { describe, text } from './arguments';
import type { Caller } from './caller';
import { ownArgs } from './caller';
import { pyrunsIcon } from './icons';
// Who calls a command can be seen only at once.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { answer, askToAllow } from './request';
import { CommandIDs, ICore } from './tokens';

type Item = Pick<Contents.IModel, 'type' | 'path'>;

const SCRIPTS = ['.py', '.ipynb', '.sh'];
const STORAGES = ['.db', '.sqlite', '.sqlite3', '.log', '.journal', '.jsonl'];
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

/** Whether a file or folder may contain runs of other programs. */
export function canHaveRuns(item: Item): boolean {
  return item.type === 'directory' || endsIn(item, STORAGES);
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
  requires: [ICore],
  optional: [IFileBrowserFactory, ICommandPalette],
  activate: (
    app,
    pyruns: ICore,
    browsers: IFileBrowserFactory | null,
    palette: ICommandPalette | null
  ): void => {
    const { trans } = pyruns;
    const { commands } = app;

    /** The one file or folder that is selected, if it is of the right kind. */
    const selected = (fits: (item: Item) => boolean): Item | null => {
      const items = [
        ...(browsers?.tracker.currentWidget?.selectedItems() ?? [])
      ];
      return items.length === 1 && fits(items[0]) ? items[0] : null;
    };
    /** Add a command for a file or folder; the default is the selected one. */
    const addFileCommand = (command: {
      id: string;
      label: string;
      caption: string;
      fits: (item: Item) => boolean;
      isVisible?: () => boolean;
      /** What to say without a file. */
      missing: readonly [title: string, message: string];
      failure: (name: string) => string;
      run: (path: string, caller: Caller) => Promise<object | void>;
    }) => {
      const { id, label, caption, fits, missing, isVisible } = command;
      commands.addCommand(id, {
        label,
        caption,
        icon: pyrunsIcon,
        describedBy: describe(trans, ['path', 'context']),
        isVisible: args =>
          !args.context || (selected(fits) !== null && (isVisible?.() ?? true)),
        execute: args => {
          const path = text(args.path) ?? selected(fits)?.path;
          const [title, message] = missing;
          return answer(
            trans,
            commands,
            id,
            args,
            async caller => {
              if (path === undefined) {
                throw new Error(message);
              }
              return command.run(path, caller);
            },
            explain(
              path === undefined
                ? title
                : command.failure(PathExt.basename(path) || path)
            )
          );
        }
      });
    };
    addFileCommand({
      id: CommandIDs.openWorkspace,
      label: trans.__('Open in Pyruns'),
      caption: trans.__(
        'Open a script or folder as a workspace and show its parameters'
      ),
      fits: canOpen,
      missing: [
        trans.__('Nothing to open'),
        trans.__(
          'Select a Python script, a notebook, a shell script or a folder in the file browser first.'
        )
      ],
      failure: name => trans.__('Couldn’t open %1', name),
      run: (path, caller) => openWorkspace(localPath(path), caller)
    });
    addFileCommand({
      id: CommandIDs.runFile,
      label: trans.__('Run with Pyruns'),
      caption: trans.__(
        'Run a script once with its default parameters, as a task'
      ),
      fits: canRun,
      missing: [
        trans.__('Nothing to run'),
        trans.__('Select a Python or shell script in the file browser first.')
      ],
      failure: name => trans.__('Couldn’t run %1', name),
      run: (path, caller) => run(localPath(path), caller !== 'other')
    });
    addFileCommand({
      id: CommandIDs.useAsTemplate,
      label: trans.__('Use as Configuration in Pyruns'),
      caption: trans.__(
        'Use a file as the configuration of new tasks in the current workspace'
      ),
      fits: canBeTemplate,
      isVisible: () => pyruns.current?.kind === 'script',
      missing: [
        trans.__('Nothing to open'),
        trans.__('Select a configuration file in the file browser first.')
      ],
      failure: name => trans.__('Couldn’t open %1', name),
      run: (file, caller) =>
        commands.execute(
          CommandIDs.openGenerator,
          caller === 'other' ? { file } : ownArgs({ file }, caller)
        )
    });
    addFileCommand({
      id: CommandIDs.importRuns,
      label: trans.__('Import Runs into Pyruns…'),
      caption: trans.__(
        'Import runs of other programs from a folder into the current workspace'
      ),
      fits: canHaveRuns,
      isVisible: () =>
        pyruns.current !== null && pyruns.session.rights.canWrite,
      missing: [
        trans.__('Nothing to import'),
        trans.__(
          'Select a folder or a file with runs in the file browser first.'
        )
      ],
      failure: name => trans.__('Couldn’t open %1', name),
      run: (path, caller) => {
        const source = localPath(path);
        return commands.execute(
          CommandIDs.openManager,
          caller === 'other' ? { source } : ownArgs({ source }, caller)
        );
      }
    });

    const openWorkspace = async (path: string, caller: Caller) => {
      if (caller === 'other') {
        await askToAllow(trans, {
          title: trans.__('Open this in Pyruns?'),
          facts: [
            [trans.__('Script or folder'), path],
            [
              trans.__('Effect'),
              trans.__('Opens the workspace, or creates it if needed.')
            ]
          ],
          accept: trans.__('Open')
        });
      }
      const { id } = await pyruns.openWorkspace(path);
      await commands.execute(CommandIDs.showSidebar);
      return commands.execute(CommandIDs.openGenerator, { workspace: id });
    };

    /** Run a script once; the user is asked first unless `isTrusted`. */
    const run = async (path: string, isTrusted: boolean) => {
      const id = workspaceOf(path);
      const known = await findWorkspace(id);
      // A project from elsewhere may bring a workspace that names another script.
      const script = known?.kind === 'script' ? known.script : path;
      if (!isTrusted || script !== path) {
        await askToAllow(trans, {
          title: trans.__('Run this script?'),
          reason: isTrusted
            ? trans.__(
                'The workspace of %1 belongs to another script. Run it only if you trust this project.',
                PathExt.basename(path)
              )
            : undefined,
          facts: [
            [
              trans.__('Script'),
              script ?? trans.__('outside the server’s root folder')
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
        });
      }
      const workspace = await pyruns.openWorkspace(path);
      // Of what the user was not asked about, nothing runs.
      const isKnown = isTrusted || workspace.id === id;
      const created = isKnown
        ? await pyruns.session.runDefaults(workspace)
        : null;
      if (!created) {
        // It needs values, or is a sweep: the Generator shows what would run.
        return commands.execute(CommandIDs.openGenerator, {
          workspace: workspace.id
        });
      }
      await commands.execute(CommandIDs.showSidebar);
      await commands.execute(CommandIDs.openMonitor, {
        workspace: workspace.id,
        task: created.names[0]
      });
      if (created.message) {
        await showDialog({
          title: trans.__('Task created but not run'),
          body: created.message,
          buttons: [Dialog.okButton({ label: trans.__('OK') })]
        });
      }
      const { names, queued, message } = created;
      return { workspace: workspace.id, tasks: names, queued, message };
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

    /** Title and text of the dialog that reports a problem. */
    const explain = (title: string) => (problem: ClientError) => {
      const { handshake } = pyruns.session.getSnapshot();
      if (handshake === 'missing' || handshake === 'mismatch') {
        // The sidebar says what is wrong with the server and what to do.
        void commands.execute(CommandIDs.showSidebar);
        return null;
      }
      const { line, message } = problem;
      return [
        title,
        line && !/\bline \d/.test(message)
          ? trans.__('Line %1: %2', line, message)
          : message
      ] as const;
    };

    const category = trans.__('Pyruns');
    for (const command of [CommandIDs.openWorkspace, CommandIDs.runFile]) {
      palette?.addItem({ command, category, args: ownArgs() });
    }
    // Not in the schema: items from there cannot carry arguments of ours.
    for (const [command, selector, rank] of [
      [CommandIDs.openWorkspace, '.jp-DirListing-item[data-isdir]', 1.5],
      [CommandIDs.runFile, ".jp-DirListing-item[data-isdir='false']", 1.6],
      [CommandIDs.importRuns, '.jp-DirListing-item[data-isdir]', 1.8],
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
