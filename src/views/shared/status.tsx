import * as React from 'react';

import type {
  Action,
  Counts,
  LastAlert,
  ShownStatus,
  TaskRow,
  TaskStatus
} from '../../client/types';
import type { ITrans } from './context';
import { useTrans } from './context';
import { clockTime } from './format';
import type { IconName } from './icons';
import { Icon } from './icons';
import { serverSentence } from './serversentences';

/** In the order in which people look for them. */
export const STATUSES: readonly TaskStatus[] = [
  'running',
  'queued',
  'pending',
  'completed',
  'failed',
  'cancelled'
];

/** Return `STATUSES`, and `unreadable` if there is such a task or it is chosen. */
export function shownStatuses(
  counts: Counts | null,
  chosen: readonly ShownStatus[] = []
): readonly ShownStatus[] {
  return counts?.unreadable || chosen.includes('unreadable')
    ? [...STATUSES, 'unreadable']
    : STATUSES;
}

export function statusWord(trans: ITrans, status: ShownStatus): string {
  const words: Record<ShownStatus, string> = {
    pending: trans.__('Pending'),
    queued: trans.__('Queued'),
    running: trans.__('Running'),
    completed: trans.__('Completed'),
    failed: trans.__('Failed'),
    cancelled: trans.__('Cancelled'),
    unreadable: trans.__('Unreadable')
  };
  return words[status];
}

/** What an action asked for is turning the task into. */
export function pendingWord(
  trans: ITrans,
  action: Action | undefined
): string | null {
  const words: Partial<Record<Action, string>> = {
    run: trans.__('Queueing…'),
    cancel: trans.__('Stopping…'),
    delete: trans.__('Deleting…')
  };
  return (action && words[action]) ?? null;
}

/** The status of a task, and what is known about it. */
type Known = { status: ShownStatus } & Partial<
  Pick<TaskRow, 'readable' | 'silent_since' | 'message'>
>;

/** Class, icon and word of a status; `text` says more about it. */
function lookOf(
  trans: ITrans,
  { status, readable = true, silent_since: silent = null }: Known
): { look: string; icon: IconName; word: string; text: string | null } {
  const shown = readable ? status : 'unreadable';
  return !readable || silent === null
    ? {
        look: shown,
        icon: shown,
        word: statusWord(trans, shown),
        text: null
      }
    : {
        look: 'stalled',
        icon: 'warning',
        word: trans.__('Stalled'),
        text: trans.__(
          'Running, but no output or metrics since %1.',
          clockTime(silent)
        )
      };
}

/** The icon of a status, named for those who cannot see it. */
export function StatusIcon({ task }: { task: Known }): JSX.Element {
  const { look, icon, word, text } = lookOf(useTrans(), task);
  return (
    <span
      className={`pyr-status pyr-status-${look}`}
      role="img"
      aria-label={text ?? word}
      title={text ?? word}
    >
      <Icon name={icon} />
    </span>
  );
}

/** Icon and word of a status, or of what is about to change it. */
export function StatusLabel({
  task,
  pending
}: {
  task: Known;
  pending?: Action;
}): JSX.Element {
  const trans = useTrans();
  const { look, icon, ...known } = lookOf(trans, {
    status: pending === 'run' ? 'queued' : task.status,
    readable: task.readable,
    silent_since: pending ? null : task.silent_since
  });
  const word = pendingWord(trans, pending) ?? known.word;
  const text = known.text ?? serverSentence(trans, task.message ?? '');
  return (
    <span
      className={`pyr-status pyr-status-${look}${pending ? ' pyr-is-pending' : ''}`}
      title={text ? `${word}: ${text}` : word}
    >
      <Icon name={icon} />
      <span className="pyr-status-word pyr-cut">{word}</span>
    </span>
  );
}

/** The level of an alert as a word. */
export function alertLevel(trans: ITrans, level: LastAlert['level']): string {
  const words: Record<LastAlert['level'], string> = {
    info: trans.__('information'),
    warning: trans.__('warning'),
    error: trans.__('error')
  };
  return words[level];
}

/** The last alert of a run, and how many there are; nothing without alerts. */
export function AlertIcon({
  alert
}: {
  alert: LastAlert | null;
}): JSX.Element | null {
  const trans = useTrans();
  if (!alert) {
    return null;
  }
  const { title, text, number } = alert;
  const last = text ? `${title}: ${text}` : title;
  const level = alertLevel(trans, alert.level);
  const label =
    number > 1
      ? trans.__('Alert (%1): %2 (%3 alerts)', level, last, number)
      : trans.__('Alert (%1): %2', level, last);
  return (
    <span
      className={`pyr-alert-icon pyr-alert-${alert.level}`}
      role="img"
      aria-label={label}
      title={label}
    >
      <Icon name="alert" />
      {number > 1 && <small>{number}</small>}
    </span>
  );
}
