import * as React from 'react';

import type { Action, TaskStatus } from '../../client/types';
import type { ITrans } from './context';
import { useTrans } from './context';
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

/** The icon of a status, named for those who cannot see it. */
export function StatusIcon({
  status,
  readable = true
}: {
  status: TaskStatus;
  /** Whether the task's file could be read: else nobody knows the status. */
  readable?: boolean;
}): JSX.Element {
  const trans = useTrans();
  const word = readable ? statusWord(trans, status) : trans.__('Unreadable');
  return (
    <span
      className={`pyr-status pyr-status-${readable ? status : 'unreadable'}`}
      role="img"
      aria-label={word}
      title={word}
    >
      <Icon name={readable ? status : 'warning'} />
    </span>
  );
}

/** Icon and word of a status, or of what is about to change it. */
export function StatusLabel({
  status,
  pending,
  readable = true,
  detail
}: {
  status: TaskStatus;
  pending?: Action;
  /** Whether the task's file could be read: else nobody knows the status. */
  readable?: boolean;
  /** Shown as a tooltip behind the word. */
  detail?: string | null;
}): JSX.Element {
  const trans = useTrans();
  const word =
    pendingWord(trans, pending) ??
    (readable ? statusWord(trans, status) : trans.__('Unreadable'));
  const shown: TaskStatus = pending === 'run' ? 'queued' : status;
  const look = readable ? shown : 'unreadable';
  return (
    <span
      className={`pyr-status pyr-status-${look}${pending ? ' pyr-is-pending' : ''}`}
      title={detail ? `${word}: ${detail}` : word}
    >
      <Icon name={readable ? shown : 'warning'} />
      <span className="pyr-status-word">{word}</span>
    </span>
  );
}
