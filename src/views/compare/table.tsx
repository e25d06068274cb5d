import * as React from 'react';

import type { CompareModel, IColumn } from '../../model/compare';
import { bestOf, betterOf } from '../../model/compare';
import { useTrans } from '../shared/context';
import { exactValue, figure, plainValue } from '../shared/format';
import { Icon } from '../shared/icons';
import { StatusIcon } from '../shared/status';
import type { IShown, IShownTask } from './shown';

export interface ICompareTableProps {
  model: CompareModel;
  shown: IShown;
  /** Tasks stand beside each other. */
  isTurned: boolean;
  onFocus: (task: string | null) => void;
  onOpenLog: (task: string) => void;
}

interface ISort {
  key: string;
  isFalling: boolean;
}

/** Differing parameters and figures of all tasks, the best values marked. */
export const CompareTable = React.memo(Table);

function Table(props: ICompareTableProps): JSX.Element {
  const { shown } = props;
  const trans = useTrans();
  const [sort, setSort] = React.useState<ISort | null>(null);
  const best = React.useMemo(
    () =>
      new Map(
        shown.columns.map(column => [
          column.key,
          bestOf(column, shown.turned, shown.judge)
        ])
      ),
    [shown]
  );
  const tasks = React.useMemo(() => sorted(shown, sort), [shown, sort]);
  const toggle = (key: string) =>
    setSort(old =>
      old?.key !== key
        ? { key, isFalling: false }
        : old.isFalling
          ? null
          : { key, isFalling: true }
    );

  const cell = (column: IColumn, task: IShownTask) => {
    const value = column.values[task.at];
    const isBest = best.get(column.key)?.has(task.at) ?? false;
    return (
      <td
        key={`${column.key}\n${task.row.name}`}
        className={[
          column.numbers ? 'pyr-is-number' : '',
          isBest ? 'pyr-is-best' : ''
        ].join(' ')}
        title={isBest ? trans.__('The best of these tasks') : undefined}
      >
        {column.kind === 'figure' && typeof value === 'number'
          ? figure(value)
          : value === null
            ? '–'
            : column.kind === 'figure'
              ? plainValue(value)
              : exactValue(value)}
        {isBest && (
          <span className="pyr-visually-hidden">{trans.__('(best)')}</span>
        )}
      </td>
    );
  };
  const taskHead = (task: IShownTask, scope: 'row' | 'col') => (
    <th
      key={task.row.name}
      scope={scope}
      className="pyr-compare-task"
      onPointerEnter={() => props.onFocus(task.row.name)}
      onPointerLeave={() => props.onFocus(null)}
    >
      <span className="pyr-compare-task-name">
        <span className="pyr-swatch" style={{ background: task.colour }} />
        {task.row.status !== 'completed' && (
          <StatusIcon status={task.row.status} readable={task.row.readable} />
        )}
        <button
          type="button"
          className="pyr-link"
          title={`${task.row.name}\n${trans.__('Open its log')}`}
          onClick={() => props.onOpenLog(task.row.name)}
        >
          {scope === 'row' ? task.row.name : task.label}
        </button>
      </span>
    </th>
  );
  const columnHead = (column: IColumn, scope: 'row' | 'col') => (
    <ColumnHead
      key={column.key}
      column={column}
      scope={scope}
      sort={sort?.key === column.key ? sort : null}
      better={betterOf(column, shown.turned, shown.judge)}
      onSort={props.isTurned ? undefined : () => toggle(column.key)}
      onTurn={() => props.model.turn(column.key)}
    />
  );

  return (
    <div className="pyr-compare-table" tabIndex={0}>
      <table aria-label={trans.__('Differences between the tasks')}>
        {props.isTurned ? (
          <>
            <thead>
              <tr>
                <td />
                {tasks.map(task => taskHead(task, 'col'))}
              </tr>
            </thead>
            {sections(shown, trans.__('Parameters'), trans.__('Figures')).map(
              ({ name, columns }) => (
                <tbody key={name}>
                  <tr className="pyr-compare-section">
                    <th scope="rowgroup" colSpan={tasks.length + 1}>
                      {name}
                    </th>
                  </tr>
                  {columns.map(column => (
                    <tr key={column.key}>
                      {columnHead(column, 'row')}
                      {tasks.map(task => cell(column, task))}
                    </tr>
                  ))}
                </tbody>
              )
            )}
          </>
        ) : (
          <>
            <thead>
              <tr>
                <th scope="col">{trans.__('Task')}</th>
                {shown.columns.map(column => columnHead(column, 'col'))}
              </tr>
            </thead>
            <tbody>
              {tasks.map(task => (
                <tr key={task.row.name}>
                  {taskHead(task, 'row')}
                  {shown.columns.map(column => cell(column, task))}
                </tr>
              ))}
            </tbody>
          </>
        )}
      </table>
    </div>
  );
}

function ColumnHead(props: {
  column: IColumn;
  scope: 'row' | 'col';
  sort: ISort | null;
  better: 'less' | 'more' | null;
  onSort?: () => void;
  onTurn: () => void;
}): JSX.Element {
  const { column, sort, better, onSort } = props;
  const trans = useTrans();
  const isLess = better === 'less';
  return (
    <th
      scope={props.scope}
      className={`pyr-compare-column pyr-is-${column.kind}${column.numbers && props.scope === 'col' ? ' pyr-is-number' : ''}`}
      aria-sort={
        sort ? (sort.isFalling ? 'descending' : 'ascending') : undefined
      }
    >
      <span className="pyr-compare-column-name">
        {onSort ? (
          <button
            type="button"
            className="pyr-link"
            title={column.key}
            onClick={onSort}
          >
            {column.key}
          </button>
        ) : (
          <span title={column.key}>{column.key}</span>
        )}
        {sort && <Icon name={sort.isFalling ? 'down' : 'up'} />}
        {better && (
          <button
            type="button"
            className="pyr-compare-turn"
            aria-label={
              isLess
                ? trans.__('Less of %1 is better: turn round', column.key)
                : trans.__('More of %1 is better: turn round', column.key)
            }
            title={
              isLess
                ? trans.__('Less is better. Click to turn it round.')
                : trans.__('More is better. Click to turn it round.')
            }
            onClick={props.onTurn}
          >
            {isLess ? '↓' : '↑'}
          </button>
        )}
      </span>
    </th>
  );
}

function sections(
  shown: IShown,
  parameters: string,
  figures: string
): { name: string; columns: readonly IColumn[] }[] {
  return [
    { name: parameters, columns: shown.parameters },
    { name: figures, columns: shown.figures }
  ].filter(({ columns }) => columns.length > 0);
}

function sorted(shown: IShown, sort: ISort | null): readonly IShownTask[] {
  const column = shown.columns.find(each => each.key === sort?.key);
  if (!sort || !column) {
    return shown.tasks;
  }
  const sign = sort.isFalling ? -1 : 1;
  const isMissing = ({ at }: IShownTask) =>
    column.numbers
      ? Number.isNaN(column.numbers[at])
      : column.values[at] === null;
  const compare = (a: IShownTask, b: IShownTask): number => {
    if (isMissing(a) || isMissing(b)) {
      // What has none is last in either direction.
      return Number(isMissing(a)) - Number(isMissing(b));
    }
    const order = column.numbers
      ? column.numbers[a.at] - column.numbers[b.at]
      : exactValue(column.values[a.at]).localeCompare(
          exactValue(column.values[b.at]),
          undefined,
          { numeric: true }
        );
    return sign * order;
  };
  return [...shown.tasks].sort(compare);
}
