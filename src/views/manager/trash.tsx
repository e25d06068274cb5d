/** The trash of a workspace, in place of the table of tasks. */
import * as React from 'react';

import type { TaskStatus, TrashedTask } from '../../client/types';
import type { ITrashState, TrashModel } from '../../model/trash';
import type { Confirm } from '../shared/confirm';
import { refusal, refusedByName } from '../actions/action';
import { useAttempt } from '../shared/attempt';
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

/** Height of an entry in pixels, as in style/trash.css. */
const ENTRY_HEIGHT = 24;

/** Entries that the page keys move by. */
const PAGE_ENTRIES = 15;

export interface ITrashViewProps {
  model: TrashModel;
  confirm: Confirm;
  canWrite: boolean;
  /** Go back to the table of tasks. */
  onBack: () => void;
}

export function TrashView(props: ITrashViewProps): JSX.Element {
  const { model, confirm, canWrite } = props;
  const trans = useTrans();
  const state = useStore(model);
  const { failure, setFailure, attempt } = useAttempt();
  const [told, setTold] = React.useState('');
  const { items, selection, busy } = state;
  const names = [...selection];

  const act = async (action: 'restore' | 'purge', tasks: readonly string[]) => {
    if (tasks.length === 0 || busy || !canWrite) {
      return;
    }
    setTold('');
    const result = await attempt(() => model.act(action, tasks));
    if (!result) {
      return;
    }
    setFailure(refusal(trans, refusedByName(result.refused)) ?? '');
    const { length } = result.done;
    const count = length.toLocaleString();
    if (length > 0) {
      setTold(
        action === 'restore'
          ? trans._n('Restored 1 task', 'Restored %2 tasks', length, count)
          : trans._n(
              'Permanently deleted 1 task',
              'Permanently deleted %2 tasks',
              length,
              count
            )
      );
    }
  };

  const purge = async (tasks: readonly string[]) => {
    const [first] = items.filter(item => item.name === tasks[0]);
    const accepted =
      tasks.length > 0 &&
      canWrite &&
      (await confirm({
        title:
          tasks.length === 1
            ? trans.__('Permanently delete %1?', first?.original ?? tasks[0])
            : trans.__(
                'Permanently delete %1 tasks?',
                tasks.length.toLocaleString()
              ),
        body:
          tasks.length === 1
            ? trans.__(
                'Its configuration, logs and results will be removed from disk. This cannot be undone.'
              )
            : trans.__(
                'Their configurations, logs and results will be removed from disk. This cannot be undone.'
              ),
        accept: trans.__('Delete permanently')
      }));
    if (accepted) {
      await act('purge', tasks);
    }
  };

  const can = canWrite && names.length > 0 && busy === null;
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
            onClick={props.onBack}
          />
          <span className="pyr-toolbar-gap" />
          <Button
            icon="undo"
            label={trans.__('Restore')}
            disabled={!can}
            title={trans.__('Restore the selected tasks')}
            onClick={() => void act('restore', names)}
          />
          <Button
            icon="delete"
            label={trans.__('Delete permanently…')}
            disabled={!can}
            title={trans.__('Permanently delete the selected tasks')}
            onClick={() => void purge(names)}
          />
          <span className="pyr-toolbar-space" />
          <Button
            icon="trash"
            label={trans.__('Empty the trash…')}
            disabled={!canWrite || items.length === 0 || busy !== null}
            title={trans.__('Permanently delete everything listed here')}
            onClick={() => void purge(items.map(item => item.name))}
          />
        </div>
      </div>
      <div className="pyr-manager-body">
        <div className="pyr-trash-body">
          <TrashBody
            model={model}
            state={state}
            onRestore={() => void act('restore', names)}
            onPurge={() => void purge(names)}
            onBack={props.onBack}
          />
        </div>
      </div>
      <Banner kind="error" onClose={() => setFailure('')}>
        {failure}
      </Banner>
      <Banner kind="info" icon="check" onClose={() => setTold('')}>
        {told}
      </Banner>
      <Banner kind="error">
        {state.phase === 'ready' && state.error?.message}
      </Banner>
      <StatusLine
        text={statusText(trans, state)}
        selected={names.length}
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
  onRestore: () => void;
  onPurge: () => void;
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
  onRestore: () => void;
  onPurge: () => void;
}): JSX.Element {
  const { model, state } = props;
  const { items, selection } = state;
  const trans = useTrans();
  const id = React.useId();
  const scroller = React.useRef<HTMLDivElement>(null);
  const now = useNow(true, 30000);
  const virtualizer = useVirtualRows(scroller, items.length, ENTRY_HEIGHT);
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
    page: () => PAGE_ENTRIES
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
        <span>{trans.__('Status')}</span>
        <span>{trans.__('Name')}</span>
        <span>{trans.__('Deleted')}</span>
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
