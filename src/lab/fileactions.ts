/** What the commands of the file browser do. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';

import { asClientError } from '../client/errors';
import type { Workspace } from '../client/types';
import { askToAllow } from './allow';
import type { Caller } from './caller';
import { CommandIDs, type ICore } from './tokens';

interface IPlace {
  readonly app: JupyterFrontEnd;
  readonly pyruns: ICore;
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

/** Open a script or a folder with its New tasks page; another caller than our menus asks first. */
export async function openWorkspace(
  { app: { commands }, pyruns }: IPlace,
  path: string,
  caller: Caller
): Promise<object | void> {
  const { trans } = pyruns;
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
}

/** Run a script once; the user is asked first unless `isTrusted`. */
export async function runFile(
  { app: { commands }, pyruns }: IPlace,
  path: string,
  isTrusted: boolean
): Promise<object | void> {
  const { trans } = pyruns;
  const id = workspaceOf(path);
  const known = await findWorkspace(pyruns, id);
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
        [trans.__('Tasks'), trans.__('1 task with the default configuration')]
      ],
      accept: trans.__('Run')
    });
  }
  const workspace = await pyruns.openWorkspace(path);
  // Of what the user was not asked about, nothing runs.
  const isKnown = isTrusted || workspace.id === id;
  const created = isKnown ? await pyruns.session.runDefaults(workspace) : null;
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
}

/** The workspace of an id, null when there is none. */
async function findWorkspace(
  pyruns: ICore,
  id: string
): Promise<Workspace | null> {
  try {
    return await pyruns.session.readWorkspace(id);
  } catch (error) {
    if (asClientError(error).status === 404) {
      return null;
    }
    throw error;
  }
}
