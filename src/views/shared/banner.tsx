import * as React from 'react';

import type { ILiveState } from '../../model/livemodel';
import { Button, IconButton } from './button';
import { useTrans } from './context';
import { clockTime } from './format';
import type { IconName } from './icons';
import { Icon } from './icons';
import { serverSentence } from './serversentences';

export interface IBannerProps {
  kind: 'info' | 'warning' | 'error';
  /** Else what the kind has. */
  icon?: IconName;
  children: React.ReactNode;
  /** Buttons at the end. */
  actions?: React.ReactNode;
  onRetry?: () => void;
  onClose?: () => void;
  className?: string;
}

/** One line that says what happened and what can be done; nothing without text. */
export function Banner(props: IBannerProps): JSX.Element | null {
  const trans = useTrans();
  const { kind, children, onRetry, onClose } = props;
  const icon = props.icon ?? ICONS[kind];
  if (!children) {
    return null;
  }
  return (
    <div
      className={`pyr-line pyr-banner pyr-banner-${kind} ${props.className ?? ''}`}
      role={kind === 'error' ? 'alert' : 'status'}
    >
      {icon && <Icon name={icon} />}
      <div className="pyr-banner-text">
        {typeof children === 'string'
          ? serverSentence(trans, children)
          : children}
      </div>
      {props.actions}
      {onRetry && <Button label={trans.__('Retry')} onClick={onRetry} />}
      {onClose && (
        <IconButton
          icon="close"
          label={trans.__('Dismiss')}
          onClick={onClose}
        />
      )}
    </div>
  );
}

const ICONS = { info: undefined, warning: 'warning', error: 'failed' } as const;

/** Says that what is shown may be old, while the connection is renewed. */
export function ConnectionBanner(props: {
  source: ILiveState;
  onRetry: () => void;
}): JSX.Element | null {
  const { connection, lastUpdatedAt } = props.source;
  const trans = useTrans();
  if (connection !== 'lost') {
    return null;
  }
  return (
    <Banner
      kind="warning"
      className="pyr-banner-connection"
      onRetry={props.onRetry}
    >
      {lastUpdatedAt === null
        ? trans.__('The server does not respond. Reconnecting…')
        : trans.__(
            'Reconnecting… Showing data from %1. Tasks keep running.',
            clockTime(lastUpdatedAt / 1000)
          )}
    </Banner>
  );
}
