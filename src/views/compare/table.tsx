import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { CompareModel, IColumn } from '../../model/compare';
import { bestOf, betterOf } from '../../model/compare';
import { useTrans } from '../shared/context';
import { exactValue, plainValue } from '../shared/format';
import { Icon } from '../shared/icons';
import { StatusIcon } from '../shared/status';
import { Link } from '../shared/button';
import type { FocusModel } from './focus';
import type { IComparisonView, IComparedTask } from './comparisonview';

export interface ICompareTableProps {
  model: CompareModel;
  shown: IComparisonView;
  /** Whether there is a column, not a row, per task. */
  isTransposed: boolean;
  focus: FocusModel;
  onOpenLog: (task: string) => void;
}

interface ISort {
  key: string;
  isFalling: boolean;
}

/** Differing parameters and metrics of all tasks, with the best values marked. */
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
          bestOf(column, shown.turned, shown.targetMetric)
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

  const cellOf = (column: IColumn, { at }: IComparedTask): ICell => ({
    text: textOf(column, column.values[at]),
    isNumber: column.numbers !== null,
    isBest: best.get(column.key)?.has(at) ?? false
  });
  const headOf = ({ row, label, colour }: IComparedTask, isRow: boolean) => ({
    name: row.name,
    status: row.status,
    readable: row.readable,
    text: isRow ? row.name : label,
    colour,
    focus: props.focus,
    onOpenLog: props.onOpenLog
  });
  const columnHead = (column: IColumn, scope: 'row' | 'col') => (
    <ColumnHead
      key={column.key}
      column={column}
      scope={scope}
      sort={sort?.key === column.key ? sort : null}
      better={betterOf(column, shown.turned, shown.targetMetric)}
      onSort={props.isTransposed ? undefined : () => toggle(column.key)}
      onTurn={() => props.model.flipDirection(column.key)}
    />
  );

  return (
    <div className="pyr-compare-table" tabIndex={0}>
      <table aria-label={trans.__('Differences between the tasks')}>
        {props.isTransposed ? (
          <>
            <thead>
              <tr>
                <td />
                {tasks.map(task => (
                  <TaskHead
                    key={task.row.name}
                    scope="col"
                    {...headOf(task, false)}
                  />
                ))}
              </tr>
            </thead>
            {sections(shown, trans.__('Parameters'), trans.__('Metrics')).map(
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
                      <Cells cells={tasks.map(task => cellOf(column, task))} />
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
                  <TaskHead scope="row" {...headOf(task, true)} />
                  <Cells
                    cells={shown.columns.map(column => cellOf(column, task))}
                  />
                </tr>
              ))}
            </tbody>
          </>
        )}
      </table>
    </div>
  );
}

interface ICell {
  text: string;
  isNumber: boolean;
  isBest: boolean;
}

/**
 * The cells of a row. A new comparison has mostly the values of the last one,
 * so rows are compared by their texts.
 */
const Cells = React.memo(
  function Cells({ cells }: { cells: readonly ICell[] }) {
    const trans = useTrans();
    return (
      <>
        {cells.map(({ text, isNumber, isBest }, at) => (
          <td
            key={at}
            className={[
              isNumber ? 'pyr-is-number' : '',
              isBest ? 'pyr-is-best' : ''
            ].join(' ')}
            title={isBest ? trans.__('Best of these tasks') : undefined}
          >
            {text}
            {isBest && (
              <span className="pyr-visually-hidden">{trans.__('(best)')}</span>
            )}
          </td>
        ))}
      </>
    );
  },
  ({ cells: before }, { cells: after }) =>
    before.length === after.length &&
    before.every(
      ({ text, isNumber, isBest }, at) =>
        text === after[at].text &&
        isNumber === after[at].isNumber &&
        isBest === after[at].isBest
    )
);

function textOf({ kind }: IColumn, value: unknown): string {
  if (value === null) {
    return '–';
  }
  return kind === 'parameter' ? exactValue(value) : plainValue(value);
}

const TaskHead = React.memo(function TaskHead(props: {
  scope: 'row' | 'col';
  name: string;
  status: TaskRow['status'];
  readable: boolean;
  text: string;
  colour: string;
  focus: FocusModel;
  onOpenLog: (task: string) => void;
}) {
  const { name, status, focus } = props;
  const trans = useTrans();
  return (
    <th
      scope={props.scope}
      className="pyr-compare-task"
      onPointerEnter={() => focus.set(name)}
      onPointerLeave={() => focus.set(null)}
    >
      <span className="pyr-compare-task-name">
        <span className="pyr-swatch" style={{ background: props.colour }} />
        {status !== 'completed' && (
          <StatusIcon status={status} readable={props.readable} />
        )}
        <Link
          title={`${name}\n${trans.__('Open log')}`}
          onClick={() => props.onOpenLog(name)}
        >
          {props.text}
        </Link>
      </span>
    </th>
  );
});

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
          <Link title={column.key} onClick={onSort}>
            {column.key}
          </Link>
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
                ? trans.__('Lower %1 is better. Click to flip.', column.key)
                : trans.__('Higher %1 is better. Click to flip.', column.key)
            }
            title={
              isLess
                ? trans.__('Lower is better. Click to flip.')
                : trans.__('Higher is better. Click to flip.')
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
  shown: IComparisonView,
  parameters: string,
  figures: string
): { name: string; columns: readonly IColumn[] }[] {
  return [
    { name: parameters, columns: shown.parameters },
    { name: figures, columns: shown.figures }
  ].filter(({ columns }) => columns.length > 0);
}

function sorted(
  shown: IComparisonView,
  sort: ISort | null
): readonly IComparedTask[] {
  const column = shown.columns.find(each => each.key === sort?.key);
  if (!sort || !column) {
    return shown.tasks;
  }
  const sign = sort.isFalling ? -1 : 1;
  const isMissing = ({ at }: IComparedTask) =>
    column.numbers
      ? Number.isNaN(column.numbers[at])
      : column.values[at] === null;
  const compare = (a: IComparedTask, b: IComparedTask): number => {
    if (isMissing(a) || isMissing(b)) {
      // Missing values are last in either direction.
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
