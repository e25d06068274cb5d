/** How the tasks are shown: table or cards, groups, columns, saved views. */
import * as React from 'react';

import type { Grouping } from '../../model/layout';
import type { TableLayoutModel } from '../../model/tablelayout';
import type { TaskListModel } from '../../model/tasklist';
import type { ITaskListState } from '../../model/taskliststate';
import { AggregatesButton } from '../shared/aggregates';
import { Radios, Toggle } from '../shared/choice';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { OpenButton, Popup, PopupItem, useClosePopup } from '../shared/popup';
import { useStore } from '../shared/store';
import { Button, IconButton, TextInput } from '../shared/button';

export interface IViewOptionsProps {
  model: TaskListModel;
  table: TableLayoutModel;
  state: ITaskListState;
  /** Whether the popup of the columns is open. */
  hasColumns: boolean;
  onColumns: (anchor: HTMLElement) => void;
}

/** The buttons that change how tasks are shown. */
export function ViewOptions(props: IViewOptionsProps): JSX.Element {
  const { model, table, state } = props;
  const trans = useTrans();
  const { layout } = useStore(table);
  const isCards = layout.look === 'cards';
  return (
    <>
      <OpenButton
        icon="group"
        label={groupingText(trans, layout.grouping)}
        title={trans.__('Group similar tasks')}
        aria-pressed={layout.grouping !== null}
        opens={place => (
          <Popup {...place} label={trans.__('Group')} className="pyr-columns">
            <GroupForm table={table} state={state} />
          </Popup>
        )}
      />
      {isCards || layout.grouping !== null ? (
        <AggregatesButton
          metrics={state.columns.figures}
          goals={state.goals}
          chosen={table.aggregates}
          onChoose={(each, isChosen) =>
            table.showColumn(`figure:${each}`, isChosen)
          }
        />
      ) : (
        <Button
          icon="table"
          label={trans.__('Columns')}
          title={trans.__('Select columns')}
          aria-haspopup="dialog"
          aria-expanded={props.hasColumns}
          onClick={event => props.onColumns(event.currentTarget)}
        />
      )}
      <OpenButton
        icon="bookmark"
        label={trans.__('Views')}
        title={trans.__('Saved views')}
        opens={place => (
          <Popup {...place} label={trans.__('Views')} className="pyr-columns">
            <Views model={model} table={table} />
          </Popup>
        )}
      />
      <IconButton
        icon={isCards ? 'table' : 'cards'}
        label={isCards ? trans.__('Show as table') : trans.__('Show as cards')}
        disabled={layout.grouping !== null}
        onClick={() => table.setLayout({ look: isCards ? 'table' : 'cards' })}
      />
    </>
  );
}

function groupingText(trans: ITrans, grouping: Grouping | null): string {
  if (grouping === null) {
    return trans.__('Group');
  }
  const keys = 'by' in grouping ? grouping.by : grouping.fold;
  const names = keys.length > 1 ? `${keys[0]} +${keys.length - 1}` : keys[0];
  return 'by' in grouping
    ? trans.__('By %1', names)
    : trans.__('Aggregated over: %1', names);
}

/** The popup that groups tasks by parameters. */
function GroupForm(props: {
  table: TableLayoutModel;
  state: ITaskListState;
}): JSX.Element {
  const { table, state } = props;
  const trans = useTrans();
  const close = useClosePopup();
  const { layout, known } = useStore(table);
  const { grouping } = layout;
  const keys = [
    ...new Set([
      ...state.columns.swept,
      ...(known?.parameters ?? [])
        .filter(item => item.distinct > 1)
        .map(item => item.key)
    ])
  ];
  const current = { by: [], fold: [], ...grouping };
  const [mode, setMode] = React.useState<'by' | 'fold'>(
    current.by.length > 0 ? 'by' : 'fold'
  );
  const chosen: readonly string[] = current[mode];
  const toggle = (key: string, isChosen: boolean) => {
    const others = chosen.filter(each => each !== key);
    const next = isChosen ? [...others, key] : others;
    table.setLayout({
      grouping:
        next.length === 0 ? null : mode === 'by' ? { by: next } : { fold: next }
    });
  };
  return (
    <>
      <Radios
        label={trans.__('Group by')}
        value={mode}
        options={[
          ['fold', trans.__('Aggregate')],
          ['by', trans.__('Group by')]
        ]}
        autoFocus
        onChange={setMode}
      />
      <p className="pyr-popup-hint">
        {mode === 'fold'
          ? trans.__(
              'Tasks that differ only in these parameters, such as the seed, are combined into one row (mean ± std).'
            )
          : trans.__(
              'Tasks with the same values of these parameters are combined into one row.'
            )}
      </p>
      {keys.length === 0 && (
        <p className="pyr-popup-hint">{trans.__('No differences yet.')}</p>
      )}
      {keys.map(key => (
        <Toggle
          key={key}
          className="pyr-line pyr-columns-item"
          data-item=""
          label={key}
          checked={chosen.includes(key)}
          onChange={isChosen => toggle(key, isChosen)}
        />
      ))}
      {grouping !== null && (
        <Button
          label={trans.__('Clear grouping')}
          onClick={() => {
            table.setLayout({ grouping: null });
            close();
          }}
        />
      )}
    </>
  );
}

/** The saved views: apply, save or remove one. */
function Views(props: {
  model: TaskListModel;
  table: TableLayoutModel;
}): JSX.Element {
  const { model, table } = props;
  const trans = useTrans();
  const { views, layout } = useStore(table);
  const [typed, setName] = React.useState('');
  const name = typed.trim();
  const exists = views.some(view => view.name === name);
  return (
    <>
      {views.length === 0 && (
        <p className="pyr-popup-hint">
          {trans.__(
            'Save the current query, sort order, columns and grouping as a view.'
          )}
        </p>
      )}
      {views.map(view => (
        <div key={view.name} className="pyr-view-item">
          <PopupItem
            title={view.listing.query}
            onChoose={() => {
              table.setLayout(view.layout);
              model.setListing(view.listing);
            }}
          >
            {view.name}
          </PopupItem>
          <IconButton
            icon="close"
            label={trans.__('Remove the view %1', view.name)}
            onClick={() => table.removeView(view.name)}
          />
        </div>
      ))}
      <form
        className="pyr-view-save"
        onSubmit={event => {
          event.preventDefault();
          if (name) {
            const { query, statuses, sort, order } =
              model.getSnapshot().listing;
            table.saveView({
              name,
              listing: { query, statuses, sort, order },
              layout
            });
            setName('');
          }
        }}
      >
        <TextInput
          data-item=""
          autoFocus={views.length === 0}
          maxLength={80}
          value={typed}
          placeholder={trans.__('View name')}
          aria-label={trans.__('View name')}
          onValue={setName}
        />
        <Button
          type="submit"
          label={exists ? trans.__('Replace') : trans.__('Save')}
          disabled={!name}
        />
      </form>
    </>
  );
}
