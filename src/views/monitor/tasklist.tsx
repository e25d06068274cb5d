import * as React from 'react';

import type { TaskRow } from '../../client/types';
import { isActive } from '../../model/active';
import type { MonitorModel } from '../../model/monitor';
import { useTrans } from '../shared/context';
import { useKnownTime, useStore } from '../shared/store';
import { IconButton } from '../shared/button';
import { RunTime, TaskLines, taskTitle } from '../shared/tasklines';

/** How many tasks the list names; the table of tasks has the others. */
const MAX_RECENT = 200;

export interface ITaskListProps {
  monitor: MonitorModel;
  current: string | null;
  /** Whether there is room for another pane. */
  canAdd: boolean;
  onOpen: (task: TaskRow) => void;
  onOpenBeside: (task: TaskRow) => void;
  onContextMenu?: (event: React.MouseEvent<HTMLElement>, task: TaskRow) => void;
}

/** When something last happened to a task. */
function touched(row: TaskRow): number {
  return row.finished_at ?? row.started_at ?? row.created_at ?? 0;
}

/** The running and queued tasks, then the others, the latest first. */
export function TaskList(props: ITaskListProps): JSX.Element {
  const { monitor, onOpen, onOpenBeside } = props;
  const trans = useTrans();
  const state = useStore(monitor.list);
  const { active } = useStore(monitor.activity);
  const shown = monitor.tasks;
  const recent = React.useMemo(() => {
    const listed = new Set(active.map(row => row.name));
    const others = state.rows.filter(
      row => row && !listed.has(row.name) && !isActive(row.status)
    ) as TaskRow[];
    return others.sort((a, b) => touched(b) - touched(a)).slice(0, MAX_RECENT);
  }, [state.rows, active]);
  const now = useKnownTime(
    state,
    active.some(row => row.status === 'running')
  );
  return (
    <nav className="pyr-tasks" aria-label={trans.__('Tasks')}>
      <TaskLines
        lists={[
          { title: trans.__('Active'), tasks: active },
          { title: trans.__('Recent'), tasks: recent }
        ]}
        current={props.current}
        onOpen={(row, event) =>
          event.ctrlKey || event.metaKey ? onOpenBeside(row) : onOpen(row)
        }
        onContextMenu={props.onContextMenu}
        line={row => ({
          time: <RunTime task={row} now={now} />,
          title: taskTitle(trans, row),
          className: shown.includes(row.name) ? 'pyr-is-shown' : '',
          action: props.canAdd && !shown.includes(row.name) && (
            <IconButton
              icon="beside"
              className="pyr-task-beside pyr-on-hover"
              tabIndex={-1}
              title={trans.__('Open next to the other log (Ctrl+click)')}
              label={trans.__('Open %1 next to the other log', row.name)}
              onClick={() => onOpenBeside(row)}
            />
          )
        })}
      />
      {state.phase === 'ready' && state.total === 0 && (
        <p className="pyr-hint">{trans.__('No tasks yet')}</p>
      )}
    </nav>
  );
}
