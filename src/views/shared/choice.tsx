/** One of several values, or on and off. */
import * as React from 'react';

/** A value, its label, and the group that it is listed in. */
export type Option<T extends string> = readonly [
  value: T,
  label: string,
  group?: string
];

/** A labelled list that opens. */
export function Choice<T extends string>({
  label,
  options,
  onChange,
  className = 'pyr-control',
  title,
  ...rest
}: {
  label: string;
  value: T;
  options: readonly Option<T>[];
  onChange: (value: T) => void;
  /** Of the label. */
  className?: string;
  title?: string;
  id?: string;
  'aria-invalid'?: boolean;
}): JSX.Element {
  const listed = (group?: string) =>
    options
      .filter(option => option[2] === group)
      .map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ));
  const groups = [...new Set(options.flatMap(option => option[2] ?? []))];
  return (
    <label className={className} title={title}>
      <span>{label}</span>
      <select
        {...rest}
        className="pyr-input"
        onChange={event => onChange(event.target.value as T)}
      >
        {listed()}
        {groups.map(group => (
          <optgroup key={group} label={group}>
            {listed(group)}
          </optgroup>
        ))}
      </select>
    </label>
  );
}

/** All values in sight, next to each other. */
export function Radios<T extends string>(props: {
  label: string;
  value: T;
  /** The third is a tooltip. */
  options: readonly (readonly [value: T, label: string, title?: string])[];
  onChange: (value: T) => void;
  className?: string;
  autoFocus?: boolean;
}): JSX.Element {
  const name = React.useId();
  return (
    <fieldset className={props.className ?? 'pyr-segments'}>
      <legend>{props.label}</legend>
      {props.options.map(([value, label, title]) => (
        <label key={value} title={title}>
          <input
            type="radio"
            name={name}
            autoFocus={props.autoFocus && props.value === value}
            checked={props.value === value}
            onChange={() => props.onChange(value)}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** A check box with its label. */
export function Toggle({
  label,
  detail,
  onChange,
  className = 'pyr-control',
  ...rest
}: {
  label: string;
  /** After the label, smaller. */
  detail?: string;
  checked: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
  className?: string;
  /** Reached by arrow keys in a popup. */
  'data-item'?: '';
}): JSX.Element {
  return (
    <label className={className}>
      <input
        {...rest}
        type="checkbox"
        onChange={event => onChange(event.target.checked)}
      />
      <span title={label}>{label}</span>
      {detail !== undefined && <small>{detail}</small>}
    </label>
  );
}
