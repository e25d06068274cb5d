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
import { InputField, LinesField } from './fields';

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

/** An example, in the grammar of the rules. */
const RULE = `loss is nan -> stop`;

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
  const isSet = [...ADVANCED_FIELDS, ...OTHER_FIELDS].some(
    field => !isEmpty(value[field])
  );
  const isWrong = (field: string) =>
    errors.some(error => error.field === field);
  const [open, setOpen] = React.useState(Boolean(isSet));
  // A cluster assigns the GPUs itself, and always needs the memory.
  const advanced = ADVANCED_FIELDS.filter(
    name => engine === 'local' || !['gpu_memory', 'memory'].includes(name)
  );
  const common = (field: string) => ({
    className: 'pyr-column pyr-create-field pyr-note',
    id: `${props.prefix}@${field}`,
    'aria-invalid': isWrong(field)
  });
  const change = (part: Partial<RunOptions>) =>
    props.onChange({ ...value, ...part });
  const field = (name: RunField) => {
    const isCluster = engine !== 'local';
    const [label, title, placeholder] = wordsOf(
      trans,
      name,
      isCluster,
      props.defaultGpus
    );
    return (
      <InputField
        key={name}
        {...common(name)}
        {...{ label, title, placeholder }}
        value={value[name]}
        limits={RUN_NUMBERS[name]}
        onValue={given =>
          change({ [name]: given ?? (name === 'jobs' ? 1 : null) })
        }
      />
    );
  };
  const engines: Record<Engine, string> = {
    local: trans.__('This machine'),
    ...CLUSTERS
  };
  return (
    <div className="pyr-run-options">
      {field('jobs')}
      {field('gpus')}
      {engine === 'slurm' &&
        CLUSTER_FIELDS.map(name => (
          <InputField
            key={name}
            {...common(`cluster.${name}`)}
            {...needWords(trans, name)}
            placeholder={trans.__('default')}
            value={value.cluster?.[name]}
            limits={name === 'cpus' ? [1, Number.MAX_SAFE_INTEGER] : undefined}
            onValue={need => props.onChange(withNeed(value, name, need))}
          />
        ))}
      {engine !== 'local' && field('memory')}
      <details
        open={open || [...ADVANCED_FIELDS, ...OTHER_FIELDS].some(isWrong)}
        onToggle={event => setOpen(event.currentTarget.open)}
      >
        <summary>{trans.__('More options')}</summary>
        <div className="pyr-run-more">
          {advanced.map(field)}
          <Choice
            {...common('resume')}
            title={trans.__(
              'Queue a task again after a reboot or preemption, or when it reached its time limit and saved a checkpoint'
            )}
            label={trans.__('Requeue')}
            value={isEmpty(value.resume) ? '' : String(value.resume)}
            options={[
              ['', trans.__('Default')],
              ['true', trans.__('Yes')],
              ['false', trans.__('No')]
            ]}
            onChange={given =>
              change({ resume: given === '' ? null : given === 'true' })
            }
          />
          {engine === 'local' && (
            <Choice
              {...common('preempt')}
              title={trans.__(
                'Stop lower-priority tasks to make room, if they will be requeued'
              )}
              label={trans.__('Preempt other tasks')}
              value={value.preempt ? 'true' : ''}
              options={[
                ['', trans.__('No')],
                ['true', trans.__('Yes')]
              ]}
              onChange={given => change({ preempt: given ? true : null })}
            />
          )}
          <LinesField
            {...common('alerts')}
            className="pyr-column pyr-create-field pyr-note pyr-run-whole"
            label={trans.__('Alert rules')}
            title={trans.__(
              'Rules that watch metrics or the output, one per line. “-> stop” after a rule stops the run, “-> tag NAME” tags the task.'
            )}
            placeholder={RULE}
            lines={value.alerts ?? []}
            onLines={alerts =>
              change({ alerts: alerts.length > 0 ? alerts : null })
            }
          />
          <Choice
            {...common('engine')}
            className="pyr-column pyr-create-field pyr-note pyr-run-wide"
            title={trans.__(
              'On the server’s machine, as Slurm jobs, or on Dask workers'
            )}
            label={trans.__('Run on')}
            value={value.engine ?? ''}
            options={[
              ['', trans.__('Default (%1)', engines[props.engine])],
              ['local', engines.local],
              ['slurm', engines.slurm],
              ['dask', engines.dask]
            ]}
            onChange={given => props.onChange(withEngine(value, given || null))}
          />
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

function needWords(
  trans: ITrans,
  field: ClusterField
): { label: string; title: string } {
  return {
    partition: {
      label: trans.__('Partition'),
      title: trans.__('Cluster partition')
    },
    account: {
      label: trans.__('Account'),
      title: trans.__('Slurm account to charge')
    },
    cpus: {
      label: trans.__('CPUs per task'),
      title: trans.__('Number of CPUs reserved for each task')
    }
  }[field];
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
      trans.__('Signal before time limit'),
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
