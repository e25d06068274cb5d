import * as React from 'react';

import type { TaskListModel } from '../../model/tasklist';
import type { ITaskListState } from '../../model/taskliststate';
import type { IActions } from '../actions/controls';
import { useTrans } from '../shared/context';
import { Banner, ConnectionBanner } from '../shared/banner';
import { Button, Link } from '../shared/button';

/** Errors and notices, with the actions for them. */
export function Banners(props: {
  model: TaskListModel;
  state: ITaskListState;
  actions: IActions;
  /** Undo the last deletion; not offered without it. */
  onUndo?: () => void;
}): JSX.Element {
  const { model, state, actions } = props;
  const trans = useTrans();
  return (
    <>
      <Banner kind="error" onClose={() => actions.setFailure('')}>
        {actions.failure}
      </Banner>
      <Banner kind="info" icon="check" onClose={() => actions.setNote('')}>
        {actions.note}
      </Banner>
      {props.onUndo && state.undo && (
        <Banner
          kind="info"
          icon="delete"
          onClose={() => model.forgetUndo()}
          actions={
            <Button
              icon="undo"
              label={trans.__('Undo')}
              onClick={props.onUndo}
            />
          }
        >
          {trans._n(
            '%1 task moved to the trash.',
            '%1 tasks moved to the trash.',
            state.undo.names.length
          )}
        </Banner>
      )}
      <Banner kind="error" onRetry={() => model.retry()}>
        {state.phase === 'ready' &&
          state.connection !== 'lost' &&
          state.error?.message}
      </Banner>
      <ConnectionBanner source={state} onRetry={() => model.retry()} />
    </>
  );
}

/** How many tasks are listed, and how many of them are selected. */
export function StatusLine(props: {
  text: string;
  selected: number;
  onClear: () => void;
}): JSX.Element {
  const trans = useTrans();
  return (
    <div className="pyr-line pyr-statusline">
      <span>{props.text}</span>
      {props.selected > 0 && (
        <>
          <span role="status">
            {trans.__('%1 selected', props.selected.toLocaleString())}
          </span>
          <Link onClick={props.onClear}>{trans.__('Clear selection')}</Link>
        </>
      )}
    </div>
  );
}
