/** The popup in which the columns of the task table are chosen. */
import * as React from 'react';

import type { ColumnId } from '../../model/layout';
import { FACTS } from '../../model/layout';
import { aggregateChoices } from '../../model/metrics';
import type { TableLayoutModel } from '../../model/tablelayout';
import type { ITaskListState } from '../../model/taskliststate';
import { Toggle } from '../shared/choice';
import { useTrans } from '../shared/context';
import { Popup } from '../shared/popup';
import { useStore } from '../shared/store';
import { Button, TextInput } from '../shared/button';
import { columnTitle } from './columns';

/** Keys of a kind that are listed; typing filters the others. */
const MAX_KEYS = 200;

interface IChoice {
  id: ColumnId;
  title: string;
  /** How many values it has. */
  detail: string;
}

export function ColumnsPopup(props: {
  table: TableLayoutModel;
  state: ITaskListState;
  /** The metric with sparklines. */
  curve: string | null;
  anchor: HTMLElement;
  onClose: () => void;
}): JSX.Element {
  const { table, state } = props;
  const trans = useTrans();
  const { shown, known, layout } = useStore(table);
  const [search, setSearch] = React.useState('');
  const parameters = new Map(
    (known?.parameters ?? []).map(item => [item.key, item])
  );
  const keys = [...new Set([...state.columns.swept, ...parameters.keys()])];
  const figures = [
    ...new Set([
      ...state.columns.figures,
      ...(known?.figures ?? []).map(item => item.key)
    ])
  ];
  const groups: [string, IChoice[]][] = [
    [
      trans.__('Configuration'),
      keys.map(key => {
        const distinct = parameters.get(key)?.distinct ?? 0;
        return {
          id: `config:${key}`,
          title: key,
          detail:
            distinct > 1
              ? trans.__('%1 values', distinct.toLocaleString())
              : trans.__('constant')
        };
      })
    ],
    [
      trans.__('Metrics'),
      figures.map(key => ({ id: `figure:${key}`, title: key, detail: '' }))
    ],
    [
      trans.__('Curves'),
      figures.map(key => ({
        id: `curve:${key}`,
        title: key,
        detail: key === props.curve ? trans.__('automatic') : ''
      }))
    ],
    [
      trans.__('Task'),
      FACTS.filter(fact => fact !== 'name').map(fact => ({
        id: fact,
        title: columnTitle(trans, fact),
        detail: ''
      }))
    ]
  ];
  const aggregates = aggregateChoices(
    search,
    table.aggregates,
    // Without a text, the popup lists the chosen ones only.
    search.trim() ? figures : [],
    state.goals
  );
  groups.splice(2, 0, [
    trans.__('Aggregates'),
    aggregates.map(key => ({ id: `figure:${key}`, title: key, detail: '' }))
  ]);
  const wanted = search.trim().toLowerCase();
  return (
    <Popup
      anchor={props.anchor}
      onClose={props.onClose}
      label={trans.__('Columns')}
      className="pyr-columns"
    >
      <div className="pyr-columns-head">
        <TextInput
          type="search"
          autoFocus
          data-item=""
          value={search}
          placeholder={trans.__('Filter columns, or mean(loss, 10)')}
          aria-label={trans.__('Filter columns')}
          onValue={setSearch}
        />
        <Button
          label={trans.__('Automatic')}
          title={trans.__('Show columns that vary')}
          disabled={layout.columns === null}
          onClick={() =>
            table.setLayout({
              columns: null,
              always: [],
              widths: {},
              pinned: []
            })
          }
        />
      </div>
      {groups.map(([name, choices]) => {
        const found = choices.filter(choice =>
          choice.title.toLowerCase().includes(wanted)
        );
        return found.length === 0 ? null : (
          <fieldset key={name} className="pyr-columns-group">
            <legend>{name}</legend>
            {found.slice(0, MAX_KEYS).map(({ id, title, detail }) => (
              <Toggle
                key={id}
                className="pyr-columns-item"
                data-item=""
                label={title}
                detail={detail}
                checked={shown.includes(id)}
                onChange={isShown => table.showColumn(id, isShown)}
              />
            ))}
            {found.length > MAX_KEYS && (
              <p className="pyr-popup-hint">
                {trans.__(
                  'and %1 more: filter to find them',
                  found.length - MAX_KEYS
                )}
              </p>
            )}
          </fieldset>
        );
      })}
    </Popup>
  );
}
