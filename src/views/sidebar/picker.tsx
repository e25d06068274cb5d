import * as React from 'react';

import type { Workspace } from '../../client/types';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { Picker, Popup, PopupItem } from '../shared/popup';

export interface IPickerProps {
  workspaces: readonly Workspace[];
  current: Workspace | null;
  onChoose: (workspace: Workspace) => void;
  /** The list is about to be shown. */
  onOpen: () => void;
}

/** Shows the current workspace and lets the user choose another one. */
export function WorkspacePicker(props: IPickerProps): JSX.Element {
  const trans = useTrans();
  const { workspaces, current } = props;
  const busyText = trans.__('Running and queued tasks');
  return (
    <Picker
      className="pyr-workspace-picker"
      value={current ? nameOf(trans, current) : trans.__('Select a workspace')}
      detail={current ? placeOf(current) : undefined}
      aria-label={
        current
          ? trans.__('Workspace %1; choose another', nameOf(trans, current))
          : trans.__('Select a workspace')
      }
      title={current ? placeOf(current) : undefined}
      onOpen={props.onOpen}
      opens={place => (
        <Popup {...place} label={trans.__('Workspaces')}>
          {workspaces.map((workspace, index) => (
            <PopupItem
              key={workspace.id}
              autoFocus={current ? workspace.id === current.id : index === 0}
              className="pyr-workspace-item"
              aria-current={workspace.id === current?.id}
              title={workspace.id}
              onChoose={() => props.onChoose(workspace)}
            >
              <span>{nameOf(trans, workspace)}</span>
              <small className="pyr-cut">{placeOf(workspace)}</small>
              {busyOf(workspace) > 0 && (
                <b title={busyText}>{busyOf(workspace)}</b>
              )}
            </PopupItem>
          ))}
          {workspaces.length === 0 && (
            <p className="pyr-popup-hint">{trans.__('No workspaces yet.')}</p>
          )}
        </Popup>
      )}
    />
  );
}

function nameOf(trans: ITrans, workspace: Workspace): string {
  return workspace.kind === 'shell' ? trans.__('Shell') : workspace.name;
}

function placeOf(workspace: Workspace): string {
  return workspace.script ?? `${workspace.path || '.'}/`;
}

function busyOf(workspace: Workspace): number {
  const { counts } = workspace;
  return counts ? counts.running + counts.queued : 0;
}
