import * as React from 'react';

import { useTrans } from './context';
import type { IconName } from './icons';
import { Icon } from './icons';

export interface IStripProps {
  kind: 'info' | 'warning' | 'error';
  icon?: IconName;
  children: React.ReactNode;
  /** Buttons at the end. */
  actions?: React.ReactNode;
  onClose?: () => void;
  className?: string;
}

/** One line that says what happened and what can be done about it. */
export function Strip(props: IStripProps): JSX.Element {
  const trans = useTrans();
  return (
    <div
      className={`pyr-strip pyr-strip-${props.kind} ${props.className ?? ''}`}
      role={props.kind === 'error' ? 'alert' : 'status'}
    >
      {props.icon && <Icon name={props.icon} />}
      <div className="pyr-strip-text">{props.children}</div>
      {props.actions}
      {props.onClose && (
        <button
          type="button"
          className="pyr-button pyr-button-icon"
          onClick={props.onClose}
          aria-label={trans.__('Dismiss')}
          title={trans.__('Dismiss')}
        >
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}

export interface IEmptyProps {
  icon: IconName;
  title: string;
  children?: React.ReactNode;
}

/** What stands in place of a list that has nothing to show. */
export function Empty({ icon, title, children }: IEmptyProps): JSX.Element {
  return (
    <div className="pyr-empty">
      <Icon name={icon} className="pyr-empty-icon" />
      <div className="pyr-empty-title">{title}</div>
      {children}
    </div>
  );
}

export interface IButtonProps extends React.ButtonHTMLAttributes<HTMLButtonElement> {
  icon?: IconName;
  label: string;
  /** Show the icon alone; the label is its name. */
  iconOnly?: boolean;
  accent?: boolean;
}

export function Button({
  icon,
  label,
  iconOnly,
  accent,
  className,
  children,
  ...rest
}: IButtonProps): JSX.Element {
  const classes = ['pyr-button'];
  if (iconOnly) {
    classes.push('pyr-button-icon');
  }
  if (accent) {
    classes.push('pyr-button-accent');
  }
  if (className) {
    classes.push(className);
  }
  return (
    <button
      type="button"
      aria-label={iconOnly ? label : undefined}
      title={label}
      {...rest}
      className={classes.join(' ')}
    >
      {icon && <Icon name={icon} />}
      {children}
      {!iconOnly && <span>{label}</span>}
    </button>
  );
}
