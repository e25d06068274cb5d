/** The menu of a column of the task table. */
import * as React from 'react';

import type { ColumnId } from '../../model/layout';
import { parseColumnId } from '../../model/layout';
import type { Goal } from '../../model/metrics';
import { aggregatedMetric, aggregateOf } from '../../model/metrics';
import type { TableLayoutModel } from '../../model/tablelayout';
import type { TaskListModel } from '../../model/tasklist';
import { useTrans } from '../shared/context';
import type { IMenuItem } from '../shared/menu';
import { Menu } from '../shared/menu';
import { columnTitle, sortOf } from './columns';

/** Sort by a key; sorting by it again reverses the order. */
export function sortBy(
  model: TaskListModel,
  sort: string,
  order?: 'asc' | 'desc'
): void {
  const { listing } = model.getSnapshot();
  // Names begin at A; of everything else the newest or largest come first.
  const natural = sort === 'name' ? 'asc' : 'desc';
  const opposite = listing.order === 'asc' ? 'desc' : 'asc';
  const next = listing.sort === sort ? opposite : natural;
  model.setListing({ sort, order: order ?? next });
}

/** Pixels by which *Wider* and *Narrower* change a column. */
const WIDTH_STEP = 32;

export function ColumnMenu(props: {
  model: TaskListModel;
  table: TableLayoutModel;
  column: ColumnId;
  anchor: HTMLElement;
  onChoose: () => void;
  /** Define whether less or more of a metric is better; null: automatic. */
  onDefine: (metric: string, goal: Goal | null) => void;
  onClose: () => void;
}): JSX.Element {
  const { model, table, column } = props;
  const trans = useTrans();
  const { shown, layout } = table.getSnapshot();
  const parts = parseColumnId(column);
  const sort = sortOf(column);
  const place = shown.indexOf(column);
  const isPinned = layout.pinned.includes(column);
  const items: IMenuItem[] = [];
  if (sort !== null) {
    items.push(
      {
        id: 'asc',
        label: trans.__('Sort ascending'),
        icon: 'up',
        run: () => sortBy(model, sort, 'asc')
      },
      {
        id: 'desc',
        label: trans.__('Sort descending'),
        icon: 'down',
        run: () => sortBy(model, sort, 'desc')
      }
    );
  }
  if (parts.kind === 'config') {
    items.push(
      {
        id: 'group',
        label: trans.__('Group by %1', parts.key),
        icon: 'group',
        separated: true,
        run: () => table.setLayout({ grouping: { by: [parts.key] } })
      },
      {
        id: 'fold',
        label: trans.__('Aggregate over %1 (mean ± std)', parts.key),
        icon: 'group',
        run: () => table.setLayout({ grouping: { fold: [parts.key] } })
      }
    );
  }
  if (parts.kind === 'figure') {
    const metric = aggregatedMetric(parts.key);
    const name = metric ?? parts.key;
    const goal = model.getSnapshot().goals[name];
    // The best value of a metric without a goal is not known.
    const best = goal ? ['best'] : [];
    const names = metric === null ? [...best, 'min', 'max', 'mean'] : [];
    for (const each of names) {
      const aggregate = aggregateOf(each, parts.key);
      const id = `figure:${aggregate}`;
      items.push({
        id: each,
        label: trans.__('Show column %1', aggregate),
        separated: each === names[0],
        checked: shown.includes(id),
        run: () => table.showColumn(id, !shown.includes(id))
      });
    }
    const defined = goal?.origin === 'settings' ? goal.direction : null;
    const guessed = goal?.automatic;
    const automatic =
      guessed === 'minimize'
        ? trans.__('Automatic (minimize)')
        : guessed === 'maximize'
          ? trans.__('Automatic (maximize)')
          : trans.__('Automatic (unknown)');
    const goals = [
      [null, automatic],
      ['minimize', trans.__('Minimize')],
      ['maximize', trans.__('Maximize')]
    ] as const;
    goals.forEach(([value, label], at) =>
      items.push({
        id: `goal:${value}`,
        label,
        radio: trans.__('Goal of %1', name),
        separated: at === 0,
        checked: value === defined,
        run: () => props.onDefine(name, value)
      })
    );
  }
  if (column !== 'name') {
    items.push(
      {
        id: 'pin',
        label: trans.__('Freeze column'),
        separated: true,
        checked: isPinned,
        run: () => table.pinColumn(column, !isPinned)
      },
      {
        id: 'left',
        label: trans.__('Move left'),
        icon: 'left',
        disabled: place <= 1,
        run: () => table.moveColumn(column, place - 1)
      },
      {
        id: 'right',
        label: trans.__('Move right'),
        icon: 'right',
        disabled: place >= shown.length - 1,
        run: () => table.moveColumn(column, place + 1)
      },
      {
        id: 'hide',
        label: trans.__('Hide'),
        icon: 'close',
        run: () => table.showColumn(column, false)
      }
    );
  }
  const widen = (by: number) =>
    table.setWidth(column, props.anchor.getBoundingClientRect().width + by);
  items.push(
    {
      id: 'wider',
      label: trans.__('Wider'),
      separated: true,
      run: () => widen(WIDTH_STEP)
    },
    {
      id: 'narrower',
      label: trans.__('Narrower'),
      run: () => widen(-WIDTH_STEP)
    },
    {
      id: 'usual',
      label: trans.__('Reset width'),
      disabled: layout.widths[column] === undefined,
      run: () => table.setWidth(column, null)
    },
    {
      id: 'columns',
      label: trans.__('Columns…'),
      icon: 'table',
      separated: true,
      run: props.onChoose
    }
  );
  return (
    <Menu
      anchor={props.anchor}
      label={trans.__('Column %1', columnTitle(trans, column))}
      items={items}
      onClose={props.onClose}
    />
  );
}
