/** What is in the trash of a workspace, in place of the table of tasks. */
import * as React from 'react';

import type { ITrashState, TrashModel } from '../../model/trash';
import type { Confirm } from '../shared/confirm';
import { refusal, refusedByName } from '../actions/action';
import { useAttempt } from '../shared/attempt';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { useStore } from '../shared/store';
import { Banner } from '../shared/banner';
import { Button } from '../shared/button';
import { EmptyState, Skeleton } from '../shared/emptystate';
import { Foot } from './foot';
import { TrashList } from './trashlist';

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
          ? trans._n('1 task is back.', '%2 tasks are back.', length, count)
          : trans._n(
              '1 task was deleted for ever.',
              '%2 tasks were deleted for ever.',
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
            ? trans.__('Delete %1 for ever?', first?.original ?? tasks[0])
            : trans.__(
                'Delete %1 tasks for ever?',
                tasks.length.toLocaleString()
              ),
        body:
          tasks.length === 1
            ? trans.__(
                'Its configuration, logs and results are removed from the disk. This cannot be undone.'
              )
            : trans.__(
                'Their configurations, logs and results are removed from the disk. This cannot be undone.'
              ),
        accept: trans.__('Delete for ever')
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
            title={trans.__('Back to the tasks')}
            onClick={props.onBack}
          />
          <span className="pyr-toolbar-gap" />
          <Button
            icon="undo"
            label={trans.__('Restore')}
            disabled={!can}
            title={trans.__('Bring the selected tasks back')}
            onClick={() => void act('restore', names)}
          />
          <Button
            icon="delete"
            label={trans.__('Delete for ever…')}
            disabled={!can}
            title={trans.__('Remove the selected tasks from the disk')}
            onClick={() => void purge(names)}
          />
          <span className="pyr-toolbar-space" />
          <Button
            icon="trash"
            label={trans.__('Empty the trash…')}
            disabled={!canWrite || items.length === 0 || busy !== null}
            title={trans.__('Remove everything listed here from the disk')}
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
      <Foot
        text={footLine(trans, state)}
        selected={names.length}
        onClear={() => model.select([], 'replace')}
      />
    </>
  );
}

function footLine(trans: ITrans, state: ITrashState): string {
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
        title={trans.__('The trash cannot be listed')}
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
          'Deleted tasks wait here, with their logs and results, until you delete them for ever.'
        )}
      >
        <Button label={trans.__('Back to the tasks')} onClick={props.onBack} />
      </EmptyState>
    );
  }
  return <TrashList {...props} />;
}
