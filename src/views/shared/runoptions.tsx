import * as React from 'react';

import type { FieldError, RunOptions } from '../../client/types';
import type { RunField } from '../../model/runoptions';
import { RUN_NUMBERS } from '../../model/runoptions';
import type { ITrans } from './context';
import { useTrans } from './context';

/** Those that are seldom needed. */
const SELDOM: readonly RunField[] = [
  'gpu_memory',
  'priority',
  'retries',
  'time_limit',
  'stop_after'
];

export interface IRunOptionsProps {
  value: RunOptions;
  onChange: (options: RunOptions) => void;
  /** Of these fields; others are passed over. */
  errors?: readonly FieldError[];
  /** Begins the ids of the fields. */
  prefix: string;
}

/** How many tasks run at a time, with how many GPUs, and what is seldom asked for. */
export function RunOptionsForm(props: IRunOptionsProps): JSX.Element {
  const trans = useTrans();
  const { value, errors = [] } = props;
  const isSet = SELDOM.some(field => !isEmpty(value[field]));
  const isWrong = errors.some(error =>
    SELDOM.includes(error.field as RunField)
  );
  const [open, setOpen] = React.useState(isSet);
  const field = (name: RunField) => (
    <OptionField key={name} {...props} field={name} />
  );
  return (
    <div className="pyr-run-options">
      {field('jobs')}
      {field('gpus')}
      <details
        open={open || isWrong}
        onToggle={event => setOpen(event.currentTarget.open)}
      >
        <summary>{trans.__('More options')}</summary>
        <div className="pyr-run-more">{SELDOM.map(field)}</div>
      </details>
      {errors
        .filter(error => error.field !== null && error.field !== undefined)
        .map((error, index) => (
          <p key={index} className="pyr-field-error">
            {error.message}
          </p>
        ))}
    </div>
  );
}

function OptionField(
  props: IRunOptionsProps & { field: RunField }
): JSX.Element {
  const trans = useTrans();
  const { field, value, errors = [] } = props;
  const [label, help, placeholder] = wordsOf(trans, field);
  const limits = RUN_NUMBERS[field];
  const known = value[field];
  const [typed, setTyped] = React.useState<string | null>(null);
  const change = (text: string) => {
    setTyped(text);
    if (text === '') {
      props.onChange({ ...value, [field]: field === 'jobs' ? 1 : null });
    } else if (!limits) {
      props.onChange({ ...value, [field]: text });
    } else {
      const number = Math.round(Number(text));
      if (Number.isFinite(number)) {
        const [least, most] = limits;
        const bounded = Math.min(most, Math.max(least, number));
        props.onChange({ ...value, [field]: bounded });
      }
    }
  };
  return (
    <label className="pyr-run-option" title={help}>
      <span>{label}</span>
      <input
        type={limits ? 'number' : 'text'}
        className="pyr-input"
        id={`${props.prefix}@${field}`}
        min={limits?.[0]}
        max={limits?.[1]}
        value={typed ?? (isEmpty(known) ? '' : String(known))}
        placeholder={placeholder}
        spellCheck={false}
        autoComplete="off"
        aria-invalid={errors.some(error => error.field === field)}
        onChange={event => change(event.target.value)}
        onBlur={() => setTyped(null)}
      />
    </label>
  );
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === '';
}

/** Label, help, and what stands in an empty field. */
function wordsOf(trans: ITrans, field: RunField): [string, string, string] {
  switch (field) {
    case 'jobs':
      return [
        trans.__('At a time'),
        trans.__('How many of these tasks run at the same time'),
        '1'
      ];
    case 'gpus':
      return [
        trans.__('GPUs each'),
        trans.__(
          'How many GPUs each task gets and sees; it waits until they are free'
        ),
        trans.__('any')
      ];
    case 'gpu_memory':
      return [
        trans.__('GiB of a GPU'),
        trans.__(
          'How much memory a task uses of its GPU, which it then shares with others; auto is what earlier runs used'
        ),
        trans.__('all')
      ];
    case 'priority':
      return [
        trans.__('Priority'),
        trans.__('What has a higher one starts first'),
        '0'
      ];
    case 'retries':
      return [
        trans.__('Retries'),
        trans.__('How often a task that failed is run again'),
        '0'
      ];
    case 'time_limit':
      return [
        trans.__('Time limit'),
        trans.__('After which a run is stopped, such as 90s, 10m or 1h30m'),
        trans.__('none')
      ];
    case 'stop_after':
      return [
        trans.__('Give up after'),
        trans.__(
          'After so many runs in a row that fail in the same way the rest is cancelled; 0 is never'
        ),
        trans.__('as set')
      ];
  }
}
