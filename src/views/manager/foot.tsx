import * as React from 'react';

import type { WorkspaceModel } from '../../model/workspace';
import type { IWorkspaceState } from '../../model/workspacestate';
import type { IActions } from '../actions/controls';
import { useTrans } from '../shared/context';
import { LostStrip } from '../shared/lost';
import { Button, Strip } from '../shared/strip';

interface IFootProps {
  model: WorkspaceModel;
  state: IWorkspaceState;
}

/** What happened, and what can be done about it. */
export function Happenings(
  props: IFootProps & { actions: IActions; onUndo: () => void }
): JSX.Element {
  const { model, state, actions } = props;
  const trans = useTrans();
  return (
    <>
      {actions.failure && (
        <Strip
          kind="error"
          icon="failed"
          onClose={() => actions.setFailure(null)}
        >
          {actions.failure}
        </Strip>
      )}
      {actions.note && (
        <Strip kind="info" icon="check" onClose={() => actions.setNote(null)}>
          {actions.note}
        </Strip>
      )}
      {state.undo && (
        <Strip
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
        </Strip>
      )}
      {state.phase === 'ready' &&
        state.error &&
        state.connection !== 'lost' && (
          <Strip
            kind="error"
            icon="warning"
            actions={
              <Button
                label={trans.__('Retry now')}
                onClick={() => model.retry()}
              />
            }
          >
            {state.error.message}
          </Strip>
        )}
      <LostStrip
        connection={state.connection}
        heard={state.heard}
        onRetry={() => model.retry()}
      />
    </>
  );
}

/** How many tasks there are, and how many are selected. */
export function Foot(props: IFootProps): JSX.Element {
  const { model, state } = props;
  const trans = useTrans();
  const { size } = state.selection;
  return (
    <div className="pyr-foot">
      <span>
        {state.phase === 'ready' &&
          (state.total === 1
            ? trans.__('1 task')
            : trans.__('%1 tasks', state.total.toLocaleString()))}
      </span>
      {size > 0 && (
        <>
          <span role="status">
            {trans.__('%1 selected', size.toLocaleString())}
          </span>
          <button
            type="button"
            className="pyr-link"
            onClick={() => model.select([], 'replace')}
          >
            {trans.__('Clear selection')}
          </button>
        </>
      )}
    </div>
  );
}
