/** Small controls above charts. */
import * as React from 'react';

import type { IColumn } from '../../model/compare';
import { useTrans } from '../shared/context';

export function Choice(props: {
  label: string;
  value: string;
  options: readonly { value: string; label: string }[];
  onChange: (value: string) => void;
}): JSX.Element {
  return (
    <label className="pyr-control">
      <span>{props.label}</span>
      <select
        className="pyr-input"
        value={props.value}
        onChange={event => props.onChange(event.target.value)}
      >
        {props.options.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Parameters and figures to choose from, each kind under its name. */
export function ColumnChoice(props: {
  label: string;
  value: string;
  columns: readonly IColumn[];
  onChange: (key: string) => void;
}): JSX.Element {
  const trans = useTrans();
  const kinds = [
    { kind: 'parameter', label: trans.__('Parameters') },
    { kind: 'figure', label: trans.__('Figures') }
  ];
  return (
    <label className="pyr-control">
      <span>{props.label}</span>
      <select
        className="pyr-input"
        value={props.value}
        onChange={event => props.onChange(event.target.value)}
      >
        {kinds.map(({ kind, label }) => {
          const columns = props.columns.filter(each => each.kind === kind);
          return (
            columns.length > 0 && (
              <optgroup key={kind} label={label}>
                {columns.map(({ key }) => (
                  <option key={key} value={key}>
                    {key}
                  </option>
                ))}
              </optgroup>
            )
          );
        })}
      </select>
    </label>
  );
}

export function Toggle(props: {
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}): JSX.Element {
  return (
    <label className="pyr-control">
      <input
        type="checkbox"
        checked={props.checked}
        onChange={event => props.onChange(event.target.checked)}
      />
      <span>{props.label}</span>
    </label>
  );
}
