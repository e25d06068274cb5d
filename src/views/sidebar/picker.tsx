import * as React from 'react';

import type { Workspace } from '../../client/types';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { Icon } from '../shared/icons';
import { moveFocus, Popup } from '../shared/popup';

export interface IPickerProps {
  workspaces: readonly Workspace[];
  current: Workspace | null;
  onChoose: (workspace: Workspace) => void;
  /** The list is about to be shown. */
  onOpen: () => void;
}

/** Which workspace is looked at. */
export function WorkspacePicker(props: IPickerProps): JSX.Element {
  const trans = useTrans();
  const { workspaces, current } = props;
  const button = React.useRef<HTMLButtonElement>(null);
  const [open, setOpen] = React.useState(false);
  const close = React.useCallback(() => setOpen(false), []);
  return (
    <>
      <button
        ref={button}
        type="button"
        className="pyr-picker pyr-workspace-picker"
        aria-haspopup="dialog"
        aria-expanded={open}
        aria-label={
          current
            ? trans.__('Workspace %1; choose another', nameOf(trans, current))
            : trans.__('Choose a workspace')
        }
        title={current ? placeOf(current) : undefined}
        onClick={() => {
          if (!open) {
            props.onOpen();
          }
          setOpen(!open);
        }}
      >
        <span className="pyr-picker-value">
          {current ? nameOf(trans, current) : trans.__('Choose a workspace')}
        </span>
        {current && (
          <span className="pyr-picker-detail">{placeOf(current)}</span>
        )}
        <Icon name="down" />
      </button>
      {open && button.current && (
        <Popup
          anchor={button.current}
          onClose={close}
          label={trans.__('Workspaces')}
        >
          <div onKeyDown={moveFocus}>
            {workspaces.map((workspace, index) => (
              <button
                key={workspace.id}
                type="button"
                data-item=""
                autoFocus={current ? workspace.id === current.id : index === 0}
                className="pyr-menu-item pyr-workspace-item"
                aria-current={workspace.id === current?.id}
                title={workspace.id}
                onClick={() => {
                  close();
                  button.current?.focus();
                  props.onChoose(workspace);
                }}
              >
                <span>{nameOf(trans, workspace)}</span>
                <small>{placeOf(workspace)}</small>
                {busyOf(workspace) > 0 && (
                  <b title={trans.__('Running and queued tasks')}>
                    {busyOf(workspace)}
                  </b>
                )}
              </button>
            ))}
            {workspaces.length === 0 && (
              <p className="pyr-popup-hint">{trans.__('No workspaces yet.')}</p>
            )}
          </div>
        </Popup>
      )}
    </>
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
