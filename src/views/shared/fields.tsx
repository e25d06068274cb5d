/** Labelled fields; what is being typed stays as it is until the field is left. */
import * as React from 'react';

import { TextInput } from './button';

interface IFieldProps {
  label: string;
  /** Of the label. */
  className: string;
  title?: string;
  id?: string;
  placeholder?: string;
  'aria-invalid'?: boolean;
}

/** A text, or with `limits` a whole number between them; null if it is empty. */
export function InputField({
  label,
  className,
  title,
  value,
  limits,
  onValue,
  ...rest
}: IFieldProps & {
  value: string | number | null | undefined;
  limits?: readonly [least: number, most: number];
  onValue: (value: string | number | null) => void;
}): JSX.Element {
  const [typed, setTyped] = React.useState<string | null>(null);
  const change = (text: string) => {
    setTyped(text);
    const number = Math.round(Number(text));
    if (text === '' || !limits) {
      onValue(text || null);
    } else if (Number.isFinite(number)) {
      onValue(Math.min(limits[1], Math.max(limits[0], number)));
    }
  };
  return (
    <label className={className} title={title}>
      <span>{label}</span>
      <TextInput
        {...rest}
        type={limits ? 'number' : 'text'}
        min={limits?.[0]}
        max={limits?.[1]}
        value={typed ?? value ?? ''}
        onValue={change}
        onBlur={() => setTyped(null)}
      />
    </label>
  );
}

/** Several texts, one a line. */
export function LinesField({
  label,
  className,
  title,
  lines,
  onLines,
  ...rest
}: IFieldProps & {
  lines: readonly string[];
  onLines: (lines: string[]) => void;
}): JSX.Element {
  const [typed, setTyped] = React.useState<string | null>(null);
  return (
    <label className={className} title={title}>
      <span>{label}</span>
      <textarea
        {...rest}
        className="pyr-input"
        rows={2}
        spellCheck={false}
        value={typed ?? lines.join('\n')}
        onChange={event => {
          const text = event.currentTarget.value;
          setTyped(text);
          onLines(text.split('\n').filter(line => line.trim()));
        }}
        onBlur={() => setTyped(null)}
      />
    </label>
  );
}
