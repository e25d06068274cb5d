import * as React from 'react';

import type { Action, ConnectionState, TaskRow } from '../../client/types';
import type { ILogState } from '../../model/log';
import type { ActionId } from '../actions';
import { ACTIONS } from '../actions';
import type { ITaskContext } from '../actions/action';
import type { IActions } from '../actions/controls';
import { ActionButton } from '../actions/controls';
import { useTrans } from '../shared/context';
import { bytes, duration, elapsed } from '../shared/format';
import { isActive, StatusLabel } from '../shared/status';
import { useKnownTime } from '../shared/store';
import { IconButton } from '../shared/strip';

/** How a log is shown. */
export interface ILooks {
  /** Lines go on beyond the edge of the page. */
  isWide: boolean;
  /** When lines were written stands beside them. */
  hasTimes: boolean;
  /** The run's curves stand beside them. */
  hasCurves: boolean;
}

export interface ILogHeaderProps {
  task: string;
  /** Unknown when the task is not among those loaded. */
  row: TaskRow | undefined;
  shown: ILogState;
  connection: ConnectionState;
  /** When the server last sent something, in milliseconds since the epoch. */
  lastUpdatedAt: number | null;
  pending: Action | undefined;
  /** There are others beside it: names of buttons are left out. */
  isNarrow: boolean;
  /** What the buttons are about. */
  context: ITaskContext;
  actions: IActions;
  /** Show it no more; left out where it is the only one. */
  onClose?: () => void;
}

/** Whose log it is, how the run stands, and what can be done. */
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
  return (
    <div className="pyr-log-head">
      <div className="pyr-log-title">
        <span className="pyr-log-name" title={props.task}>
          {props.task}
        </span>
        {shown.run !== null && (
          <span className="pyr-log-fact">{trans.__('Run %1', shown.run)}</span>
        )}
        {row && (
          <StatusLabel
            status={row.status}
            pending={props.pending}
            readable={row.readable}
            silent={row.silent_since}
            detail={row.message}
          />
        )}
        {row && (
          <span className="pyr-log-fact">
            {duration(trans, elapsed(row, now))}
          </span>
        )}
        {row && row.exit_code !== null && !active && (
          <span className="pyr-log-fact">
            {trans.__('Exit code %1', row.exit_code)}
          </span>
        )}
        {shown.size > 0 && (
          <span className="pyr-log-fact pyr-log-size">{bytes(shown.size)}</span>
        )}
      </div>
      <div
        className="pyr-toolbar"
        role="toolbar"
        aria-label={trans.__('Log actions')}
      >
        {button('follow-log')}
        {button('pause-log')}
        {button('find-in-log')}
        <span className="pyr-toolbar-line" />
        {button('wrap-log')}
        {button('show-log-times')}
        {button('show-log-curves')}
        <span className="pyr-toolbar-line" />
        {button('copy-log')}
        {button('download-log')}
        <span className="pyr-toolbar-gap" />
        {button('stop-tasks', props.isNarrow)}
        {button(
          'run-tasks',
          props.isNarrow,
          row && row.runs > 0 ? trans.__('Run again') : undefined
        )}
        {props.onClose && (
          <IconButton
            icon="close"
            label={trans.__('Close this log')}
            onClick={props.onClose}
          />
        )}
      </div>
    </div>
  );
}
