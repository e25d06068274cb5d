/** What is done seldom: to the selected tasks, and with all of them. */
import * as React from 'react';

import { FIRST_LISTING } from '../../model/pages';
import { useTrans } from '../shared/context';
import { Menu } from '../shared/menu';
import type { IDoing } from './rowmenu';
import { taskItems } from './rowmenu';

/** What the toolbar has no button for. */
const SELDOM = [
  'pin',
  'tags',
  'duplicate',
  'rename',
  'template',
  'command',
  'up',
  'down'
];

export interface IMoreMenuProps extends IDoing {
  anchor: HTMLElement;
  onExport: () => void;
  onTrash: () => void;
  onClose: () => void;
}

export function MoreMenu(props: IMoreMenuProps): JSX.Element {
  const { model, state } = props;
  const trans = useTrans();
  const isByHand = state.listing.sort === 'order';
  const own = taskItems(trans, props).filter(item => SELDOM.includes(item.id));
  return (
    <Menu
      anchor={props.anchor}
      label={trans.__('More')}
      onClose={props.onClose}
      items={[
        ...(props.names.length > 0 ? own : []),
        {
          id: 'export',
          separated: true,
          label: trans.__('Export…'),
          icon: 'download',
          run: props.onExport
        },
        {
          id: 'trash',
          label: trans.__('Trash…'),
          icon: 'trash',
          run: props.onTrash
        },
        {
          id: 'order',
          label: trans.__('My own order'),
          separated: true,
          checked: isByHand,
          run: () =>
            model.setListing(
              isByHand
                ? { sort: FIRST_LISTING.sort, order: FIRST_LISTING.order }
                : { sort: 'order', order: 'asc' }
            )
        }
      ]}
    />
  );
}
