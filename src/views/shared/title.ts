import type { ITrans } from './context';

/** How a workspace is called where its path is not shown: digits/train. */
export function workspaceTitle(
  trans: ITrans,
  workspace: { name: string; kind: 'script' | 'shell'; path: string }
): string {
  const folder = workspace.path.slice(workspace.path.lastIndexOf('/') + 1);
  if (workspace.kind === 'shell') {
    return folder ? trans.__('%1 (shell)', folder) : trans.__('Shell');
  }
  return folder ? `${folder}/${workspace.name}` : workspace.name;
}
