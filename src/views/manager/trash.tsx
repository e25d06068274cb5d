/** The trash of a workspace, in place of the table of tasks. */
import * as React from 'react';

import type { TaskStatus, TrashedTask } from '../../client/types';
import type { ITrashState, TrashModel } from '../../model/trash';
import { ACTIONS } from '../actions';
import type { ITaskContext } from '../actions/action';
import { isPossible } from '../actions/action';
import type { IActions } from '../actions/controls';
import { ActionButton } from '../actions/controls';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { fullTime, relativeTime, withoutFolders } from '../shared/format';
import { useListSelection } from '../shared/selection';
import { STATUSES, StatusLabel } from '../shared/status';
import { useNow, useStore } from '../shared/store';
import { Banner } from '../shared/banner';
import { Button } from '../shared/button';
import { EmptyState, Skeleton } from '../shared/emptystate';
import { useVirtualRows } from '../shared/virtualrows';
import { StatusLine } from './banners';
import { SelectAllBox } from './header';

/** Height of an entry in pixels, as in style/trash.css. */
const ENTRY_HEIGHT = 24;

/** Entries that the page keys move by. */
const PAGE_ENTRIES = 15;

export interface ITrashViewProps {
  model: TrashModel;
  /** The context of its actions. */
  context: ITaskContext;
  actions: IActions;
  /** Go back to the table of tasks. */
  onBack: () => void;
  /** Shown above the status line. */
  banners: React.ReactNode;
}

export function TrashView(props: ITrashViewProps): JSX.Element {
  const { model, context, actions, onBack } = props;
  const trans = useTrans();
  const state = useStore(model);
  const use = { actions, context };
  return (
    <>
      <div className="pyr-manager-head">
        <div
          className="pyr-toolbar"
          role="toolbar"
          aria-label={trans.__('Trash actions')}
        >
          <Button
            icon="left"
            label={trans.__('Tasks')}
            title={trans.__('Back to tasks')}
            onClick={onBack}
          />
          <span className="pyr-toolbar-gap" />
          <ActionButton
            action={ACTIONS['restore-tasks']}
            title={trans.__('Restore the selected tasks')}
            {...use}
          />
          <ActionButton
            action={ACTIONS['purge-tasks']}
            title={trans.__('Permanently delete the selected tasks')}
            {...use}
          />
          <span className="pyr-toolbar-space" />
          <ActionButton action={ACTIONS['empty-trash']} icon="trash" {...use} />
        </div>
      </div>
      <div className="pyr-manager-body">
        <div className="pyr-trash-body">
          <TrashBody
            model={model}
            state={state}
            onAction={id =>
              isPossible(ACTIONS[id], context) &&
              void actions.perform(ACTIONS[id], context)
            }
            onBack={onBack}
          />
        </div>
      </div>
      {props.banners}
      <Banner kind="error">
        {state.phase === 'ready' && state.error?.message}
      </Banner>
      <StatusLine
        text={statusText(trans, state)}
        selected={state.selection.size}
        onClear={() => model.select([], 'replace')}
      />
    </>
  );
}

function statusText(trans: ITrans, state: ITrashState): string {
  if (state.busy === 'purge') {
    return trans.__('Deleting…');
  }
  if (state.busy === 'restore') {
    return trans.__('Restoring…');
  }
  const count = state.items.length;
  return state.phase !== 'ready'
    ? ''
    : trans._n(
        '1 task in the trash',
        '%2 tasks in the trash',
        count,
        count.toLocaleString()
      );
}

function TrashBody(props: {
  model: TrashModel;
  state: ITrashState;
  onAction: (id: 'restore-tasks' | 'purge-tasks') => void;
  onBack: () => void;
}): JSX.Element {
  const { model, state } = props;
  const trans = useTrans();
  if (state.phase === 'error') {
    return (
      <EmptyState
        icon="warning"
        title={trans.__('Couldn’t list the trash')}
        text={state.error?.message}
        onRetry={() => void model.load()}
      />
    );
  }
  if (state.phase === 'loading') {
    return <Skeleton lines={6} label={trans.__('Loading the trash…')} />;
  }
  if (state.items.length === 0) {
    return (
      <EmptyState
        icon="trash"
        title={trans.__('The trash is empty')}
        text={trans.__(
          'Deleted tasks are kept here with their logs and results until you delete them permanently.'
        )}
      >
        <Button label={trans.__('Back to tasks')} onClick={props.onBack} />
      </EmptyState>
    );
  }
  return <TrashList {...props} />;
}

/** The tasks in the trash, as a list that the keyboard can use. */
function TrashList(props: {
  model: TrashModel;
  state: ITrashState;
  onAction: (id: 'restore-tasks' | 'purge-tasks') => void;
}): JSX.Element {
  const { model, state } = props;
  const { items, selection } = state;
  const trans = useTrans();
  const id = React.useId();
  const scroller = React.useRef<HTMLDivElement>(null);
  const now = useNow(true, 30000);
  const virtualizer = useVirtualRows(scroller, items.length, ENTRY_HEIGHT);
  const rendered = virtualizer.getVirtualItems();
  const selectAll = () =>
    model.select(
      items.map(item => item.name),
      'replace'
    );
  const { active, setActive, click, keyDown } = useListSelection({
    count: items.length,
    selection,
    nameAt: index => items[index]?.name,
    select: (names, mode) => model.select(names, mode),
    selectAll,
    reveal: index => virtualizer.scrollToIndex(index),
    page: () => PAGE_ENTRIES
  });
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === 'Enter') {
      props.onAction('restore-tasks');
    } else if (event.key === 'Delete') {
      props.onAction('purge-tasks');
    } else {
      keyDown(event);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <>
      <div className="pyr-trash-row pyr-trash-head">
        <span className="pyr-cell-check">
          <SelectAllBox
            selected={selection.size}
            total={items.length}
            onSelectAll={selectAll}
            onClear={() => model.select([], 'replace')}
          />
        </span>
        <span>{trans.__('Status')}</span>
        <span>{trans.__('Name')}</span>
        <span>{trans.__('Deleted')}</span>
        <span />
      </div>
      <div
        ref={scroller}
        className="pyr-grid"
        role="listbox"
        aria-label={trans.__('Trash')}
        aria-multiselectable="true"
        aria-busy={state.busy !== null}
        aria-activedescendant={
          rendered.some(({ index }) => index === active)
            ? `${id}-${active}`
            : undefined
        }
        tabIndex={0}
        onKeyDown={onKeyDown}
        onFocus={() => setActive(old => Math.max(0, old))}
      >
        <div
          className="pyr-grid-body"
          role="presentation"
          style={{ height: virtualizer.getTotalSize() }}
        >
          {rendered.map(({ index, start }) => {
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
          task={{
            status: status ?? 'pending',
            readable: item.message === null && status !== undefined,
            message: item.message
          }}
        />
      </span>
      <span
        title={
          item.name === item.original
            ? item.name
            : trans.__('%1, named %2 in the trash', item.original, item.name)
        }
      >
        {item.original}
      </span>
      <span title={fullTime(item.trashed_at)}>
        {props.since || trans.__('unknown')}
      </span>
      <span className="pyr-trash-message" title={item.message ?? undefined}>
        {withoutFolders(item.message ?? '')}
      </span>
    </div>
  );
}
