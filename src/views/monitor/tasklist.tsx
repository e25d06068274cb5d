import * as React from 'react';

import type { TaskRow } from '../../client/types';
import type { IWorkspaceState } from '../../model/workspacestate';
import { useTrans } from '../shared/context';
import { duration, elapsed, exactValue } from '../shared/format';
import { Icon } from '../shared/icons';
import { isActive, StatusIcon } from '../shared/status';
import { useKnownTime } from '../shared/store';

/** How many tasks the list names; the Manager has the others. */
const LONGEST = 200;

export interface ITaskListProps {
  state: IWorkspaceState;
  current: string | null;
  /** All whose logs are shown. */
  shown: readonly string[];
  /** Whether one more fits beside these. */
  canAdd: boolean;
  onOpen: (task: TaskRow) => void;
  onOpenBeside: (task: TaskRow) => void;
  onContextMenu?: (event: React.MouseEvent<HTMLElement>, task: TaskRow) => void;
}

/** When something last happened to a task. */
function touched(row: TaskRow): number {
  return row.finished_at ?? row.started_at ?? row.created_at ?? 0;
}

/** The tasks that run or wait, then the others, the latest first. */
export function TaskList(props: ITaskListProps): JSX.Element {
  const { state } = props;
  const trans = useTrans();
  const list = React.useRef<HTMLDivElement>(null);
  const { active } = state;
  const recent = React.useMemo(() => {
    const listed = new Set(active.map(row => row.name));
    const others = state.rows.filter(
      row => row && !listed.has(row.name) && !isActive(row.status)
    ) as TaskRow[];
    return others.sort((a, b) => touched(b) - touched(a)).slice(0, LONGEST);
  }, [state.rows, active]);
  const now = useKnownTime(
    state,
    active.some(row => row.status === 'running')
  );

  // One of them takes part in the order of Tab; arrow keys lead to the others.
  const [focused, setFocused] = React.useState<string | null>(null);
  const names = [...active, ...recent].map(row => row.name);
  const stop = [focused, props.current].find(
    name => name !== null && names.includes(name)
  );
  const tabStop = stop ?? names[0];

  const onKeyDown = (event: React.KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[
      event.key
    ];
    if (step === undefined || !list.current) {
      return;
    }
    const buttons = [
      ...list.current.querySelectorAll<HTMLButtonElement>('.pyr-task')
    ];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    buttons[Math.max(0, Math.min(buttons.length - 1, at + step))]?.focus();
    event.preventDefault();
  };

  const entry = (row: TaskRow) => {
    const isCurrent = row.name === props.current;
    const swept = Object.entries(row.swept)
      .map(([key, value]) => `${key}=${exactValue(value)}`)
      .join(', ');
    return (
      <li key={row.name} className="pyr-task-entry">
        <button
          type="button"
          className={[
            'pyr-task',
            isCurrent ? 'pyr-is-current' : '',
            !isCurrent && props.shown.includes(row.name) ? 'pyr-is-shown' : ''
          ].join(' ')}
          aria-current={isCurrent}
          data-task={row.name}
          tabIndex={row.name === tabStop ? 0 : -1}
          onFocus={() => setFocused(row.name)}
          title={[row.name, swept, row.readable ? '' : row.message]
            .filter(Boolean)
            .join('\n')}
          onClick={event =>
            event.ctrlKey || event.metaKey
              ? props.onOpenBeside(row)
              : props.onOpen(row)
          }
          onKeyDown={event => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              props.onOpenBeside(row);
            }
          }}
          onContextMenu={event => props.onContextMenu?.(event, row)}
        >
          <StatusIcon
            status={row.status}
            readable={row.readable}
            silent={row.silent_since}
          />
          <span className="pyr-task-name">{row.name}</span>
          <span className="pyr-task-time">
            {duration(trans, elapsed(row, now))}
          </span>
        </button>
        {props.canAdd && !props.shown.includes(row.name) && (
          <button
            type="button"
            className="pyr-button pyr-button-icon pyr-task-beside"
            tabIndex={-1}
            title={trans.__('Open beside the other log (Ctrl+click)')}
            aria-label={trans.__('Open %1 beside the other log', row.name)}
            onClick={() => props.onOpenBeside(row)}
          >
            <Icon name="beside" />
          </button>
        )}
      </li>
    );
  };

  const group = (title: string, rows: readonly TaskRow[]) =>
    rows.length > 0 && (
      <>
        <div className="pyr-tasks-title" aria-hidden="true">
          {title}
        </div>
        <ul aria-label={title}>{rows.map(entry)}</ul>
      </>
    );

  return (
    <nav className="pyr-tasks" aria-label={trans.__('Tasks')}>
      <div ref={list} onKeyDown={onKeyDown}>
        {group(trans.__('Active'), active)}
        {group(trans.__('Recent'), recent)}
      </div>
      {state.phase === 'ready' && state.total === 0 && (
        <p className="pyr-hint">{trans.__('No tasks yet')}</p>
      )}
    </nav>
  );
}
