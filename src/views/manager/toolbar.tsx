import * as React from 'react';

import type { ShownStatus } from '../../client/types';
import type { IVocabulary } from '../../model/completion';
import { RUN_NUMBERS } from '../../model/runoptions';
import type { TaskListModel } from '../../model/tasklist';
import type { ITaskListState } from '../../model/taskliststate';
import { sumOf } from '../../model/taskliststate';
import { ACTIONS } from '../actions';
import type { ITaskContext } from '../actions/action';
import type { IActions } from '../actions/controls';
import { ActionButton } from '../actions/controls';
import { useTrans } from '../shared/context';
import { InputField } from '../shared/fields';
import { HostToolbar, HostToolbarContext } from '../shared/hosttoolbar';
import { Icon } from '../shared/icons';
import { shownStatuses, statusWord } from '../shared/status';
import { Button } from '../shared/button';
import { Search, SearchNotes } from './search';

export interface IToolbarProps {
  model: TaskListModel;
  state: ITaskListState;
  jobs: number;
  onJobs: (jobs: number) => void;
  /** The tasks that the buttons act on. */
  context: ITaskContext;
  actions: IActions;
  /** Open the menu of the other actions. */
  onMore: (anchor: HTMLElement) => void;
  moreOpen: boolean;
  /** Copy a link to the listed tasks; hidden without it. */
  onCopyLink?: () => void;
  /** Words for completion. */
  vocabulary: IVocabulary;
  /** Whether the details are shown at the side. */
  details: boolean;
  onDetails: () => void;
  /** The buttons that change how tasks are shown. */
  viewOptions: React.ReactNode;
}

export function Toolbar(props: IToolbarProps): JSX.Element {
  const { actions, context } = props;
  const use = { actions, context };
  const trans = useTrans();
  const notes = React.useId();
  const toolbar = React.useContext(HostToolbarContext);
  const controls = {
    concurrency: (
      <InputField
        className="pyr-jobs"
        label={trans.__('Parallel tasks')}
        title={trans.__('Maximum number of these tasks to run in parallel')}
        limits={RUN_NUMBERS.jobs}
        value={props.jobs}
        onValue={jobs => jobs !== null && props.onJobs(Number(jobs))}
      />
    ),
    view: <span className="pyr-view-options">{props.viewOptions}</span>,
    details: (
      <Button
        icon="details"
        iconOnly
        label={trans.__('Details')}
        title={trans.__('Show task details (i)')}
        aria-pressed={props.details}
        onClick={props.onDetails}
      />
    ),
    more: (
      <Button
        icon="more"
        iconOnly
        label={trans.__('More')}
        title={trans.__(
          'Tag, duplicate, export or reorder tasks, and open the trash'
        )}
        aria-haspopup="menu"
        aria-expanded={props.moreOpen}
        onClick={event => props.onMore(event.currentTarget)}
      />
    )
  };
  return (
    <div className="pyr-manager-head">
      {toolbar ? (
        <HostToolbar toolbar={toolbar} controls={controls} />
      ) : (
        <div
          className="pyr-toolbar"
          role="toolbar"
          aria-label={trans.__('Task actions')}
        >
          <ActionButton action={ACTIONS['run-tasks']} {...use} />
          {controls.concurrency}
          <span className="pyr-toolbar-gap" />
          <ActionButton action={ACTIONS['stop-tasks']} {...use} />
          <ActionButton action={ACTIONS['open-log']} {...use} />
          {context.show.compare && (
            <ActionButton action={ACTIONS['compare-tasks']} {...use} />
          )}
          <ActionButton action={ACTIONS['delete-tasks']} {...use} />
          <span className="pyr-toolbar-space" />
          {controls.view}
          {controls.details}
          {controls.more}
        </div>
      )}
      <div className="pyr-line pyr-filterbar">
        <Search
          model={props.model}
          state={props.state}
          notes={notes}
          vocabulary={props.vocabulary}
        />
        {props.onCopyLink && (
          <Button
            icon="link"
            iconOnly
            label={trans.__('Copy link')}
            title={trans.__('Copy a link that opens Tasks with this query')}
            onClick={props.onCopyLink}
          />
        )}
        <Chips model={props.model} state={props.state} />
      </div>
      <SearchNotes id={notes} model={props.model} state={props.state} />
    </div>
  );
}

function Chips(props: {
  model: TaskListModel;
  state: ITaskListState;
}): JSX.Element {
  const { model, state } = props;
  const trans = useTrans();
  const { statuses } = state.listing;
  const { counts } = state;
  const toggle = (status: ShownStatus) =>
    model.setListing({
      statuses: statuses.includes(status)
        ? statuses.filter(each => each !== status)
        : [...statuses, status]
    });
  return (
    <div
      className="pyr-filters"
      role="group"
      aria-label={trans.__('Show only tasks with status')}
    >
      <button
        type="button"
        className="pyr-filter"
        aria-pressed={statuses.length === 0}
        onClick={() => model.setListing({ statuses: [] })}
      >
        {trans.__('All')}
        <span className="pyr-filter-count">
          {counts ? sumOf(counts).toLocaleString() : ''}
        </span>
      </button>
      {shownStatuses(counts, statuses).map(status => (
        <button
          key={status}
          type="button"
          className={`pyr-filter pyr-status-${status}`}
          aria-pressed={statuses.includes(status)}
          data-empty={counts?.[status] === 0}
          onClick={() => toggle(status)}
        >
          <Icon name={status} />
          {statusWord(trans, status)}
          <span className="pyr-filter-count">
            {counts?.[status].toLocaleString() ?? ''}
          </span>
        </button>
      ))}
    </div>
  );
}
