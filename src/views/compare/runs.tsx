import * as React from 'react';

import type { CompareModel, ICompareState } from '../../model/compare';
import { useTrans } from '../shared/context';
import { Icon } from '../shared/icons';
import { StatusIcon } from '../shared/status';
import { Button } from '../shared/strip';
import type { IShown } from './shown';

export interface IRunListProps {
  model: CompareModel;
  state: ICompareState;
  shown: IShown;
  focus: string | null;
  onFocus: (task: string | null) => void;
  onOpenLog: (task: string) => void;
  onChoose?: () => void;
}

/** The compared tasks: which of them charts show, and in which colour. */
export function RunList(props: IRunListProps): JSX.Element {
  const { model, state, shown, focus } = props;
  const trans = useTrans();
  const { tasks } = shown.comparison;
  const all = tasks.map(row => row.name);
  const isAll = state.hidden.size === 0;
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
          onChange={() => model.setHidden(all, isAll)}
        />
        <span>{trans._n('%1 task', '%1 tasks', tasks.length)}</span>
        {props.onChoose && (
          <Button
            icon="table"
            iconOnly
            label={trans.__('Choose others in the table of tasks')}
            onClick={props.onChoose}
          />
        )}
      </div>
      <ul>
        {tasks.map((row, at) => {
          const isHidden = state.hidden.has(row.name);
          const label = shown.labelOf(at);
          return (
            <li
              key={row.name}
              className={`pyr-compare-run${focus === row.name ? ' pyr-is-current' : ''}`}
              onPointerEnter={() => props.onFocus(row.name)}
              onPointerLeave={() => props.onFocus(null)}
            >
              <input
                type="checkbox"
                aria-label={trans.__('Show %1 in charts', row.name)}
                checked={!isHidden}
                onFocus={() => props.onFocus(row.name)}
                onBlur={() => props.onFocus(null)}
                onChange={() => model.setHidden([row.name], !isHidden)}
              />
              <span
                className="pyr-swatch"
                style={{
                  background: isHidden ? 'transparent' : shown.colourOf(at)
                }}
              />
              <button
                type="button"
                className="pyr-compare-run-name"
                title={`${row.name}\n${trans.__('Open its log')}`}
                onClick={() => props.onOpenLog(row.name)}
              >
                {label}
              </button>
              {row.status !== 'completed' && (
                <StatusIcon status={row.status} readable={row.readable} />
              )}
              <button
                type="button"
                className="pyr-button pyr-button-icon pyr-compare-run-remove"
                aria-label={trans.__('Compare without %1', row.name)}
                title={trans.__('Compare without it')}
                onClick={() => model.remove(row.name)}
              >
                <Icon name="close" />
              </button>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
