import * as React from 'react';

import { useTrans } from './context';
import type { IconName } from './icons';
import { Icon } from './icons';

export interface IStripProps {
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
export function Strip(props: IStripProps): JSX.Element | null {
  const trans = useTrans();
  const { kind, children, onRetry, onClose } = props;
  const icon = props.icon ?? ICONS[kind];
  if (!children) {
    return null;
  }
  return (
    <div
      className={`pyr-strip pyr-strip-${kind} ${props.className ?? ''}`}
      role={kind === 'error' ? 'alert' : 'status'}
    >
      {icon && <Icon name={icon} />}
      <div className="pyr-strip-text">{children}</div>
      {props.actions}
      {onRetry && <Button label={trans.__('Retry now')} onClick={onRetry} />}
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

/** Shown instead of an empty list. */
export function Empty(props: {
  icon: IconName;
  title: string;
  text?: React.ReactNode;
  onRetry?: () => void;
  children?: React.ReactNode;
}): JSX.Element {
  const trans = useTrans();
  return (
    <div className="pyr-empty">
      <Icon name={props.icon} className="pyr-empty-icon" />
      <div className="pyr-empty-title">{props.title}</div>
      {props.text && <p>{props.text}</p>}
      {props.children}
      {props.onRetry && (
        <Button
          icon="refresh"
          label={trans.__('Retry now')}
          onClick={props.onRetry}
        />
      )}
    </div>
  );
}

/** Shown instead of lines that are being loaded. */
export function Skeleton(props: { lines: number; label: string }): JSX.Element {
  return (
    <div className="pyr-skeleton" role="status" aria-label={props.label}>
      {Array.from({ length: props.lines }, (_, index) => (
        <span key={index} className="pyr-bone" />
      ))}
    </div>
  );
}

/** A button without its label, which is its name. */
export function IconButton(props: IButtonProps): JSX.Element {
  return <Button {...props} iconOnly />;
}

/** A button in a text. */
export function Link(
  props: React.ButtonHTMLAttributes<HTMLButtonElement>
): JSX.Element {
  return <button type="button" {...props} className="pyr-link" />;
}

/** A line to write in, without the browser's help. */
export function TextInput({
  onValue,
  className = '',
  ...rest
}: React.InputHTMLAttributes<HTMLInputElement> & {
  onValue: (value: string) => void;
}): JSX.Element {
  return (
    <input
      type="text"
      spellCheck={false}
      autoComplete="off"
      {...rest}
      className={`pyr-input ${className}`}
      onChange={event => onValue(event.target.value)}
    />
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
  const classes = [
    'pyr-button',
    iconOnly && 'pyr-button-icon',
    accent && 'pyr-button-accent',
    className
  ];
  return (
    <button
      type="button"
      aria-label={iconOnly ? label : undefined}
      title={label}
      {...rest}
      className={classes.filter(Boolean).join(' ')}
    >
      {icon && <Icon name={icon} />}
      {children}
      {!iconOnly && label && <span>{label}</span>}
    </button>
  );
}
