import * as React from 'react';

import type { DefaultGpus, FieldError, RunOptions } from '../../client/types';
import type { ClusterField, Engine, RunField } from '../../model/runoptions';
import {
  CLUSTER_FIELDS,
  CLUSTERS,
  isRunField,
  RUN_NUMBERS,
  withEngine,
  withNeed
} from '../../model/runoptions';
import { Choice } from './choice';
import type { ITrans } from './context';
import { useTrans } from './context';
import { TextInput } from './button';

/** Options that are rarely needed. */
const ADVANCED_FIELDS: readonly RunField[] = [
  'memory',
  'gpu_memory',
  'priority',
  'retries',
  'time_limit',
  'signal',
  'stop_after'
];

/** Advanced options with fields of their own. */
const OTHER_FIELDS = ['engine', 'alerts', 'resume', 'preempt'] as const;

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

/** Run options: concurrency and GPUs, and the advanced ones on demand. */
export function RunOptionsForm(props: IRunOptionsProps): JSX.Element {
  const trans = useTrans();
  const { value, errors = [] } = props;
  const engine = value.engine ?? props.engine;
  const isSet =
    ADVANCED_FIELDS.some(field => !isEmpty(value[field])) ||
    OTHER_FIELDS.some(field => !isEmpty(value[field]));
  const isWrong = errors.some(
    error =>
      ADVANCED_FIELDS.includes(error.field as RunField) ||
      OTHER_FIELDS.some(field => field === error.field)
  );
  const [open, setOpen] = React.useState(Boolean(isSet));
  // A cluster assigns the GPUs itself, and always needs the memory.
  const advanced = ADVANCED_FIELDS.filter(
    name => engine === 'local' || !['gpu_memory', 'memory'].includes(name)
  );
  const field = (name: RunField) => (
    <OptionField
      key={name}
      {...props}
      field={name}
      known={value[name]}
      words={wordsOf(trans, name, engine !== 'local', props.defaultGpus)}
      limits={RUN_NUMBERS[name]}
      onValue={given =>
        props.onChange({
          ...value,
          [name]: given ?? (name === 'jobs' ? 1 : null)
        })
      }
    />
  );
  return (
    <div className="pyr-run-options">
      {field('jobs')}
      {field('gpus')}
      {engine === 'slurm' &&
        CLUSTER_FIELDS.map(name => (
          <OptionField
            key={name}
            {...props}
            field={`cluster.${name}`}
            known={value.cluster?.[name]}
            words={needWords(trans, name)}
            limits={name === 'cpus' ? [1, Number.MAX_SAFE_INTEGER] : undefined}
            onValue={need => props.onChange(withNeed(value, name, need ?? ''))}
          />
        ))}
      {engine !== 'local' && field('memory')}
      <details
        open={open || isWrong}
        onToggle={event => setOpen(event.currentTarget.open)}
      >
        <summary>{trans.__('More options')}</summary>
        <div className="pyr-run-more">
          {advanced.map(field)}
          <RequeueField {...props} />
          {engine === 'local' && <PreemptField {...props} />}
          <AlertsField {...props} />
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

/** A number or a text. */
function OptionField(
  props: IRunOptionsProps & {
    /** Its name in messages. */
    field: string;
    known: unknown;
    /** Label, help and placeholder. */
    words: [string, string, string];
    /** The least and the greatest number; a text without it. */
    limits?: readonly [least: number, most: number];
    onValue: (value: string | number | null) => void;
  }
): JSX.Element {
  const { field, known, limits, onValue } = props;
  const [label, help, placeholder] = props.words;
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
    <label className="pyr-run-option" title={help}>
      <span>{label}</span>
      <TextInput
        type={limits ? 'number' : 'text'}
        id={`${props.prefix}@${field}`}
        min={limits?.[0]}
        max={limits?.[1]}
        value={typed ?? (isEmpty(known) ? '' : String(known))}
        placeholder={placeholder}
        aria-invalid={props.errors?.some(error => error.field === field)}
        onValue={change}
        onBlur={() => setTyped(null)}
      />
    </label>
  );
}

/** An example, in the grammar of the rules. */
const RULE = `loss is nan -> stop`;

/** Alert rules, one a line. */
function AlertsField(props: IRunOptionsProps): JSX.Element {
  const trans = useTrans();
  const { value, onChange } = props;
  const [typed, setTyped] = React.useState<string | null>(null);
  return (
    <label
      className="pyr-run-option pyr-run-whole"
      title={trans.__(
        'Rules that watch metrics or the output, one per line. “-> stop” after a rule stops the run, “-> tag NAME” tags the task.'
      )}
    >
      <span>{trans.__('Alert rules')}</span>
      <textarea
        className="pyr-input"
        id={`${props.prefix}@alerts`}
        rows={2}
        spellCheck={false}
        value={typed ?? value.alerts?.join('\n') ?? ''}
        placeholder={RULE}
        aria-invalid={props.errors?.some(error => error.field === 'alerts')}
        onChange={event => {
          const text = event.currentTarget.value;
          const alerts = text.split('\n').filter(line => line.trim());
          setTyped(text);
          onChange({ ...value, alerts: alerts.length > 0 ? alerts : null });
        }}
        onBlur={() => setTyped(null)}
      />
    </label>
  );
}

/** Whether interrupted tasks are queued again. */
function RequeueField(props: IRunOptionsProps): JSX.Element {
  const trans = useTrans();
  const known = props.value.resume;
  return (
    <Choice
      className="pyr-run-option"
      title={trans.__(
        'Queue a task again after a reboot or preemption, or when it reached its time limit and saved a checkpoint'
      )}
      label={trans.__('Requeue')}
      id={`${props.prefix}@resume`}
      value={isEmpty(known) ? '' : String(known)}
      options={[
        ['', trans.__('Default')],
        ['true', trans.__('Yes')],
        ['false', trans.__('No')]
      ]}
      onChange={given =>
        props.onChange({
          ...props.value,
          resume: given === '' ? null : given === 'true'
        })
      }
    />
  );
}

/** Whether tasks of a lower priority are stopped. */
function PreemptField(props: IRunOptionsProps): JSX.Element {
  const trans = useTrans();
  return (
    <Choice
      className="pyr-run-option"
      title={trans.__(
        'Stop running tasks of a lower priority to make room, if they are requeued'
      )}
      label={trans.__('Preempt others')}
      id={`${props.prefix}@preempt`}
      value={props.value.preempt ? 'true' : ''}
      options={[
        ['', trans.__('No')],
        ['true', trans.__('Yes')]
      ]}
      onChange={given =>
        props.onChange({ ...props.value, preempt: given ? true : null })
      }
    />
  );
}

/** Where the tasks run. */
function EngineField(props: IRunOptionsProps): JSX.Element {
  const trans = useTrans();
  const names: Record<Engine, string> = {
    local: trans.__('This machine'),
    ...CLUSTERS
  };
  return (
    <Choice
      className="pyr-run-option pyr-run-wide"
      title={trans.__(
        'On the server’s machine, as Slurm jobs, or on Dask workers'
      )}
      label={trans.__('Run on')}
      id={`${props.prefix}@engine`}
      value={props.value.engine ?? ''}
      aria-invalid={props.errors?.some(error => error.field === 'engine')}
      options={[
        ['', trans.__('Default (%1)', names[props.engine])],
        ['local', names.local],
        ['slurm', names.slurm],
        ['dask', names.dask]
      ]}
      onChange={engine =>
        props.onChange(withEngine(props.value, engine || null))
      }
    />
  );
}

function needWords(
  trans: ITrans,
  field: ClusterField
): [string, string, string] {
  const words: Record<ClusterField, [string, string]> = {
    partition: [trans.__('Partition'), trans.__('Cluster partition')],
    account: [trans.__('Account'), trans.__('Slurm account to charge')],
    cpus: [trans.__('CPUs per task'), trans.__('CPU cores per task')]
  };
  return [...words[field], trans.__('default')];
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

/** Label, help and placeholder. */
function wordsOf(
  trans: ITrans,
  field: RunField,
  isCluster: boolean,
  defaultGpus?: DefaultGpus
): [string, string, string] {
  const words: Record<RunField, [string, string, string]> = {
    jobs: [
      trans.__('Parallel tasks'),
      trans.__('Maximum number of these tasks to run in parallel'),
      '1'
    ],
    gpus: [
      trans.__('GPUs per task'),
      trans.__(
        'Number of GPUs reserved for each task; the task waits until they are free'
      ),
      isCluster ? trans.__('default') : usualGpus(trans, defaultGpus)
    ],
    gpu_memory: [
      trans.__('GPU memory (GiB)'),
      trans.__(
        'GPU memory that a task needs, so that tasks can share a GPU. auto: peak of earlier runs'
      ),
      trans.__('all')
    ],
    memory: [
      trans.__('Memory per task'),
      trans.__(
        'Memory reserved for each task, for example 800M or 16G. A task that uses more is killed.'
      ),
      isCluster ? trans.__('default') : trans.__('none')
    ],
    priority: [
      trans.__('Priority'),
      trans.__('Higher priority starts first'),
      '0'
    ],
    retries: [
      trans.__('Retries'),
      trans.__('Maximum number of retries of a failed task'),
      '0'
    ],
    time_limit: [
      trans.__('Time limit'),
      trans.__('Stop a run after this time, for example 90s, 10m or 1h30m'),
      trans.__('none')
    ],
    signal: [
      trans.__('Signal before limit'),
      trans.__(
        'Signal to send before the time limit, so that a script can save a checkpoint, for example USR1@2m'
      ),
      trans.__('none')
    ],
    stop_after: [
      trans.__('Stop after failures'),
      trans.__(
        'Cancel the remaining tasks after this many identical failures in a row (0: never)'
      ),
      trans.__('default')
    ]
  };
  return words[field];
}
