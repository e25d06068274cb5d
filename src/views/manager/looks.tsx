/** How the tasks are shown: table or cards, groups, columns, saved views. */
import * as React from 'react';

import type { Grouping } from '../../model/layout';
import type { TableModel } from '../../model/table';
import type { WorkspaceModel } from '../../model/workspace';
import type { IWorkspaceState } from '../../model/workspacestate';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { moveFocus, Popup } from '../shared/popup';
import { useStore } from '../shared/store';
import { Button } from '../shared/strip';
import { ColumnsPopup } from './columnspopup';

type Opened = { kind: 'columns' | 'group' | 'views'; anchor: HTMLElement };

export interface ILooksProps {
  model: WorkspaceModel;
  table: TableModel;
  state: IWorkspaceState;
  curve: string | null;
  /** Open the choice of columns at this element. */
  columnsAt: HTMLElement | null;
  onColumnsClose: () => void;
}

/** The buttons that change how tasks are shown. */
export function Looks(props: ILooksProps): JSX.Element {
  const { model, table, state } = props;
  const trans = useTrans();
  const { layout } = useStore(table);
  const [opened, setOpened] = React.useState<Opened | null>(null);
  const close = React.useCallback(() => setOpened(null), []);
  const toggle = (kind: Opened['kind'], anchor: HTMLElement) =>
    setOpened(old => (old?.kind === kind ? null : { kind, anchor }));
  const isCards = layout.look === 'cards';
  return (
    <>
      <Button
        icon="group"
        label={groupingText(trans, layout.grouping)}
        title={trans.__('Show tasks that are alike as one line')}
        aria-haspopup="dialog"
        aria-expanded={opened?.kind === 'group'}
        aria-pressed={layout.grouping !== null}
        onClick={event => toggle('group', event.currentTarget)}
      />
      <Button
        icon="table"
        label={trans.__('Columns')}
        title={trans.__('Choose the columns')}
        aria-haspopup="dialog"
        aria-expanded={opened?.kind === 'columns'}
        disabled={isCards || layout.grouping !== null}
        onClick={event => toggle('columns', event.currentTarget)}
      />
      <Button
        icon="bookmark"
        label={trans.__('Views')}
        title={trans.__('Searches and columns that you have saved')}
        aria-haspopup="dialog"
        aria-expanded={opened?.kind === 'views'}
        onClick={event => toggle('views', event.currentTarget)}
      />
      <Button
        icon={isCards ? 'table' : 'cards'}
        iconOnly
        label={isCards ? trans.__('Show as table') : trans.__('Show as cards')}
        disabled={layout.grouping !== null}
        onClick={() => table.setLayout({ look: isCards ? 'table' : 'cards' })}
      />
      {(opened?.kind === 'columns' || props.columnsAt) && (
        <ColumnsPopup
          table={table}
          state={state}
          curve={props.curve}
          anchor={props.columnsAt ?? opened!.anchor}
          onClose={() => {
            close();
            props.onColumnsClose();
          }}
        />
      )}
      {opened?.kind === 'group' && (
        <GroupPopup
          table={table}
          state={state}
          anchor={opened.anchor}
          onClose={close}
        />
      )}
      {opened?.kind === 'views' && (
        <ViewsPopup
          model={model}
          table={table}
          anchor={opened.anchor}
          onClose={close}
        />
      )}
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
    : trans.__('Folded: %1', names);
}

/** Keys by which it makes sense to gather tasks. */
function GroupPopup(props: {
  table: TableModel;
  state: IWorkspaceState;
  anchor: HTMLElement;
  onClose: () => void;
}): JSX.Element {
  const { table, state } = props;
  const trans = useTrans();
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
  const mode = grouping && 'by' in grouping ? 'by' : 'fold';
  const [shownMode, setMode] = React.useState<'by' | 'fold'>(mode);
  const chosen =
    grouping === null
      ? []
      : 'by' in grouping
        ? shownMode === 'by'
          ? grouping.by
          : []
        : shownMode === 'fold'
          ? grouping.fold
          : [];
  const toggle = (key: string) => {
    const next = chosen.includes(key)
      ? chosen.filter(each => each !== key)
      : [...chosen, key];
    table.setLayout({
      grouping:
        next.length === 0
          ? null
          : shownMode === 'by'
            ? { by: next }
            : { fold: next }
    });
  };
  return (
    <Popup
      anchor={props.anchor}
      onClose={props.onClose}
      label={trans.__('Group')}
      className="pyr-columns"
    >
      <div onKeyDown={moveFocus} role="presentation">
        <div
          className="pyr-segments"
          role="radiogroup"
          aria-label={trans.__('How to group')}
        >
          {(['fold', 'by'] as const).map(each => (
            <button
              key={each}
              type="button"
              role="radio"
              aria-checked={shownMode === each}
              data-item=""
              autoFocus={shownMode === each}
              onClick={() => setMode(each)}
            >
              {each === 'fold' ? trans.__('Fold') : trans.__('Group by')}
            </button>
          ))}
        </div>
        <p className="pyr-popup-hint">
          {shownMode === 'fold'
            ? trans.__(
                'Tasks that differ only in these, such as the seed, become one line with mean ± deviation.'
              )
            : trans.__('Tasks with the same values of these become one line.')}
        </p>
        {keys.length === 0 && (
          <p className="pyr-popup-hint">{trans.__('Nothing differs yet.')}</p>
        )}
        {keys.map(key => (
          <label key={key} className="pyr-columns-item">
            <input
              type="checkbox"
              data-item=""
              checked={chosen.includes(key)}
              onChange={() => toggle(key)}
            />
            <span title={key}>{key}</span>
          </label>
        ))}
        {grouping !== null && (
          <Button
            label={trans.__('Do not group')}
            onClick={() => {
              table.setLayout({ grouping: null });
              props.onClose();
            }}
          />
        )}
      </div>
    </Popup>
  );
}

/** Views with a name: take one, save or remove one. */
function ViewsPopup(props: {
  model: WorkspaceModel;
  table: TableModel;
  anchor: HTMLElement;
  onClose: () => void;
}): JSX.Element {
  const { model, table } = props;
  const trans = useTrans();
  const { views, layout } = useStore(table);
  const [name, setName] = React.useState('');
  const save = () => {
    const { query, statuses, sort, order } = model.getSnapshot().listing;
    table.saveView({
      name: name.trim(),
      listing: { query, statuses, sort, order },
      layout
    });
    setName('');
  };
  const exists = views.some(view => view.name === name.trim());
  return (
    <Popup
      anchor={props.anchor}
      onClose={props.onClose}
      label={trans.__('Views')}
      className="pyr-columns"
    >
      <div onKeyDown={moveFocus} role="presentation">
        {views.length === 0 && (
          <p className="pyr-popup-hint">
            {trans.__(
              'Save what you look at now, its search, order, columns and groups, to come back to it.'
            )}
          </p>
        )}
        {views.map(view => (
          <div key={view.name} className="pyr-view-item">
            <button
              type="button"
              data-item=""
              className="pyr-menu-item"
              title={view.listing.query}
              onClick={() => {
                table.setLayout(view.layout);
                model.setListing(view.listing);
                props.onClose();
              }}
            >
              {view.name}
            </button>
            <Button
              icon="close"
              iconOnly
              label={trans.__('Remove the view %1', view.name)}
              onClick={() => table.removeView(view.name)}
            />
          </div>
        ))}
        <form
          className="pyr-view-save"
          onSubmit={event => {
            event.preventDefault();
            if (name.trim()) {
              save();
            }
          }}
        >
          <input
            type="text"
            className="pyr-input"
            data-item=""
            autoFocus={views.length === 0}
            maxLength={80}
            value={name}
            placeholder={trans.__('Name of this view')}
            aria-label={trans.__('Name of this view')}
            onChange={event => setName(event.target.value)}
          />
          <Button
            type="submit"
            label={exists ? trans.__('Replace') : trans.__('Save')}
            disabled={!name.trim()}
          />
        </form>
      </div>
    </Popup>
  );
}
