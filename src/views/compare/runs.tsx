import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { CompareModel } from '../../model/compare';
import { useTrans } from '../shared/context';
import { StatusIcon } from '../shared/status';
import { IconButton } from '../shared/button';
import type { FocusModel } from './focus';
import { useIsFocused } from './focus';
import type { IShown } from './shown';

export interface IRunListProps {
  model: CompareModel;
  shown: IShown;
  hidden: ReadonlySet<string>;
  focus: FocusModel;
  onOpenLog: (task: string) => void;
  onChoose?: () => void;
}

/** The compared tasks: which of them charts show, and in which colour. */
export const RunList = React.memo(function RunList(props: IRunListProps) {
  const { model, shown, hidden } = props;
  const trans = useTrans();
  const isAll = hidden.size === 0;
  return (
    <nav className="pyr-compare-runs" aria-label={trans.__('Compared tasks')}>
      <div className="pyr-compare-runs-head">
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
        <span>{trans._n('%1 task', '%1 tasks', shown.all.length)}</span>
        {props.onChoose && (
          <IconButton
            icon="table"
            label={trans.__('Choose others in the table of tasks')}
            onClick={props.onChoose}
          />
        )}
      </div>
      <ul>
        {shown.all.map(({ row, label, colour }) => (
          <RunLine
            key={row.name}
            model={model}
            focus={props.focus}
            name={row.name}
            status={row.status}
            readable={row.readable}
            label={label}
            colour={colour}
            isHidden={hidden.has(row.name)}
            onOpenLog={props.onOpenLog}
          />
        ))}
      </ul>
    </nav>
  );
});

const RunLine = React.memo(function RunLine(props: {
  model: CompareModel;
  focus: FocusModel;
  name: string;
  status: TaskRow['status'];
  readable: boolean;
  label: string;
  colour: string;
  isHidden: boolean;
  onOpenLog: (task: string) => void;
}) {
  const { model, focus, name, status, isHidden } = props;
  const trans = useTrans();
  const isCurrent = useIsFocused(focus, name);
  return (
    <li
      className={`pyr-compare-run${isCurrent ? ' pyr-is-current' : ''}`}
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
        className="pyr-compare-run-name"
        title={`${name}\n${trans.__('Open its log')}`}
        onClick={() => props.onOpenLog(name)}
      >
        {props.label}
      </button>
      {status !== 'completed' && (
        <StatusIcon status={status} readable={props.readable} />
      )}
      <IconButton
        icon="close"
        className="pyr-compare-run-remove"
        label={trans.__('Compare without %1', name)}
        title={trans.__('Compare without it')}
        onClick={() => model.remove(name)}
      />
    </li>
  );
});
