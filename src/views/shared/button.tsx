/** Buttons, and lines to write in. */
import * as React from 'react';

import type { IconName } from './icons';
import { Icon } from './icons';

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
