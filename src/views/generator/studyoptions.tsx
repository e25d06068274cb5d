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
import { Choice } from '../shared/choice';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';

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

/** The sampler, and how many trials are random before it learns. */
export function SamplerFields(props: IStudyOptionsProps): JSX.Element {
  const trans = useTrans();
  const { search, prefix, onChange } = props;
  const startup = startupTrials(search.sampler);
  const titles = {
    tpe: trans.__('TPE'),
    gp: trans.__('Gaussian process'),
    cmaes: trans.__('CMA-ES'),
    nsga2: trans.__('NSGA-II'),
    qmc: trans.__('Quasi-Monte Carlo'),
    random: trans.__('Random'),
    grid: trans.__('Grid')
  };
  return (
    <>
      <Choice
        className="pyr-create-field"
        label={trans.__('Sampler')}
        id={`${prefix}@sampler`}
        value={search.sampler}
        title={trans.__('Method that chooses the parameters of each trial')}
        aria-invalid={isWrong(props, 'sampler')}
        options={SAMPLERS.map(sampler => [sampler, titles[sampler]] as const)}
        onChange={sampler => onChange({ sampler, n_startup_trials: null })}
      />
      {startup !== null && (
        <NumberField
          {...props}
          field="n_startup_trials"
          label={
            search.sampler === 'nsga2'
              ? trans.__('Population')
              : trans.__('Random trials')
          }
          title={trans.__(
            'Number of trials before the sampler learns from the results'
          )}
          placeholder={String(startup)}
          most={MAX_TRIALS}
        />
      )}
    </>
  );
}

/** Which trials are stopped early. */
export function PrunerFields(props: IStudyOptionsProps): JSX.Element {
  const trans = useTrans();
  const { search, prefix, onChange } = props;
  const titles = {
    '': trans.__('never'),
    median: trans.__('Median'),
    quartile: trans.__('Top quartile only'),
    asha: trans.__('Successive halving (ASHA)'),
    hyperband: trans.__('Hyperband')
  };
  return (
    <>
      <Choice
        className="pyr-create-field"
        label={trans.__('Pruning')}
        id={`${prefix}@prune`}
        value={search.prune}
        title={trans.__(
          'Stop trials that are worse than other trials at the same step'
        )}
        aria-invalid={isWrong(props, 'prune')}
        options={PRUNERS.map(prune => [prune, titles[prune]] as const)}
        onChange={prune => onChange({ prune })}
      />
      {search.prune === 'hyperband' && (
        <NumberField
          {...props}
          field="max_resource"
          label={trans.__('Steps of a run')}
          title={trans.__(
            'Number of steps at which a complete run tracks the objective, such as its number of epochs'
          )}
          most={MAX_RESOURCE}
        />
      )}
      {isHalving(search.prune) && (
        <>
          <NumberField
            {...props}
            field="min_resource"
            label={trans.__('First comparison')}
            title={trans.__(
              'Number of steps before trials are compared for the first time'
            )}
            placeholder="1"
            most={MAX_RESOURCE}
          />
          <NumberField
            {...props}
            field="reduction_factor"
            label={trans.__('Reduction factor')}
            title={trans.__(
              'After each comparison, one of this many trials continues'
            )}
            placeholder={search.prune === 'asha' ? '4' : '3'}
            least={2}
            most={100}
          />
        </>
      )}
    </>
  );
}

/** Examples, in the grammars of constraints and of queries. */
const CONSTRAINT = `latency <= 20`;
const EARLIER_TASKS = `study:search`;

/** Further objectives, constraints and the warm start. */
export function MoreStudyOptions(props: IStudyOptionsProps): JSX.Element {
  const trans = useTrans();
  const { search, prefix, onChange } = props;
  const [typed, setTyped] = React.useState<string | null>(null);
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
      <label
        className="pyr-create-field"
        title={trans.__(
          'Limits of metrics, one per line. A trial that violates one is not the best trial.'
        )}
      >
        {trans.__('Constraints')}
        <textarea
          className="pyr-input"
          id={`${prefix}@constraints`}
          rows={2}
          spellCheck={false}
          value={typed ?? search.constraints.join('\n')}
          placeholder={CONSTRAINT}
          aria-invalid={isWrong(props, 'constraints')}
          onChange={event => {
            const text = event.currentTarget.value;
            setTyped(text);
            onChange({
              constraints: text.split('\n').filter(line => line.trim())
            });
          }}
          onBlur={() => setTyped(null)}
        />
      </label>
      {hasWarmStart(search.sampler) && (
        <label
          className="pyr-create-field"
          title={trans.__(
            'Query for earlier tasks whose results the sampler knows. Their configurations must be in the search space.'
          )}
        >
          {trans.__('Warm start')}
          <TextInput
            id={`${prefix}@warm_start`}
            value={search.warm_start}
            placeholder={EARLIER_TASKS}
            aria-invalid={isWrong(props, 'warm_start')}
            onValue={warm_start => onChange({ warm_start })}
          />
        </label>
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
            'Optimize several metrics at once: the study looks for the Pareto front'
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

/** A whole number; null if it is empty. */
function NumberField(
  props: IStudyOptionsProps & {
    field:
      'n_startup_trials' | 'min_resource' | 'max_resource' | 'reduction_factor';
    label: string;
    title: string;
    placeholder?: string;
    least?: number;
    most: number;
  }
): JSX.Element {
  const { field, search, least = 1, most } = props;
  const [typed, setTyped] = React.useState<string | null>(null);
  return (
    <label className="pyr-create-field" title={props.title}>
      {props.label}
      <TextInput
        type="number"
        id={`${props.prefix}@${field}`}
        min={least}
        max={most}
        value={typed ?? search[field] ?? ''}
        placeholder={props.placeholder}
        aria-invalid={isWrong(props, field)}
        onValue={text => {
          setTyped(text);
          const number = Math.round(Number(text));
          if (text === '' || (number >= least && number <= most)) {
            props.onChange({ [field]: text === '' ? null : number });
          }
        }}
        onBlur={() => setTyped(null)}
      />
    </label>
  );
}

function isWrong(
  { errors }: { errors: readonly FieldError[] },
  field: string
): boolean {
  return errors.some(error => error.field === field);
}
