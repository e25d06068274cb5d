import * as React from 'react';

import type { Group, ITaskContext } from '../actions/action';
import type { IActions } from '../actions/controls';
import { actionItems } from '../actions/controls';
import { countOfTasks, withoutFolders } from '../shared/format';
import type { IMenuProps } from '../shared/menu';
import { Menu } from '../shared/menu';

const ROW: readonly Group[] = ['open', 'run', 'edit', 'order', 'delete'];

/** What the toolbar has no button for. */
const MORE: readonly Group[] = ['edit', 'order', 'files', 'sort'];

/** The actions for some tasks: of a row's menu, or of the toolbar's. */
export function TaskMenu(
  props: Pick<IMenuProps, 'anchor' | 'at' | 'onClose'> & {
    context: ITaskContext;
    actions: IActions;
    /** Whether the toolbar's *More* opened it, not a row. */
    isMore: boolean;
  }
): JSX.Element {
  const { actions, context, isMore, ...rest } = props;
  const { trans, chosen } = context;
  const { names, rows, readable, hidden } = chosen;
  const title =
    names.length > 1
      ? countOfTasks(trans, names.length)
      : readable.length + hidden === 0
        ? withoutFolders(rows[0]?.message ?? '')
        : undefined;
  const label =
    names.length === 1
      ? trans.__('Actions of %1', names[0])
      : trans.__('Actions of %1 tasks', names.length);
  return (
    <Menu
      {...rest}
      items={actionItems(isMore ? MORE : ROW, context, actions)}
      title={isMore ? undefined : title}
      label={isMore ? trans.__('More') : label}
    />
  );
}
