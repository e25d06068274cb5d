import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { CompareModel } from '../../model/compare';
import { useTrans } from '../shared/context';
import { countOfTasks } from '../shared/format';
import { Resizer } from '../shared/resizer';
import { StatusIcon } from '../shared/status';
import { useRowsInPage } from '../shared/virtualrows';
import { IconButton } from '../shared/button';
import type { FocusModel } from './focus';
import { useIsFocused, useLeaving } from './focus';
import type { IComparisonView } from './comparisonview';

/** Height of a line in pixels, as in style/compare.css. */
const LINE_HEIGHT = 24;

export interface IComparedTasksProps {
  model: CompareModel;
  shown: IComparisonView;
  hidden: ReadonlySet<string>;
  focus: FocusModel;
  /** In pixels; null for the usual width. */
  width: number | null;
  onWidth: (width: number | null) => void;
  onOpenLog: (task: string) => void;
  onChoose?: () => void;
}

/** The compared tasks: which of them charts show, and in which colour. */
export const ComparedTasks = React.memo(function ComparedTasks(
  props: IComparedTasksProps
) {
  const { model, shown, hidden } = props;
  const trans = useTrans();
  const isAll = hidden.size === 0;
  const list = React.useRef<HTMLElement>(null);
  const scroller = React.useRef<HTMLUListElement>(null);
  const { listed, all } = shown;
  const { isLong, first, end } = useRowsInPage(
    scroller,
    all.length,
    LINE_HEIGHT
  );
  const widest = React.useMemo(
    () => (isLong && listed.length > 0 ? widestValues(all) : null),
    [isLong, listed, all]
  );
  const odd = all.find(({ row }) => row.status !== 'completed')?.row;
  return (
    <nav
      ref={list}
      className="pyr-column pyr-compared-tasks"
      aria-label={trans.__('Compared tasks')}
      style={
        props.width === null
          ? undefined
          : { width: props.width, maxWidth: '60%' }
      }
    >
      <div className="pyr-line pyr-compared-tasks-head">
        <input
          type="checkbox"
          aria-label={trans.__('Show all tasks in charts')}
          checked={isAll}
          ref={input => {
            if (input) {
              input.indeterminate = !isAll && shown.tasks.length > 0;
            }
          }}
          onChange={() =>
            model.setHidden(
              shown.all.map(({ row }) => row.name),
              isAll
            )
          }
        />
        <span>{countOfTasks(trans, shown.all.length)}</span>
        {props.onChoose && (
          <IconButton
            icon="table"
            label={trans.__('Select other tasks on the Tasks page')}
            onClick={props.onChoose}
          />
        )}
      </div>
      <ul ref={scroller} tabIndex={-1} style={gridOf(listed.length)}>
        {widest && (
          // Holds the columns open for lines that are not in sight.
          <li
            className="pyr-compared-task pyr-compared-task-widths"
            aria-hidden="true"
          >
            <span className="pyr-compared-task-name">
              {widest.map((value, at) => (
                <span key={at} className="pyr-cut">
                  {value}
                </span>
              ))}
            </span>
            {odd && <StatusIcon task={odd} />}
          </li>
        )}
        {listed.length > 0 && (
          <li
            className="pyr-compared-task pyr-compared-task-keys pyr-note"
            aria-hidden="true"
            style={widest ? { gridRow: 1 } : undefined}
          >
            <span />
            <span />
            {listed.map(({ key, title }) => (
              <span key={key} className="pyr-cut" title={key}>
                {title}
              </span>
            ))}
          </li>
        )}
        <Gap lines={first} />
        {all.slice(first, end).map(({ row, label, values, colour }, at) => (
          <ComparedTask
            key={row.name}
            position={isLong ? first + at + 1 : undefined}
            count={isLong ? all.length : undefined}
            model={model}
            focus={props.focus}
            name={row.name}
            status={row.status}
            readable={row.readable}
            label={label}
            values={values.join('\n')}
            colour={colour}
            isHidden={hidden.has(row.name)}
            onOpenLog={props.onOpenLog}
          />
        ))}
        <Gap lines={all.length - end} />
      </ul>
      <Resizer
        target={list}
        title={trans.__('Drag to resize; double-click to reset the width')}
        onWidth={props.onWidth}
      />
    </nav>
  );
});

/** Takes the place of lines that are not in sight. */
function Gap({ lines }: { lines: number }): JSX.Element | null {
  return lines > 0 ? (
    <li
      className="pyr-compared-tasks-gap"
      aria-hidden="true"
      style={{ gridRow: `span ${lines}` }}
    />
  ) : null;
}

/** The longest value of each column. */
function widestValues(all: IComparisonView['all']): string[] {
  const widest: string[] = [];
  for (const { values } of all) {
    values.forEach((value, at) => {
      if (value.length > (widest[at]?.length ?? -1)) {
        widest[at] = value;
      }
    });
  }
  return widest;
}

/** Check boxes, colours, columns that cut no value, states, buttons. */
function gridOf(values: number): React.CSSProperties {
  const columns =
    values === 0
      ? 'minmax(0, 1fr)' // the names, which may be cut
      : `repeat(${values}, minmax(max-content, 1fr))`;
  return { gridTemplateColumns: `auto auto ${columns} auto auto` };
}

const ComparedTask = React.memo(function ComparedTask(props: {
  model: CompareModel;
  focus: FocusModel;
  /** Its place in a list of which only a part is in the page, and the length of that. */
  position: number | undefined;
  count: number | undefined;
  name: string;
  status: TaskRow['status'];
  readable: boolean;
  label: string;
  /** The values, a line each; the label is shown if there are none. */
  values: string;
  colour: string;
  isHidden: boolean;
  onOpenLog: (task: string) => void;
}) {
  const { model, focus, name, status, isHidden } = props;
  const trans = useTrans();
  const isCurrent = useIsFocused(focus, name);
  const line = React.useRef<HTMLLIElement>(null);
  useLeaving(line, 'ul', focus, name);
  return (
    <li
      ref={line}
      className={`pyr-compared-task${isCurrent ? ' pyr-is-current' : ''}`}
      aria-posinset={props.position}
      aria-setsize={props.count}
      onPointerEnter={() => focus.set(name)}
      onPointerLeave={() => focus.set(null)}
    >
      <input
        type="checkbox"
        aria-label={trans.__('Show %1 in charts', name)}
        checked={!isHidden}
        onFocus={() => focus.set(name)}
        onBlur={() => focus.set(null)}
        onChange={() => model.setHidden([name], !isHidden)}
      />
      <span
        className="pyr-swatch"
        style={{ background: isHidden ? 'transparent' : props.colour }}
      />
      <button
        type="button"
        className="pyr-compared-task-name"
        aria-label={props.label}
        title={[...new Set([name, props.label])]
          .concat(trans.__('Open log'))
          .join('\n')}
        onClick={() => props.onOpenLog(name)}
      >
        {(props.values || props.label).split('\n').map((value, at) => (
          <span key={at} className="pyr-cut">
            {value}
          </span>
        ))}
      </button>
      {status !== 'completed' && (
        <StatusIcon task={{ status, readable: props.readable }} />
      )}
      <IconButton
        icon="close"
        className="pyr-compared-task-remove pyr-on-hover"
        label={trans.__('Remove %1 from the comparison', name)}
        title={trans.__('Remove from the comparison')}
        onClick={() => model.remove(name)}
      />
    </li>
  );
});
