import * as React from 'react';

import type { Action, TaskStatus } from '../../client/types';
import type { ITrans } from './context';
import { useTrans } from './context';
import { clockTime } from './format';
import { Icon } from './icons';

/** In the order in which people look for them. */
export const STATUSES: readonly TaskStatus[] = [
  'running',
  'queued',
  'pending',
  'completed',
  'failed',
  'cancelled'
];

export function isActive(status: TaskStatus): boolean {
  return status === 'running' || status === 'queued';
}

export function statusWord(trans: ITrans, status: TaskStatus): string {
  switch (status) {
    case 'pending':
      return trans.__('Pending');
    case 'queued':
      return trans.__('Queued');
    case 'running':
      return trans.__('Running');
    case 'completed':
      return trans.__('Completed');
    case 'failed':
      return trans.__('Failed');
    case 'cancelled':
      return trans.__('Cancelled');
  }
}

/** What an action asked for is turning the task into. */
export function pendingWord(
  trans: ITrans,
  action: Action | undefined
): string | null {
  switch (action) {
    case 'run':
      return trans.__('Queueing…');
    case 'cancel':
      return trans.__('Stopping…');
    case 'delete':
      return trans.__('Deleting…');
    default:
      return null;
  }
}

/** Since when a running task has given no sign of life, as a sentence. */
export function silenceText(trans: ITrans, since: number): string {
  return trans.__(
    'Running, but without output and points since %1.',
    clockTime(since)
  );
}

/** The icon of a status, named for those who cannot see it. */
export function StatusIcon({
  status,
  readable = true,
  silent = null
}: {
  status: TaskStatus;
  /** Whether the task's file could be read: else nobody knows the status. */
  readable?: boolean;
  /** Since when it has given no sign of life (epoch, s), if that is long ago. */
  silent?: number | null;
}): JSX.Element {
  const trans = useTrans();
  const word = !readable
    ? trans.__('Unreadable')
    : silent !== null
      ? silenceText(trans, silent)
      : statusWord(trans, status);
  const look = !readable ? 'unreadable' : silent !== null ? 'silent' : status;
  return (
    <span
      className={`pyr-status pyr-status-${look}`}
      role="img"
      aria-label={word}
      title={word}
    >
      <Icon name={readable && silent === null ? status : 'warning'} />
    </span>
  );
}

/** Icon and word of a status, or of what is about to change it. */
export function StatusLabel({
  status,
  pending,
  readable = true,
  silent = null,
  detail
}: {
  status: TaskStatus;
  pending?: Action;
  /** Whether the task's file could be read: else nobody knows the status. */
  readable?: boolean;
  /** Since when it has given no sign of life (epoch, s), if that is long ago. */
  silent?: number | null;
  /** Shown as a tooltip behind the word. */
  detail?: string | null;
}): JSX.Element {
  const trans = useTrans();
  const isSilent = readable && silent !== null && !pending;
  const word =
    pendingWord(trans, pending) ??
    (!readable
      ? trans.__('Unreadable')
      : isSilent
        ? trans.__('Silent')
        : statusWord(trans, status));
  const shown: TaskStatus = pending === 'run' ? 'queued' : status;
  const look = !readable ? 'unreadable' : isSilent ? 'silent' : shown;
  const told = isSilent ? silenceText(trans, silent) : detail;
  return (
    <span
      className={`pyr-status pyr-status-${look}${pending ? ' pyr-is-pending' : ''}`}
      title={told ? `${word}: ${told}` : word}
    >
      <Icon name={readable && !isSilent ? shown : 'warning'} />
      <span className="pyr-status-word">{word}</span>
    </span>
  );
}
