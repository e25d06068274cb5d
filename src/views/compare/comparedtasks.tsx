import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { CompareModel } from '../../model/compare';
import { useTrans } from '../shared/context';
import { countOfTasks } from '../shared/format';
import { Resizer } from '../shared/resizer';
import { StatusIcon } from '../shared/status';
import { IconButton } from '../shared/button';
import type { FocusModel } from './focus';
import { useIsFocused } from './focus';
import type { IComparisonView } from './comparisonview';

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
  const { listed } = shown;
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
      <ul style={gridOf(listed.length)}>
        {listed.length > 0 && (
          <li
            className="pyr-compared-task pyr-compared-task-keys pyr-note"
            aria-hidden="true"
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
        {shown.all.map(({ row, label, values, colour }) => (
          <ComparedTask
            key={row.name}
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
      </ul>
      <Resizer
        target={list}
        title={trans.__('Drag to resize; double-click to reset the width')}
        onWidth={props.onWidth}
      />
    </nav>
  );
});

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
  return (
    <li
      className={`pyr-compared-task${isCurrent ? ' pyr-is-current' : ''}`}
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
