import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { Contents } from '@jupyterlab/services';

import type { ClientError } from '../client/errors';
import { describe, text } from './arguments';
import type { Caller } from './caller';
import { ownArgs } from './caller';
import { pyrunsIcon } from './icons';
// Who calls a command can be seen only at once.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { answer } from './request';
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
      /** Does it; the workspace is the one that is current. */
      run: (
        path: string,
        caller: Caller,
        workspace?: string
      ) => Promise<object | void>;
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
          const current = pyruns.current?.id;
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
              return command.run(path, caller, current);
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
      run: async (path, caller) => {
        const { openWorkspace } = await import('./fileactions');
        return openWorkspace({ app, pyruns }, localPath(path), caller);
      }
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
      run: async (path, caller) => {
        const { runFile } = await import('./fileactions');
        return runFile({ app, pyruns }, localPath(path), caller !== 'other');
      }
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
      run: (file, caller, workspace) =>
        commands.execute(
          CommandIDs.openGenerator,
          caller === 'other'
            ? { file, workspace }
            : ownArgs({ file, workspace }, caller)
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
      run: (path, caller, workspace) => {
        const source = localPath(path);
        return commands.execute(
          CommandIDs.openManager,
          caller === 'other'
            ? { source, workspace }
            : ownArgs({ source, workspace }, caller)
        );
      }
    });

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
