import * as React from 'react';

import type { FieldError } from '../../client/types';
import type { IDraftState } from '../../model/draftstate';
import type { IAxis, IDraftPreview, ISearch } from '../../model/searchdraft';
import {
  directionOf,
  MOST_TRIALS,
  SEARCH_FIELDS
} from '../../model/searchdraft';
import { useTrans } from '../shared/context';
import { Strip } from '../shared/strip';

/** Whether every combination is made, or the best one searched for. */
export function ModeSwitch(props: {
  isSearch: boolean;
  prefix: string;
  onChange: (isSearch: boolean) => void;
}): JSX.Element {
  const trans = useTrans();
  const modes = [
    {
      isSearch: false,
      label: trans.__('Every combination'),
      title: trans.__('A task for each combination of the values')
    },
    {
      isSearch: true,
      label: trans.__('Search'),
      title: trans.__(
        'Tasks one after the other, each chosen by what the earlier ones gave'
      )
    }
  ];
  return (
    <div
      className="pyr-modes"
      role="radiogroup"
      aria-label={trans.__('What is made of the configuration')}
    >
      {modes.map(({ isSearch, label, title }) => (
        <label key={label} title={title}>
          <input
            type="radio"
            name={`${props.prefix}-mode`}
            checked={props.isSearch === isSearch}
            onChange={() => props.onChange(isSearch)}
          />
          <span>{label}</span>
        </label>
      ))}
    </div>
  );
}

export interface ISearchFormProps {
  state: IDraftState;
  search: ISearch;
  errors: readonly FieldError[];
  prefix: string;
  onSearch: (search: ISearch) => void;
}

/** Of these errors those about how it is searched. */
export function searchErrorsOf(errors: readonly FieldError[]): FieldError[] {
  return errors.filter(
    error => !error.line && SEARCH_FIELDS.some(field => field === error.field)
  );
}

/** What is optimised, in how many trials. */
export function SearchForm(props: ISearchFormProps): JSX.Element {
  const trans = useTrans();
  const { state, search, errors, prefix } = props;
  const [typed, setTyped] = React.useState<string | null>(null);
  const change = (part: Partial<ISearch>) =>
    props.onSearch({ ...search, ...part });
  const isWrong = (field: string) =>
    errors.some(error => error.field === field);
  return (
    <>
      {state.canSearch === false && (
        <Strip kind="warning" icon="warning">
          {trans.__(
            'Searching needs Optuna where the server runs: %1',
            "pip install 'pyruns_jupyter[optimize]'"
          )}
        </Strip>
      )}
      <div className="pyr-search-fields">
        <label className="pyr-create-field pyr-search-objective">
          {trans.__('Objective')}
          <input
            type="text"
            className="pyr-input"
            id={`${prefix}@objective`}
            list={`${prefix}-figures`}
            value={search.objective}
            placeholder={trans.__('such as %1', 'val_acc')}
            spellCheck={false}
            autoComplete="off"
            aria-invalid={isWrong('objective')}
            title={trans.__(
              'The figure that is optimised: what a run records under this name, else the last value that it tracked'
            )}
            onChange={event => {
              const objective = event.target.value;
              const isKnown = state.figures.includes(objective);
              change({
                objective,
                ...(isKnown ? { direction: directionOf(objective) } : {})
              });
            }}
          />
          <datalist id={`${prefix}-figures`}>
            {state.figures.map(figure => (
              <option key={figure} value={figure} />
            ))}
          </datalist>
        </label>
        <label className="pyr-create-field">
          {trans.__('Direction')}
          <select
            className="pyr-input"
            id={`${prefix}@direction`}
            value={search.direction}
            onChange={event =>
              change({ direction: event.target.value as ISearch['direction'] })
            }
          >
            <option value="maximize">{trans.__('more is better')}</option>
            <option value="minimize">{trans.__('less is better')}</option>
          </select>
        </label>
        <label className="pyr-create-field">
          {trans.__('Trials')}
          <input
            type="number"
            className="pyr-input"
            id={`${prefix}@n`}
            min={1}
            max={MOST_TRIALS}
            value={typed ?? search.n}
            aria-invalid={isWrong('n')}
            onChange={event => {
              setTyped(event.target.value);
              const n = Math.round(Number(event.target.value));
              if (n >= 1 && n <= MOST_TRIALS) {
                change({ n });
              }
            }}
            onBlur={() => setTyped(null)}
          />
        </label>
        <label className="pyr-create-field">
          {trans.__('Stop early')}
          <select
            className="pyr-input"
            id={`${prefix}@prune`}
            value={search.prune}
            title={trans.__(
              'Stop a run that is worse at some point of its curve than the best half, or quarter, of the others were there'
            )}
            onChange={event =>
              change({ prune: event.target.value as ISearch['prune'] })
            }
          >
            <option value="">{trans.__('never')}</option>
            <option value="median">{trans.__('the worse half')}</option>
            <option value="quartile">{trans.__('all but a quarter')}</option>
          </select>
        </label>
      </div>
      {errors.map((error, index) => (
        <p key={index} className="pyr-field-error">
          {error.message}
        </p>
      ))}
    </>
  );
}

/** What a search would try, a row a parameter. */
export function SearchTable(props: {
  preview: IDraftPreview | null;
  dim: boolean;
}): JSX.Element {
  const trans = useTrans();
  const axes = props.preview?.axes ?? [];
  return (
    <div
      className={`pyr-outcome-table ${props.dim ? 'pyr-is-dim' : ''}`}
      tabIndex={0}
      role="region"
      aria-label={trans.__('What is searched')}
    >
      {axes.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">{trans.__('Parameter')}</th>
              <th scope="col">{trans.__('What may be tried')}</th>
            </tr>
          </thead>
          <tbody>
            {axes.map(axis => (
              <tr key={axis.key}>
                <td title={axis.key}>{axis.key}</td>
                <td className="pyr-outcome-value">
                  <Tried axis={axis} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

function Tried({ axis }: { axis: IAxis }): JSX.Element {
  const trans = useTrans();
  if (axis.span === undefined) {
    return <>{axis.values.join(', ')}</>;
  }
  return (
    <>
      {axis.span}{' '}
      {axis.isLog && (
        <span className="pyr-faint">{trans.__('by its logarithm')}</span>
      )}
    </>
  );
}
