import * as React from 'react';

import type { GpuProcess } from '../../client/types';
import type { ITrans } from '../shared/context';
import { useTrans } from '../shared/context';
import { bytes, duration } from '../shared/format';
import { Link } from '../shared/button';

/** Processes of a GPU that are shown at once. */
const MAX_PROCESSES = 6;

export interface IProcessHandlers {
  /** Open the log of a task; not offered without it. */
  onOpenLog?: (task: string) => void;
  /** Open a notebook by its path; not offered without it. */
  onOpenNotebook?: (path: string) => void;
}

/** Who holds memory of a GPU, the largest share first. */
export function Processes(
  props: IProcessHandlers & {
    processes: readonly GpuProcess[];
    /** Tasks that can be shown. */
    known: ReadonlySet<string>;
  }
): JSX.Element {
  const trans = useTrans();
  const [all, setAll] = React.useState(false);
  const sorted = [...props.processes].sort(
    (a, b) => (b.memory ?? 0) - (a.memory ?? 0) || a.pid - b.pid
  );
  const shown = all ? sorted : sorted.slice(0, MAX_PROCESSES);
  if (sorted.length === 0) {
    return <p className="pyr-note pyr-gpu-free">{trans.__('Idle')}</p>;
  }
  return (
    <ul className="pyr-processes">
      {shown.map(process => (
        <li key={process.pid} title={titleOf(trans, process)}>
          <span className="pyr-process-command pyr-cut">
            <What process={process} {...props} />
          </span>
          <span className="pyr-faint">{process.user ?? '–'}</span>
          <span className="pyr-process-memory">
            {bytes(process.memory) || '–'}
          </span>
        </li>
      ))}
      {sorted.length > MAX_PROCESSES && (
        <li>
          <Link aria-expanded={all} onClick={() => setAll(!all)}>
            {all
              ? trans.__('Show less')
              : trans.__('Show %1 more', sorted.length - MAX_PROCESSES)}
          </Link>
        </li>
      )}
    </ul>
  );
}

/** The task, the notebook or the command that a process belongs to. */
function What(
  props: IProcessHandlers & {
    process: GpuProcess;
    known: ReadonlySet<string>;
  }
): JSX.Element {
  const trans = useTrans();
  const { process, known, onOpenLog, onOpenNotebook } = props;
  const { task, notebook } = process;
  if (task) {
    return onOpenLog && known.has(task) ? (
      <Link
        title={trans.__('Open the log of %1', task)}
        onClick={() => onOpenLog(task)}
      >
        {task}
      </Link>
    ) : (
      <span>{task}</span>
    );
  }
  if (notebook) {
    return (
      <>
        {onOpenNotebook ? (
          <Link
            title={trans.__('Open %1', notebook)}
            onClick={() => onOpenNotebook(notebook)}
          >
            {baseName(notebook)}
          </Link>
        ) : (
          <span>{baseName(notebook)}</span>
        )}
        {process.idle !== null && (
          <span className="pyr-process-idle">
            {trans.__('idle for %1', duration(trans, Math.floor(process.idle)))}
          </span>
        )}
      </>
    );
  }
  return <span>{commandOf(trans, process)}</span>;
}

function titleOf(trans: ITrans, process: GpuProcess): string {
  return [trans.__('Process %1', process.pid), process.command ?? '']
    .filter(Boolean)
    .join(': ');
}

/** The command without the folder of its program. */
export function commandOf(
  trans: ITrans,
  process: Pick<GpuProcess, 'command' | 'pid'>
): string {
  return (
    process.command?.replace(/^\S*\//, '') ||
    trans.__('Process %1', process.pid)
  );
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
