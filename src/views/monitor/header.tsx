import * as React from 'react';

import type { Action, ConnectionState, TaskRow } from '../../client/types';
import type { ILogState } from '../../model/log';
import { useTrans } from '../shared/context';
import { bytes, duration, elapsed } from '../shared/format';
import type { IconName } from '../shared/icons';
import { isActive, StatusLabel } from '../shared/status';
import { useKnownTime } from '../shared/store';
import { Button, IconButton } from '../shared/strip';

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
  /** When the server was last heard, in milliseconds since the epoch. */
  heard: number | null;
  pending: Action | undefined;
  following: boolean;
  paused: boolean;
  saving: boolean;
  canExecute: boolean;
  /** There are others beside it: names of buttons are left out. */
  isNarrow: boolean;
  looks: ILooks;
  onLooks: (change: Partial<ILooks>) => void;
  onFollow: () => void;
  onPause: () => void;
  onFind: () => void;
  onCopy: () => void;
  onDownload: () => void;
  onStop: () => void;
  onRun: () => void;
  /** Show it no more; left out where it is the only one. */
  onClose?: () => void;
}

/** Whose log it is, how the run stands, and what can be done. */
export function LogHeader(props: ILogHeaderProps): JSX.Element {
  const { row, shown } = props;
  const trans = useTrans();
  const now = useKnownTime(props, row?.status === 'running');
  const active = row !== undefined && isActive(row.status);
  const ended = shown.phase === 'ended';
  const { isWide, hasTimes, hasCurves } = props.looks;
  const toggles: [IconName, string, boolean, Partial<ILooks>][] = [
    ['wrap', trans.__('Wrap long lines'), !isWide, { isWide: !isWide }],
    [
      'queued',
      trans.__('Show when lines were written'),
      hasTimes,
      { hasTimes: !hasTimes }
    ],
    [
      'curve',
      trans.__('Show the curves of the run'),
      hasCurves,
      { hasCurves: !hasCurves }
    ]
  ];
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
        <IconButton
          icon="follow"
          label={trans.__('Follow the end of the log')}
          aria-pressed={props.following}
          onClick={props.onFollow}
        />
        <IconButton
          icon={props.paused ? 'run' : 'pause'}
          label={
            props.paused
              ? trans.__('Go on showing new output')
              : trans.__('Hold new output back')
          }
          aria-pressed={props.paused}
          disabled={ended && !props.paused}
          onClick={props.onPause}
        />
        <IconButton
          icon="search"
          label={trans.__('Search the whole log (Ctrl+F)')}
          onClick={props.onFind}
        />
        <span className="pyr-toolbar-line" />
        {toggles.map(([icon, label, isOn, change]) => (
          <IconButton
            key={icon}
            icon={icon}
            label={label}
            aria-pressed={isOn}
            onClick={() => props.onLooks(change)}
          />
        ))}
        <span className="pyr-toolbar-line" />
        <IconButton
          icon="copy"
          label={trans.__('Copy the selection, or everything shown')}
          onClick={props.onCopy}
        />
        <IconButton
          icon="download"
          label={trans.__('Download the whole log')}
          disabled={props.saving || row?.readable === false}
          onClick={props.onDownload}
        />
        <span className="pyr-toolbar-gap" />
        <Button
          icon="stop"
          iconOnly={props.isNarrow}
          label={trans.__('Stop')}
          title={trans.__('Stop this task')}
          disabled={!props.canExecute || !active}
          onClick={props.onStop}
        />
        <Button
          icon="run"
          iconOnly={props.isNarrow}
          label={row && row.runs > 0 ? trans.__('Run again') : trans.__('Run')}
          title={trans.__('Queue this task')}
          disabled={!props.canExecute || !row?.readable || active}
          onClick={props.onRun}
        />
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
