/** The popup in which the columns of the task table are chosen. */
import * as React from 'react';

import { FACTS } from '../../model/layout';
import { aggregateChoices } from '../../model/metrics';
import type { TableLayoutModel } from '../../model/tablelayout';
import type { ITaskListState } from '../../model/taskliststate';
import { Button } from '../shared/button';
import { ChoicesPopup } from '../shared/choicespopup';
import { useTrans } from '../shared/context';
import { useStore } from '../shared/store';
import { columnTitle } from './columns';

export function ColumnsPopup(props: {
  table: TableLayoutModel;
  state: ITaskListState;
  /** The metric with sparklines. */
  curve: string | null;
  anchor: HTMLElement;
  onClose: () => void;
}): JSX.Element {
  const { table, state, curve, ...popup } = props;
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
  const aggregates = aggregateChoices(
    search,
    table.aggregates,
    // Without a text, the popup lists the chosen ones only.
    search.trim() ? figures : [],
    state.goals
  );
  const ofFigure = (key: string) => ({ id: `figure:${key}`, title: key });
  const detailOf = (key: string) => {
    const distinct = parameters.get(key)?.distinct ?? 0;
    return distinct > 1
      ? trans.__('%1 values', distinct.toLocaleString())
      : trans.__('constant');
  };
  return (
    <ChoicesPopup
      {...popup}
      label={trans.__('Columns')}
      filterLabel={trans.__('Filter columns')}
      placeholder={trans.__('Filter columns, or enter mean(loss, 10)')}
      text={search}
      onText={setSearch}
      actions={
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
      }
      chosen={shown}
      onChoose={(id, isShown) => table.showColumn(id, isShown)}
      groups={[
        [
          trans.__('Configuration'),
          keys.map(key => ({
            id: `config:${key}`,
            title: key,
            detail: detailOf(key)
          }))
        ],
        [trans.__('Metrics'), figures.map(ofFigure)],
        [trans.__('Aggregates'), aggregates.map(ofFigure)],
        [
          trans.__('Curves'),
          figures.map(key => ({
            id: `curve:${key}`,
            title: key,
            detail: key === curve ? trans.__('automatic') : undefined
          }))
        ],
        [
          trans.__('Task'),
          FACTS.filter(fact => fact !== 'name').map(fact => ({
            id: fact,
            title: columnTitle(trans, fact)
          }))
        ]
      ]}
    />
  );
}
