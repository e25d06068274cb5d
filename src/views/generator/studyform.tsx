import * as React from 'react';

import type { FieldError } from '../../client/types';
import type { IDraftState } from '../../model/draftstate';
import type { IAxis, IDraftPreview, IStudyForm } from '../../model/studyform';
import { aggregatedMetric, suggestedAggregates } from '../../model/metrics';
import { STUDY_FIELDS } from '../../model/studyform';
import { Radios } from '../shared/choice';
import { useTrans } from '../shared/context';
import { Banner } from '../shared/banner';
import { TextInput } from '../shared/button';
import type { ITableColumn } from '../shared/table';
import { DataTable } from '../shared/table';
import { MoreStudyOptions, StudyFields } from './studyoptions';

/** Whether every combination is made, or the best one searched for. */
export function ModeSwitch(props: {
  isSearch: boolean;
  onChange: (isSearch: boolean) => void;
}): JSX.Element {
  const trans = useTrans();
  return (
    <Radios
      className="pyr-segments pyr-modes"
      label={trans.__('Sweep type')}
      value={props.isSearch ? 'search' : 'all'}
      options={[
        [
          'all',
          trans.__('Grid'),
          trans.__('One task for each combination of values')
        ],
        [
          'search',
          trans.__('Adaptive'),
          trans.__('New trials are chosen from earlier results (Optuna)')
        ]
      ]}
      onChange={mode => props.onChange(mode === 'search')}
    />
  );
}

export interface IStudyFormProps {
  state: IDraftState;
  search: IStudyForm;
  errors: readonly FieldError[];
  prefix: string;
  onSearch: (search: IStudyForm) => void;
}

/** Of these errors those about how it is searched. */
export function searchErrorsOf(errors: readonly FieldError[]): FieldError[] {
  return errors.filter(
    error => !error.line && STUDY_FIELDS.some(field => field === error.field)
  );
}

/** What is optimised, in how many trials. */
export function StudyForm(props: IStudyFormProps): JSX.Element {
  const trans = useTrans();
  const { state, search, errors, prefix } = props;
  const change = (part: Partial<IStudyForm>) =>
    props.onSearch({ ...search, ...part });
  const isWrong = (field: string) =>
    errors.some(error => error.field === field);
  return (
    <>
      {state.canSearch === false && (
        <Banner kind="warning">
          {trans.__(
            'Studies require Optuna on the server. Install it with %1',
            "pip install 'pyruns_jupyter[optimize]'"
          )}
        </Banner>
      )}
      <div className="pyr-search-fields">
        <label className="pyr-column pyr-create-field pyr-note">
          {trans.__('Objective')}
          <TextInput
            id={`${prefix}@objective`}
            list={`${prefix}-figures`}
            value={search.objective}
            placeholder={trans.__('such as %1', 'val_acc')}
            aria-invalid={isWrong('objective')}
            title={trans.__(
              'Metric or aggregate to optimize, such as min(val_loss). For a metric, the recorded value is used, or the last tracked value if none was recorded.'
            )}
            onValue={objective => {
              const metric = aggregatedMetric(objective) ?? objective;
              const direction = state.goals[metric] ?? search.direction;
              change({ objective, direction });
            }}
          />
          <datalist id={`${prefix}-figures`}>
            {[
              ...state.metrics,
              ...suggestedAggregates(state.metrics, state.goals)
            ].map(each => (
              <option key={each} value={each} />
            ))}
          </datalist>
        </label>
        <StudyFields {...props} onChange={change} />
      </div>
      <MoreStudyOptions {...props} onChange={change} />
      {errors.map((error, index) => (
        <p key={index} className="pyr-field-error">
          {error.message}
        </p>
      ))}
    </>
  );
}

/** The table of the preview. */
export function PreviewTable<Row>(props: {
  label: string;
  dim: boolean;
  rows: readonly Row[];
  columns: readonly ITableColumn<Row>[];
  /** Below the rows. */
  children?: React.ReactNode;
}): JSX.Element {
  const { rows, columns } = props;
  return (
    <div
      className={`pyr-preview-table ${props.dim ? 'pyr-is-dim' : ''}`}
      tabIndex={0}
      role="region"
      aria-label={props.label}
    >
      {rows.length > 0 && <DataTable rows={rows} columns={columns} />}
      {props.children}
    </div>
  );
}

/** What a search would try, a row a parameter. */
export function SearchSpaceTable(props: {
  preview: IDraftPreview | null;
  dim: boolean;
}): JSX.Element {
  const trans = useTrans();
  const axes = props.preview?.axes ?? [];
  return (
    <PreviewTable
      label={trans.__('Search space')}
      dim={props.dim}
      rows={axes}
      columns={[
        { id: 'key', title: trans.__('Parameter'), cell: axis => axis.key },
        {
          id: 'span',
          title: trans.__('Values'),
          className: 'pyr-preview-value',
          cell: axis => <Tried axis={axis} />
        }
      ]}
    />
  );
}

function Tried({
  axis,
  isElse = false
}: {
  axis: IAxis;
  isElse?: boolean;
}): JSX.Element {
  const trans = useTrans();
  return (
    <>
      {axis.span ?? axis.values.join(', ')}{' '}
      {axis.isLog && <span className="pyr-faint">{trans.__('log scale')}</span>}
      {axis.condition && (
        <span className="pyr-faint">
          {' '}
          {trans.__('only if %1', axis.condition)}
        </span>
      )}
      {isElse && !axis.condition && (
        <span className="pyr-faint"> {trans.__('otherwise')}</span>
      )}
      {axis.alternative && (
        <div>
          <Tried axis={axis.alternative} isElse />
        </div>
      )}
    </>
  );
}
