/** The tasks in the trash as a list that the keyboard can walk. */
import { useVirtualizer } from '@tanstack/react-virtual';
import * as React from 'react';

import type { TaskStatus, TrashedTask } from '../../client/types';
import type { ITrashState, TrashModel } from '../../model/trash';
import { useTrans } from '../shared/context';
import { fullTime, relativeTime, withoutFolders } from '../shared/format';
import { STATUSES, StatusLabel } from '../shared/status';
import { useNow } from '../shared/store';

/** Height of an entry in pixels, as style/trash.css has it. */
const HEIGHT = 24;

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
  const anchor = React.useRef(0);
  const [active, setActive] = React.useState(-1);
  const now = useNow(true, 30000);
  const virtualizer = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => HEIGHT,
    overscan: 12
  });
  const shown = virtualizer.getVirtualItems();

  const between = (from: number, to: number) =>
    items
      .slice(Math.min(from, to), Math.max(from, to) + 1)
      .map(item => item.name);
  const toggle = (name: string) =>
    model.select([name], selection.has(name) ? 'remove' : 'add');

  const click = (event: React.MouseEvent, index: number) => {
    setActive(index);
    const { name } = items[index];
    if (event.shiftKey) {
      model.select(between(anchor.current, index), 'replace');
      return;
    }
    anchor.current = index;
    if (
      event.ctrlKey ||
      event.metaKey ||
      (event.target as HTMLElement).closest('.pyr-cell-check')
    ) {
      toggle(name);
    } else {
      model.select([name], 'replace');
    }
  };
  const move = (to: number, extend: boolean) => {
    const index = Math.max(0, Math.min(items.length - 1, to));
    if (extend) {
      model.select(between(anchor.current, index), 'replace');
    } else {
      anchor.current = index;
    }
    setActive(index);
    virtualizer.scrollToIndex(index);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + 15,
      PageUp: active - 15,
      Home: 0,
      End: items.length - 1
    };
    if (event.key in steps) {
      move(steps[event.key], event.shiftKey);
    } else if (event.key === ' ' && items[active]) {
      toggle(items[active].name);
    } else if (event.key === 'Escape') {
      model.select([], 'replace');
    } else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) {
      model.select(
        items.map(item => item.name),
        'replace'
      );
    } else if (event.key === 'Enter') {
      props.onRestore();
    } else if (event.key === 'Delete') {
      props.onPurge();
    } else {
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
          {shown.map(({ index, start }) => {
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
                onClick={event => click(event, index)}
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
