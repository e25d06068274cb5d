import * as React from 'react';

import type { Action, ConnectionState, TaskRow } from '../../client/types';
import type { ILogState } from '../../model/log';
import { useTrans } from '../shared/context';
import { bytes, duration, elapsed } from '../shared/format';
import { isActive, StatusLabel } from '../shared/status';
import { useKnownTime } from '../shared/store';
import { Button } from '../shared/strip';

export interface ILogHeaderProps {
  task: string;
  /** Unknown when the task is not among those loaded. */
  row: TaskRow | undefined;
  shown: ILogState;
  connection: ConnectionState;
  /** When the server was last heard, in milliseconds since the epoch. */
  heard: number | null;
  pending: Action | undefined;
  following: boolean;
  paused: boolean;
  saving: boolean;
  canExecute: boolean;
  onFollow: () => void;
  onPause: () => void;
  onCopy: () => void;
  onDownload: () => void;
  onStop: () => void;
  onRun: () => void;
}

/** Whose log it is, how the run stands, and what can be done. */
export function LogHeader(props: ILogHeaderProps): JSX.Element {
  const { row, shown } = props;
  const trans = useTrans();
  const now = useKnownTime(props, row?.status === 'running');
  const active = row !== undefined && isActive(row.status);
  const ended = shown.phase === 'ended';
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
        {shown.position > 0 && (
          <span className="pyr-log-fact pyr-log-size">
            {bytes(shown.position)}
          </span>
        )}
      </div>
      <div
        className="pyr-toolbar"
        role="toolbar"
        aria-label={trans.__('Log actions')}
      >
        <Button
          icon="follow"
          iconOnly
          label={trans.__('Follow the end of the log')}
          aria-pressed={props.following}
          onClick={props.onFollow}
        />
        <Button
          icon={props.paused ? 'run' : 'pause'}
          iconOnly
          label={
            props.paused
              ? trans.__('Go on showing new output')
              : trans.__('Hold new output back')
          }
          aria-pressed={props.paused}
          disabled={ended && !props.paused}
          onClick={props.onPause}
        />
        <Button
          icon="copy"
          iconOnly
          label={trans.__('Copy the selection, or everything shown')}
          onClick={props.onCopy}
        />
        <Button
          icon="download"
          iconOnly
          label={trans.__('Download the whole log')}
          disabled={props.saving || row?.readable === false}
          onClick={props.onDownload}
        />
        <span className="pyr-toolbar-gap" />
        <Button
          icon="stop"
          label={trans.__('Stop')}
          title={trans.__('Stop this task')}
          disabled={!props.canExecute || !active}
          onClick={props.onStop}
        />
        <Button
          icon="run"
          label={row && row.runs > 0 ? trans.__('Run again') : trans.__('Run')}
          title={trans.__('Queue this task')}
          disabled={!props.canExecute || !row?.readable || active}
          onClick={props.onRun}
        />
      </div>
    </div>
  );
}
