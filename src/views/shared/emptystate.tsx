import * as React from 'react';

import { Button } from './button';
import { useTrans } from './context';
import type { IconName } from './icons';
import { Icon } from './icons';

/** Shown instead of an empty list. */
export function EmptyState(props: {
  icon: IconName;
  title: string;
  text?: React.ReactNode;
  onRetry?: () => void;
  children?: React.ReactNode;
}): JSX.Element {
  const trans = useTrans();
  return (
    <div className="pyr-column pyr-empty">
      <Icon name={props.icon} className="pyr-empty-icon" />
      <div className="pyr-empty-title">{props.title}</div>
      {props.text && <p>{props.text}</p>}
      {props.children}
      {props.onRetry && (
        <Button
          icon="refresh"
          label={trans.__('Retry')}
          onClick={props.onRetry}
        />
      )}
    </div>
  );
}

/** Shown instead of lines that are being loaded. */
export function Skeleton(props: { lines: number; label: string }): JSX.Element {
  return (
    <div
      className="pyr-column pyr-skeleton"
      role="status"
      aria-label={props.label}
    >
      {Array.from({ length: props.lines }, (_, index) => (
        <span key={index} className="pyr-skeleton-line" />
      ))}
    </div>
  );
}
