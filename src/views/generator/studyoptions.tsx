/** The options of a study besides its first objective: sampler, pruner, constraints and others. */
import * as React from 'react';

import type { FieldError, Objective } from '../../client/types';
import type { IDraftState } from '../../model/draftstate';
import type { IStudyForm } from '../../model/studyform';
import {
  hasWarmStart,
  isHalving,
  MAX_OBJECTIVES,
  MAX_RESOURCE,
  MAX_TRIALS,
  PRUNERS,
  SAMPLERS,
  startupTrials
} from '../../model/studyform';
import { Button, IconButton, TextInput } from '../shared/button';
import type { Option } from '../shared/choice';
import { Choice } from '../shared/choice';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { InputField, LinesField } from '../shared/fields';

export interface IStudyOptionsProps {
  state: IDraftState;
  search: IStudyForm;
  errors: readonly FieldError[];
  prefix: string;
  onChange: (part: Partial<IStudyForm>) => void;
}

/** The options of a list of directions. */
export function directions(
  trans: ITrans
): (readonly [Objective['direction'], string])[] {
  return [
    ['maximize', trans.__('Maximize')],
    ['minimize', trans.__('Minimize')]
  ];
}

/** A field with one value: one of `options`, or a whole number within `limits`. */
interface IOneField {
  field: keyof IStudyForm;
  label: string;
  title?: string;
  options?: readonly Option<string>[];
  limits?: readonly [least: number, most: number];
  /** The default number. */
  placeholder?: string;
}

/** The fields next to the objective, as far as they have an effect. */
function fieldsOf(trans: ITrans, search: IStudyForm): IOneField[] {
  const { sampler } = search;
  const startup = startupTrials(sampler);
  const prune = search.further.length === 0 ? search.prune : null;
  const samplers = {
    tpe: trans.__('TPE'),
    gp: trans.__('Gaussian process'),
    cmaes: trans.__('CMA-ES'),
    nsga2: trans.__('NSGA-II'),
    qmc: trans.__('Quasi-Monte Carlo'),
    random: trans.__('Random'),
    grid: trans.__('Grid')
  };
  const pruners = {
    '': trans.__('None'),
    median: trans.__('Median'),
    quartile: trans.__('Top quartile only'),
    asha: trans.__('Successive halving (ASHA)'),
    hyperband: trans.__('Hyperband')
  };
  const fields: (IOneField | false)[] = [
    {
      field: 'direction',
      label: trans.__('Direction'),
      options: directions(trans)
    },
    { field: 'n', label: trans.__('Trials'), limits: [1, MAX_TRIALS] },
    {
      field: 'sampler',
      label: trans.__('Sampler'),
      title: trans.__('Method that chooses the parameters of each trial'),
      options: SAMPLERS.map(each => [each, samplers[each]])
    },
    startup !== null && {
      field: 'n_startup_trials',
      label:
        sampler === 'nsga2'
          ? trans.__('Population')
          : trans.__('Random trials'),
      title: trans.__(
        'Number of trials before the sampler learns from the results'
      ),
      placeholder: String(startup),
      limits: [1, MAX_TRIALS]
    },
    prune !== null && {
      field: 'prune',
      label: trans.__('Pruning'),
      title: trans.__(
        'Stop trials that are worse than other trials at the same step'
      ),
      options: PRUNERS.map(each => [each, pruners[each]])
    },
    prune === 'hyperband' && {
      field: 'max_resource',
      label: trans.__('Steps per run'),
      title: trans.__(
        'Number of steps at which a complete run tracks the objective, such as its number of epochs'
      ),
      limits: [1, MAX_RESOURCE]
    },
    isHalving(prune) && {
      field: 'min_resource',
      label: trans.__('First comparison'),
      title: trans.__(
        'Number of steps before trials are compared for the first time'
      ),
      placeholder: '1',
      limits: [1, MAX_RESOURCE]
    },
    isHalving(prune) && {
      field: 'reduction_factor',
      label: trans.__('Reduction factor'),
      title: trans.__('After each comparison, 1/N of the trials continue'),
      placeholder: prune === 'asha' ? '4' : '3',
      limits: [2, 100]
    }
  ];
  return fields.filter((each): each is IOneField => each !== false);
}

/** The fields next to the objective. */
export function StudyFields(props: IStudyOptionsProps): JSX.Element {
  const { search, onChange } = props;
  const trans = useTrans();
  return (
    <>
      {fieldsOf(trans, search).map(({ field, options, ...rest }) => {
        const common = { ...fieldProps(props, field), ...rest };
        return options ? (
          <Choice
            key={field}
            {...common}
            value={search[field] as string}
            options={options}
            onChange={value =>
              onChange({
                [field]: value,
                ...(field === 'sampler' && { n_startup_trials: null })
              })
            }
          />
        ) : (
          <InputField
            key={field}
            {...common}
            value={search[field] as number | null}
            onValue={value =>
              onChange({ [field]: value ?? (field === 'n' ? search.n : null) })
            }
          />
        );
      })}
    </>
  );
}

/** Examples, in the grammars of constraints and of queries. */
const CONSTRAINT = `latency <= 20`;
const EARLIER_TASKS = `study:search`;

/** Further objectives, constraints and the warm start. */
export function MoreStudyOptions(props: IStudyOptionsProps): JSX.Element {
  const trans = useTrans();
  const { search, onChange } = props;
  const isUsed =
    search.further.length > 0 ||
    search.constraints.length > 0 ||
    search.warm_start !== '';
  const [isOpen, setOpen] = React.useState(isUsed);
  const hasError = ['objectives', 'constraints', 'warm_start'].some(field =>
    isWrong(props, field)
  );
  return (
    <details
      className="pyr-search-more"
      open={isOpen || hasError}
      onToggle={event => setOpen(event.currentTarget.open)}
    >
      <summary>{trans.__('More study options')}</summary>
      <FurtherObjectives {...props} />
      <LinesField
        {...fieldProps(props, 'constraints')}
        label={trans.__('Constraints')}
        title={trans.__(
          'Constraints on metrics, one per line. A trial that violates a constraint cannot be the best trial.'
        )}
        placeholder={CONSTRAINT}
        lines={search.constraints}
        onLines={constraints => onChange({ constraints })}
      />
      {hasWarmStart(search.sampler) && (
        <InputField
          {...fieldProps(props, 'warm_start')}
          label={trans.__('Warm start')}
          title={trans.__(
            'Query for earlier tasks whose results the sampler learns from. Their configurations must be in the search space.'
          )}
          placeholder={EARLIER_TASKS}
          value={search.warm_start}
          onValue={query => onChange({ warm_start: String(query ?? '') })}
        />
      )}
    </details>
  );
}

/** The objectives after the first one. */
function FurtherObjectives(props: IStudyOptionsProps): JSX.Element {
  const trans = useTrans();
  const { search, state, prefix, onChange } = props;
  const { further } = search;
  const replace = (at: number, change: Partial<Objective>) =>
    onChange({
      further: further.map((each, index) =>
        index === at ? { ...each, ...change } : each
      )
    });
  return (
    <>
      {further.map((each, index) => (
        <div className="pyr-search-objectives" key={index}>
          <TextInput
            list={`${prefix}-figures`}
            value={each.metric}
            aria-label={trans.__('Objective %1', index + 2)}
            aria-invalid={isWrong(props, 'objectives')}
            onValue={metric =>
              replace(index, {
                metric,
                direction: state.goals[metric] ?? each.direction
              })
            }
          />
          <Choice
            label={trans.__('Direction %1', index + 2)}
            value={each.direction}
            options={directions(trans)}
            onChange={direction => replace(index, { direction })}
          />
          <IconButton
            icon="close"
            label={trans.__('Remove objective %1', index + 2)}
            onClick={() =>
              onChange({ further: further.filter((_, at) => at !== index) })
            }
          />
        </div>
      ))}
      {further.length < MAX_OBJECTIVES - 1 && (
        <Button
          label={trans.__('Add objective')}
          title={trans.__(
            'Optimize several metrics at once: the study searches for the Pareto front'
          )}
          onClick={() =>
            onChange({
              further: [...further, { metric: '', direction: 'minimize' }]
            })
          }
        />
      )}
    </>
  );
}

/** What the fields have in common. */
function fieldProps(props: IStudyOptionsProps, field: string) {
  return {
    className: 'pyr-column pyr-create-field pyr-note',
    id: `${props.prefix}@${field}`,
    'aria-invalid': isWrong(props, field)
  };
}

function isWrong(
  { errors }: { errors: readonly FieldError[] },
  field: string
): boolean {
  return errors.some(error => error.field === field);
}
