/** What can be done to the selected tasks, as a menu. */
import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { WorkspaceModel } from '../../model/workspace';
import type { IWorkspaceState } from '../../model/workspacestate';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { copyText } from '../shared/copy';
import { withoutFolders } from '../shared/format';
import type { IMenuItem } from '../shared/menu';
import { Menu } from '../shared/menu';
import type { IPoint } from '../shared/popup';
import { isActive } from '../shared/status';
import type { IActions } from './actions';
import { placeToMove } from './actions';
import { quoted } from './details/again';

/** What is done to which tasks. */
export interface IDoing {
  model: WorkspaceModel;
  state: IWorkspaceState;
  actions: IActions;
  names: readonly string[];
  canWrite: boolean;
  canExecute: boolean;
  onOpenLog: (task: TaskRow) => void;
  onCompare?: (tasks: readonly string[]) => void;
  onTags: () => void;
  onDetails: (task: TaskRow) => void;
  onRename: (task: TaskRow) => void;
  /** Begin new tasks from a task's configuration; not offered without it. */
  onTemplate?: (task: string) => void;
}

export interface IRowMenuProps extends IDoing {
  anchor: HTMLElement;
  at?: IPoint;
  onClose: () => void;
}

export function RowMenu(props: IRowMenuProps): JSX.Element {
  const { names } = props;
  const trans = useTrans();
  const { rows, readable, hidden } = sortOut(props.state.rows, names);
  const none = readable.length + hidden === 0;
  return (
    <Menu
      anchor={props.anchor}
      at={props.at}
      items={taskItems(trans, props)}
      title={
        names.length > 1
          ? trans.__('%1 tasks', names.length.toLocaleString())
          : none
            ? withoutFolders(rows[0]?.message ?? '')
            : undefined
      }
      label={
        names.length === 1
          ? trans.__('Actions of %1', names[0])
          : trans.__('Actions of %1 tasks', names.length)
      }
      onClose={props.onClose}
    />
  );
}

/** The command that runs tasks in a terminal at the server's folder. */
function commandFor(workspace: string, names: readonly string[]): string {
  const folder = workspace.replace(/\/?_pyruns_\/.*$/, '') || '.';
  return `cd ${quoted(folder)} && jupyter pyruns run ${names.map(quoted).join(' ')}`;
}

/** All that can be done to some tasks, as far as it is possible. */
export function taskItems(trans: ITrans, doing: IDoing): IMenuItem[] {
  const { model, state, actions, names, canWrite, canExecute } = doing;
  const chosen = sortOut(state.rows, names);
  const { rows, readable, hidden } = chosen;
  const none = readable.length + hidden === 0;
  const isPinned = readable.length > 0 && readable.every(row => row.pinned);

  const items: IMenuItem[] = [];
  if (!none) {
    items.push({
      id: 'log',
      label: trans.__('Open log'),
      icon: 'log',
      keys: trans.__('Enter'),
      disabled: rows.length === 0,
      run: () => doing.onOpenLog(rows[0])
    });
  }
  const { onCompare } = doing;
  if (onCompare && names.length > 1) {
    items.push({
      id: 'compare',
      label: trans.__('Compare'),
      icon: 'compare',
      run: () => onCompare(names)
    });
  }
  const single = names.length === 1 && rows.length === 1 ? rows[0] : null;
  if (single && !none) {
    items.push({
      id: 'details',
      label: trans.__('Details'),
      icon: 'details',
      keys: 'i',
      run: () => doing.onDetails(single)
    });
  }
  if (canExecute && !none) {
    items.push(
      {
        id: 'run',
        label: trans.__('Run'),
        icon: 'run',
        separated: true,
        disabled: !chosen.canRun,
        run: () => void actions.act('run', chosen.toRun)
      },
      {
        id: 'stop',
        label: trans.__('Stop'),
        icon: 'stop',
        disabled: !chosen.canStop,
        run: () => void actions.stop(chosen.toStop, chosen.running)
      }
    );
  }
  if (canWrite && !none) {
    items.push(
      {
        id: 'pin',
        label: isPinned ? trans.__('Unpin') : trans.__('Pin to the top'),
        icon: 'pin',
        separated: true,
        run: () => void actions.act(isPinned ? 'unpin' : 'pin', names)
      },
      {
        id: 'tags',
        label: trans.__('Tags…'),
        icon: 'tag',
        run: doing.onTags
      },
      {
        id: 'duplicate',
        label: trans.__('Duplicate'),
        icon: 'copy',
        run: () => void actions.duplicate(names)
      }
    );
    if (single) {
      items.push({
        id: 'rename',
        label: trans.__('Rename…'),
        icon: 'edit',
        disabled: isActive(single.status),
        run: () => doing.onRename(single)
      });
    }
    const { onTemplate } = doing;
    if (single && onTemplate) {
      items.push({
        id: 'template',
        label: trans.__('New tasks from this one'),
        icon: 'add',
        run: () => onTemplate(single.name)
      });
    }
    if (state.listing.sort === 'order') {
      items.push(
        {
          id: 'up',
          label: trans.__('Move up'),
          icon: 'up',
          keys: trans.__('Alt+↑'),
          separated: true,
          disabled: placeToMove(model, names, 'up') === null,
          run: () => actions.move(names, 'up')
        },
        {
          id: 'down',
          label: trans.__('Move down'),
          icon: 'down',
          keys: trans.__('Alt+↓'),
          disabled: placeToMove(model, names, 'down') === null,
          run: () => actions.move(names, 'down')
        }
      );
    }
  }
  if (names.length > 0 && !none) {
    items.push({
      id: 'command',
      label: trans.__('Copy as command'),
      icon: 'log',
      separated: !canWrite,
      run: () => void copyText(commandFor(model.ws, names))
    });
  }
  if (canWrite) {
    items.push({
      id: 'delete',
      label: trans.__('Delete'),
      icon: 'delete',
      keys: trans.__('Del'),
      separated: true,
      disabled: !chosen.canDelete,
      run: () => void actions.act('delete', names)
    });
  }
  return items;
}

export interface IChosen {
  /** Those that are loaded. */
  rows: readonly TaskRow[];
  readable: readonly TaskRow[];
  /** How many are not loaded: they may be in any state. */
  hidden: number;
  running: number;
  toRun: string[];
  toStop: string[];
  canRun: boolean;
  canStop: boolean;
  canDelete: boolean;
}

/** What is possible with some tasks; an unreadable one can only be deleted. */
export function sortOut(
  listed: IWorkspaceState['rows'],
  names: readonly string[]
): IChosen {
  const wanted = new Set(names);
  const rows = listed.filter(row => row && wanted.has(row.name)) as TaskRow[];
  const hidden = wanted.size - rows.length;
  const active = new Set<string>();
  const idle = new Set<string>();
  const broken = new Set<string>();
  for (const row of rows) {
    const group = !row.readable ? broken : isActive(row.status) ? active : idle;
    group.add(row.name);
  }
  return {
    rows,
    readable: rows.filter(row => row.readable),
    hidden,
    running: rows.filter(row => row.readable && row.status === 'running')
      .length,
    toRun: names.filter(name => !active.has(name) && !broken.has(name)),
    toStop: names.filter(name => !idle.has(name) && !broken.has(name)),
    canRun: hidden > 0 || idle.size > 0,
    canStop: hidden > 0 || active.size > 0,
    canDelete: hidden > 0 || idle.size > 0 || broken.size > 0
  };
}
