import * as React from 'react';

import type { Group, TaskRow } from '../../client/types';
import type { GroupsModel } from '../../model/groups';
import { useTrans } from '../shared/context';
import { InFrontContext, useStore, useStoreWhile } from '../shared/store';
import { Button } from '../shared/button';
import { EmptyState, Skeleton } from '../shared/emptystate';
import { Cards } from './cards';
import type { IGridProps } from './grid';
import { Grid } from './grid';
import { GroupTable } from './groups';

export interface IBodyProps extends Omit<IGridProps, 'state'> {
  groups: GroupsModel;
  onGenerate?: () => void;
  onOpenGroup: (group: Group) => void;
  onRunOrStop?: (row: TaskRow) => void;
}

/** The list of tasks, or an empty state. */
export function Body(props: IBodyProps): JSX.Element {
  const { model, table } = props;
  const trans = useTrans();
  const state = useStoreWhile(model, React.useContext(InFrontContext));
  const layout = useStore(table, each => each.layout);
  if (state.phase === 'error') {
    return (
      <EmptyState
        icon="warning"
        title={trans.__('Couldn’t list the tasks')}
        text={state.error?.message}
        onRetry={() => model.retry()}
      />
    );
  }
  if (state.phase === 'loading') {
    return <Skeleton lines={12} label={trans.__('Loading tasks…')} />;
  }
  const { query, statuses } = state.listing;
  const isFiltered =
    query !== '' || statuses.length > 0 || state.queryError !== null;
  if (state.total === 0 && !state.refreshing) {
    return isFiltered ? (
      <EmptyState
        icon="search"
        title={
          state.queryError
            ? trans.__('Invalid query')
            : trans.__('No matching tasks')
        }
      >
        <Button
          label={trans.__('Show all tasks')}
          onClick={() => model.setListing({ query: '', statuses: [] })}
        />
      </EmptyState>
    ) : (
      <EmptyState
        icon="log"
        title={trans.__('No tasks yet')}
        text={trans.__(
          'A task is your script with one configuration. In New tasks, enter “0.1\u00a0|\u00a00.01” as a value to create one task per value.'
        )}
      >
        {props.onGenerate && (
          <Button
            icon="add"
            accent
            label={trans.__('Create tasks')}
            onClick={props.onGenerate}
          />
        )}
      </EmptyState>
    );
  }
  if (layout.grouping) {
    return <GroupTable groups={props.groups} onOpen={props.onOpenGroup} />;
  }
  if (layout.look === 'cards') {
    return <Cards {...props} state={state} />;
  }
  return <Grid {...props} state={state} />;
}
