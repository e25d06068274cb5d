/** The tasks in the trash as a list that the keyboard can walk. */
import * as React from 'react';

import type { TaskStatus, TrashedTask } from '../../client/types';
import type { ITrashState, TrashModel } from '../../model/trash';
import { useTrans } from '../shared/context';
import { fullTime, relativeTime, withoutFolders } from '../shared/format';
import { useListSelection } from '../shared/selection';
import { STATUSES, StatusLabel } from '../shared/status';
import { useNow } from '../shared/store';
import { useVirtualRows } from '../shared/virtualrows';

/** Height of an entry in pixels, as style/trash.css has it. */
const HEIGHT = 24;

/** Entries that the page keys move by. */
const PAGE = 15;

export function TrashList(props: {
  model: TrashModel;
  state: ITrashState;
  onRestore: () => void;
  onPurge: () => void;
}): JSX.Element {
  const { model, state } = props;
  const { items, selection } = state;
  const trans = useTrans();
  const id = React.useId();
  const scroller = React.useRef<HTMLDivElement>(null);
  const now = useNow(true, 30000);
  const virtualizer = useVirtualRows(scroller, items.length, HEIGHT);
  const { active, setActive, click, keyDown } = useListSelection({
    count: items.length,
    selection,
    nameAt: index => items[index]?.name,
    select: (names, mode) => model.select(names, mode),
    selectAll: () =>
      model.select(
        items.map(item => item.name),
        'replace'
      ),
    reveal: index => virtualizer.scrollToIndex(index),
    page: () => PAGE
  });
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === 'Enter') {
      props.onRestore();
    } else if (event.key === 'Delete') {
      props.onPurge();
    } else {
      keyDown(event);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <>
      <div className="pyr-trash-row pyr-trash-head" aria-hidden="true">
        <span />
        <span>{trans.__('State')}</span>
        <span>{trans.__('Name')}</span>
        <span>{trans.__('In the trash since')}</span>
        <span />
      </div>
      <div
        ref={scroller}
        className="pyr-grid pyr-trash"
        role="listbox"
        aria-label={trans.__('Trash')}
        aria-multiselectable="true"
        aria-busy={state.busy !== null}
        aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onFocus={() => setActive(old => Math.max(0, old))}
      >
        <div
          className="pyr-grid-body"
          role="presentation"
          style={{ height: virtualizer.getTotalSize() }}
        >
          {virtualizer.getVirtualItems().map(({ index, start }) => {
            const item = items[index];
            return item ? (
              <Entry
                key={item.name}
                id={`${id}-${index}`}
                item={item}
                place={[index + 1, items.length]}
                start={start}
                since={relativeTime(trans, item.trashed_at, now)}
                selected={selection.has(item.name)}
                active={index === active}
                onClick={event => {
                  const target = event.target as HTMLElement;
                  click(event, index, target.matches('.pyr-cell-check *'));
                }}
              />
            ) : null;
          })}
        </div>
      </div>
    </>
  );
}

function Entry(props: {
  id: string;
  item: TrashedTask;
  place: [number, number];
  start: number;
  since: string;
  selected: boolean;
  active: boolean;
  onClick: (event: React.MouseEvent) => void;
}): JSX.Element {
  const trans = useTrans();
  const { item, selected } = props;
  const status = STATUSES.find(one => one === item.status) as
    TaskStatus | undefined;
  const classes = [
    'pyr-row pyr-trash-row',
    selected && 'pyr-is-selected',
    props.active && 'pyr-is-active'
  ];
  return (
    <div
      id={props.id}
      role="option"
      aria-selected={selected}
      aria-posinset={props.place[0]}
      aria-setsize={props.place[1]}
      data-trashed={item.name}
      className={classes.filter(Boolean).join(' ')}
      style={{ transform: `translateY(${props.start}px)` }}
      onClick={props.onClick}
    >
      <span className="pyr-cell-check" aria-hidden="true">
        <input type="checkbox" tabIndex={-1} checked={selected} readOnly />
      </span>
      <span className="pyr-trash-state">
        <StatusLabel
          status={status ?? 'pending'}
          readable={item.message === null && status !== undefined}
          detail={item.message}
        />
      </span>
      <span
        className="pyr-trash-name"
        title={
          item.name === item.original
            ? item.name
            : trans.__('%1, in the trash as %2', item.original, item.name)
        }
      >
        {item.original}
      </span>
      <span title={fullTime(item.trashed_at)}>
        {props.since || trans.__('not known')}
      </span>
      <span className="pyr-trash-message" title={item.message ?? undefined}>
        {withoutFolders(item.message ?? '')}
      </span>
    </div>
  );
}
