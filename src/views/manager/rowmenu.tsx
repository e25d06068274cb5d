import * as React from 'react';

import type { Group, ITaskContext } from '../actions/action';
import type { IActions } from '../actions/controls';
import { actionItems } from '../actions/controls';
import { withoutFolders } from '../shared/format';
import { Menu } from '../shared/menu';
import type { IPoint } from '../shared/popup';

export interface ITaskMenuProps {
  context: ITaskContext;
  actions: IActions;
  anchor: HTMLElement;
  at?: IPoint;
  onClose: () => void;
}

const ROW: readonly Group[] = ['open', 'run', 'edit', 'order', 'delete'];

/** What the toolbar has no button for. */
const MORE: readonly Group[] = ['edit', 'order', 'files', 'sort'];

/** What can be done to some tasks. */
export function RowMenu(props: ITaskMenuProps): JSX.Element {
  const { actions, context, ...rest } = props;
  const { trans, chosen } = context;
  const { names, rows, readable, hidden } = chosen;
  return (
    <Menu
      {...rest}
      items={actionItems(ROW, context, actions)}
      title={
        names.length > 1
          ? trans.__('%1 tasks', names.length.toLocaleString())
          : readable.length + hidden === 0
            ? withoutFolders(rows[0]?.message ?? '')
            : undefined
      }
      label={
        names.length === 1
          ? trans.__('Actions of %1', names[0])
          : trans.__('Actions of %1 tasks', names.length)
      }
    />
  );
}

/** What is done rarely: to the selected tasks, and to all of them. */
export function MoreMenu(props: ITaskMenuProps): JSX.Element {
  const { actions, context, ...rest } = props;
  return (
    <Menu
      {...rest}
      label={context.trans.__('More')}
      items={actionItems(MORE, context, actions)}
    />
  );
}
