import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { CompareModel, IColumn } from '../../model/compare';
import { bestOf, betterOf } from '../../model/compare';
import { useTrans } from '../shared/context';
import { exactValue, plainValue } from '../shared/format';
import { SortButton, sortedAs } from '../shared/sorting';
import { StatusIcon } from '../shared/status';
import { Link } from '../shared/button';
import { splitName, TaskName } from '../shared/tasklines';
import { useRowsInPage } from '../shared/virtualrows';
import type { FocusModel } from './focus';
import { useLeaving } from './focus';
import type { IComparisonView, IComparedTask } from './comparisonview';

export interface ICompareTableProps {
  model: CompareModel;
  shown: IComparisonView;
  /** Whether there is a column, not a row, per task. */
  isTransposed: boolean;
  focus: FocusModel;
  onOpenLog: (task: string) => void;
}

/** Height of a row in pixels, as in style/compare.css. */
const ROW_HEIGHT = 28;

/** How the table is sorted; by an empty key not at all. */
type Sort = React.ComponentProps<typeof SortButton>['sorted'];

/** Differing parameters and metrics of all tasks, with the best values marked. */
export const CompareTable = React.memo(Table);

function Table(props: ICompareTableProps): JSX.Element {
  const { shown } = props;
  const trans = useTrans();
  const [sort, setSort] = React.useState<Sort>({ sort: '', order: 'asc' });
  const best = React.useMemo(
    () =>
      new Map(
        shown.columns.map(column => [
          column.key,
          bestOf(column, shown.goals, shown.targetMetric)
        ])
      ),
    [shown]
  );
  const tasks = React.useMemo(() => sorted(shown, sort), [shown, sort]);
  const scroller = React.useRef<HTMLDivElement>(null);
  const { isLong, first, end } = useRowsInPage(
    scroller,
    tasks.length,
    ROW_HEIGHT,
    !props.isTransposed
  );
  const widest = React.useMemo(
    () => (isLong ? widestTexts(shown) : null),
    [isLong, shown]
  );
  const toggle = (key: string) =>
    setSort(({ sort: old, order }) =>
      old !== key
        ? { sort: key, order: 'asc' }
        : order === 'asc'
          ? { sort: key, order: 'desc' }
          : { sort: '', order: 'asc' }
    );

  const cellOf = (column: IColumn, { at }: IComparedTask): ICell => ({
    text: textOf(column, column.values[at]),
    // In a column per task, values are aligned like its head.
    isNumber: column.numbers !== null && !props.isTransposed,
    isBest: best.get(column.key)?.has(at) ?? false
  });
  const taskHead = ({ row, colour }: IComparedTask, scope: 'row' | 'col') => (
    <TaskHead
      key={row.name}
      scope={scope}
      name={row.name}
      status={row.status}
      readable={row.readable}
      {...splitName(row)}
      colour={colour}
      focus={props.focus}
      onOpenLog={props.onOpenLog}
    />
  );
  const columnHead = (column: IColumn, scope: 'row' | 'col') => (
    <ColumnHead
      key={column.key}
      column={column}
      scope={scope}
      sorted={sort}
      better={betterOf(column, shown.goals, shown.targetMetric)}
      onSort={props.isTransposed ? undefined : toggle}
      onTurn={() => props.model.flipGoal(column)}
    />
  );

  return (
    <div
      ref={scroller}
      className={`pyr-data pyr-compare-table${isLong ? ' pyr-is-long' : ''}`}
      tabIndex={0}
    >
      <table
        aria-label={trans.__('Differences between the tasks')}
        aria-rowcount={isLong ? tasks.length + 1 : undefined}
      >
        {props.isTransposed ? (
          <>
            <thead>
              <tr>
                <td />
                {tasks.map(task => taskHead(task, 'col'))}
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
              <tr aria-rowindex={isLong ? 1 : undefined}>
                <th scope="col">{trans.__('Task')}</th>
                {shown.columns.map(column => columnHead(column, 'col'))}
              </tr>
            </thead>
            <tbody>
              <Gap rows={first} />
              {tasks.slice(first, end).map((task, at) => (
                <tr
                  key={task.row.name}
                  aria-rowindex={isLong ? first + at + 2 : undefined}
                >
                  {taskHead(task, 'row')}
                  <Cells
                    cells={shown.columns.map(column => cellOf(column, task))}
                  />
                </tr>
              ))}
              <Gap rows={tasks.length - end} />
              {widest && (
                <tr className="pyr-compare-widths" aria-hidden="true">
                  {widest.map((text, at) => (
                    <td key={at}>{text}</td>
                  ))}
                </tr>
              )}
            </tbody>
          </>
        )}
      </table>
    </div>
  );
}

/** Takes the place of rows that are not in sight. */
function Gap({ rows }: { rows: number }): JSX.Element | null {
  return rows > 0 ? (
    <tr aria-hidden="true" style={{ height: rows * ROW_HEIGHT }} />
  ) : null;
}

/** The longest text of each column, so that its width does not depend on what is in sight. */
function widestTexts({ tasks, columns }: IComparisonView): string[] {
  const longest = (texts: readonly string[]) =>
    texts.reduce((found, text) => (text.length > found.length ? text : found));
  return [
    longest(tasks.map(({ row }) => row.name)),
    ...columns.map(column =>
      longest(tasks.map(({ at }) => textOf(column, column.values[at])))
    )
  ];
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
  /** Swept values at the end of the name. */
  values?: string;
  colour: string;
  focus: FocusModel;
  onOpenLog: (task: string) => void;
}) {
  const { name, status, focus } = props;
  const trans = useTrans();
  const head = React.useRef<HTMLTableCellElement>(null);
  useLeaving(head, '.pyr-compare-table', focus, name);
  return (
    <th
      ref={head}
      scope={props.scope}
      className="pyr-compare-task-head"
      onPointerEnter={() => focus.set(name)}
      onPointerLeave={() => focus.set(null)}
    >
      <span className="pyr-line pyr-compare-task-head-name">
        <span className="pyr-swatch" style={{ background: props.colour }} />
        <Link
          title={`${name}\n${trans.__('Open log')}`}
          onClick={() => props.onOpenLog(name)}
        >
          <TaskName text={props.text} values={props.values} />
        </Link>
        {status !== 'completed' && (
          <StatusIcon task={{ status, readable: props.readable }} />
        )}
      </span>
    </th>
  );
});

function ColumnHead(props: {
  column: IColumn;
  scope: 'row' | 'col';
  sorted: Sort;
  better: 'less' | 'more' | null;
  onSort?: (key: string) => void;
  onTurn: () => void;
}): JSX.Element {
  const { column, sorted: sort, better, onSort } = props;
  const trans = useTrans();
  const isLess = better === 'less';
  return (
    <th
      scope={props.scope}
      className={`pyr-is-${column.kind}${column.numbers && props.scope === 'col' ? ' pyr-is-number' : ''}`}
      aria-sort={onSort && sortedAs(column.key, sort)}
    >
      <span className="pyr-compare-column-name">
        {onSort ? (
          <SortButton
            title={column.key}
            sort={column.key}
            sorted={sort}
            onSort={onSort}
          />
        ) : (
          <span title={column.key}>{column.key}</span>
        )}
        {better && (
          <button
            type="button"
            className="pyr-compare-flip"
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
  { sort, order }: Sort
): readonly IComparedTask[] {
  const column = shown.columns.find(each => each.key === sort);
  if (!column) {
    return shown.tasks;
  }
  const sign = order === 'desc' ? -1 : 1;
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
