import * as React from 'react';

import type { Action, ConnectionState, TaskRow } from '../../client/types';
import { isActive } from '../../model/active';
import type { ILogState } from '../../model/logstate';
import type { ActionId } from '../actions';
import { ACTIONS } from '../actions';
import type { ITaskContext } from '../actions/action';
import type { IActions } from '../actions/controls';
import { ActionButton } from '../actions/controls';
import { useTrans } from '../shared/context';
import { bytes, duration, elapsed } from '../shared/format';
import { HostToolbarContext } from '../shared/hosttoolbar';
import { AlertIcon, StatusLabel } from '../shared/status';
import { useKnownTime } from '../shared/store';
import { splitName, TaskName } from '../shared/tasklines';
import { IconButton } from '../shared/button';

/** Display options of a log. */
export interface ILogOptions {
  /** Long lines are not wrapped. */
  isWide: boolean;
  /** Times are shown next to lines. */
  hasTimes: boolean;
  /** The curves of the run are shown. */
  hasCurves: boolean;
}

export interface ILogHeaderProps {
  task: string;
  /** Undefined if the task is not loaded. */
  row: TaskRow | undefined;
  shown: ILogState;
  connection: ConnectionState;
  /** Time of the last message from the server, in ms since the epoch. */
  lastUpdatedAt: number | null;
  pending: Action | undefined;
  /** There are several panes: buttons have no labels. */
  isNarrow: boolean;
  /** The context of the buttons. */
  context: ITaskContext;
  actions: IActions;
  /** Close the pane; absent if it is the only one. */
  onClose?: () => void;
}

/** The task, the status of the run, and the actions on the log. */
export function LogHeader(props: ILogHeaderProps): JSX.Element {
  const { row, shown } = props;
  const trans = useTrans();
  const now = useKnownTime(props, row?.status === 'running');
  const active = row !== undefined && isActive(row.status);
  const button = (id: ActionId, iconOnly = true, label?: string) => (
    <ActionButton
      action={ACTIONS[id]}
      context={props.context}
      actions={props.actions}
      iconOnly={iconOnly}
      {...(label && { label })}
    />
  );
  const isHosted = React.useContext(HostToolbarContext) !== null;
  const close = props.onClose && (
    <IconButton
      icon="close"
      label={trans.__('Close this log')}
      onClick={props.onClose}
    />
  );
  return (
    <div className="pyr-line pyr-log-head">
      <div className="pyr-line pyr-log-title">
        <span className="pyr-log-name pyr-cut" title={props.task}>
          {row ? <TaskName {...splitName(row)} /> : props.task}
        </span>
        {shown.run !== null && (
          <span className="pyr-log-fact">{trans.__('Run %1', shown.run)}</span>
        )}
        {row && <StatusLabel task={row} pending={props.pending} />}
        {row && <AlertIcon alert={row.alert} />}
        {row && (
          <span className="pyr-log-fact">
            {duration(trans, elapsed(row, now))}
          </span>
        )}
        {row && !!row.exit_code && !active && (
          <span className="pyr-log-fact">
            {trans.__('Exit code %1', row.exit_code)}
          </span>
        )}
        {shown.size > 0 && (
          <span className="pyr-log-fact pyr-faint">{bytes(shown.size)}</span>
        )}
        {shown.isJumping && (
          <span
            className="pyr-log-fact"
            role="status"
            title={trans.__(
              'The output is too fast to show every line. Scroll up or download the log to see all lines.'
            )}
          >
            {trans.__('Skipping lines')}
          </span>
        )}
      </div>
      {isHosted ? (
        close
      ) : (
        <div
          className="pyr-toolbar"
          role="toolbar"
          aria-label={trans.__('Log actions')}
        >
          {button('follow-log')}
          {button('pause-log')}
          {button('find-in-log')}
          {button('wrap-log')}
          {button('show-log-times')}
          {button('show-log-curves')}
          {button('show-log-stacks')}
          {button('copy-log')}
          {button('download-log')}
          <span className="pyr-toolbar-gap" />
          {button('stop-tasks', props.isNarrow)}
          {button(
            'run-tasks',
            props.isNarrow,
            row && row.runs > 0 ? trans.__('Run again') : undefined
          )}
          {close}
        </div>
      )}
    </div>
  );
}
