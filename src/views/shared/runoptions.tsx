import * as React from 'react';

import type { DefaultGpus, FieldError, RunOptions } from '../../client/types';
import type { ClusterField, Engine, RunField } from '../../model/runoptions';
import {
  CLUSTER_FIELDS,
  RUN_NUMBERS,
  isRunField,
  withEngine,
  withNeed
} from '../../model/runoptions';
import { Choice } from './choice';
import type { ITrans } from './context';
import { useTrans } from './context';
import { TextInput } from './strip';

/** Those that are seldom needed. */
const SELDOM: readonly RunField[] = [
  'memory',
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
  /** Where tasks run unless the options say otherwise. */
  engine: Engine;
  /** The GPUs that tasks get on this machine unless the options say otherwise. */
  defaultGpus?: DefaultGpus;
  /** Begins the ids of the fields. */
  prefix: string;
}

/** How many tasks run at a time, with how many GPUs, and what is seldom asked for. */
export function RunOptionsForm(props: IRunOptionsProps): JSX.Element {
  const trans = useTrans();
  const { value, errors = [] } = props;
  const engine = value.engine ?? props.engine;
  const isSet = SELDOM.some(field => !isEmpty(value[field])) || value.engine;
  const isWrong = errors.some(
    error =>
      SELDOM.includes(error.field as RunField) || error.field === 'engine'
  );
  const [open, setOpen] = React.useState(Boolean(isSet));
  // A cluster chooses the GPUs by itself, and is always asked for memory.
  const seldom = SELDOM.filter(
    name => engine === 'local' || !['gpu_memory', 'memory'].includes(name)
  );
  const field = (name: RunField) => (
    <OptionField key={name} {...props} field={name} />
  );
  return (
    <div className="pyr-run-options">
      {field('jobs')}
      {field('gpus')}
      {engine === 'slurm' &&
        CLUSTER_FIELDS.map(name => (
          <NeedField key={name} {...props} field={name} />
        ))}
      {engine === 'slurm' && field('memory')}
      <details
        open={open || isWrong}
        onToggle={event => setOpen(event.currentTarget.open)}
      >
        <summary>{trans.__('More options')}</summary>
        <div className="pyr-run-more">
          {seldom.map(field)}
          <EngineField {...props} />
        </div>
      </details>
      {errors
        .filter(error => isRunField(error.field))
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
  const isCluster = (value.engine ?? props.engine) === 'slurm';
  const [label, help, placeholder] = wordsOf(
    trans,
    field,
    isCluster,
    props.defaultGpus
  );
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
      <TextInput
        type={limits ? 'number' : 'text'}
        id={`${props.prefix}@${field}`}
        min={limits?.[0]}
        max={limits?.[1]}
        value={typed ?? (isEmpty(known) ? '' : String(known))}
        placeholder={placeholder}
        aria-invalid={errors.some(error => error.field === field)}
        onValue={change}
        onBlur={() => setTyped(null)}
      />
    </label>
  );
}

/** Where the tasks run. */
function EngineField(props: IRunOptionsProps): JSX.Element {
  const trans = useTrans();
  const names: Record<Engine, string> = {
    local: trans.__('This machine'),
    slurm: 'Slurm'
  };
  return (
    <Choice
      className="pyr-run-option pyr-run-wide"
      title={trans.__(
        'On the machine of the server, or as jobs of a Slurm cluster that it submits to'
      )}
      label={trans.__('Run on')}
      id={`${props.prefix}@engine`}
      value={props.value.engine ?? ''}
      aria-invalid={props.errors?.some(error => error.field === 'engine')}
      options={[
        ['', trans.__('As set (%1)', names[props.engine])],
        ['local', names.local],
        ['slurm', names.slurm]
      ]}
      onChange={engine =>
        props.onChange(withEngine(props.value, engine || null))
      }
    />
  );
}

/** Something that a task asks of a cluster. */
function NeedField(
  props: IRunOptionsProps & { field: ClusterField }
): JSX.Element {
  const trans = useTrans();
  const { field, value, errors = [] } = props;
  const [label, help] = needWords(trans, field);
  const known = value.cluster?.[field];
  const isNumber = field === 'cpus';
  return (
    <label className="pyr-run-option" title={help}>
      <span>{label}</span>
      <TextInput
        type={isNumber ? 'number' : 'text'}
        id={`${props.prefix}@cluster.${field}`}
        min={isNumber ? 1 : undefined}
        value={isEmpty(known) ? '' : String(known)}
        placeholder={trans.__('as set')}
        aria-invalid={errors.some(error => error.field === `cluster.${field}`)}
        onValue={text => {
          const number = Math.max(1, Math.round(Number(text)));
          props.onChange(
            withNeed(value, field, isNumber && text ? number : text)
          );
        }}
      />
    </label>
  );
}

function needWords(trans: ITrans, field: ClusterField): [string, string] {
  switch (field) {
    case 'partition':
      return [trans.__('Partition'), trans.__('Of the cluster')];
    case 'account':
      return [trans.__('Account'), trans.__('Who pays for it in the cluster')];
    case 'cpus':
      return [trans.__('CPUs each'), trans.__('Processors of each task')];
  }
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === '';
}

/** How many GPUs a task gets by default, and why. */
function usualGpus(trans: ITrans, usual?: DefaultGpus): string {
  if (!usual?.count) {
    return trans.__('any');
  }
  return usual.framework
    ? trans.__('%1 (imports %2)', usual.count, usual.framework)
    : String(usual.count);
}

/** Label, help, and what stands in an empty field. */
function wordsOf(
  trans: ITrans,
  field: RunField,
  isCluster: boolean,
  defaultGpus?: DefaultGpus
): [string, string, string] {
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
        isCluster ? trans.__('as set') : usualGpus(trans, defaultGpus)
      ];
    case 'gpu_memory':
      return [
        trans.__('GiB of a GPU'),
        trans.__(
          'How much memory a task uses of its GPU, which it then shares with others; auto is what earlier runs used'
        ),
        trans.__('all')
      ];
    case 'memory':
      return [
        trans.__('Memory per task'),
        trans.__(
          'Memory reserved for each task, with its unit: 800M, 16G. A task that uses more is killed'
        ),
        isCluster ? trans.__('as set') : trans.__('none')
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
