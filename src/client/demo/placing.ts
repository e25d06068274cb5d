/** The order in which somebody has put tasks by hand. */
import { invalid } from './refusals';
import type { ITask } from './task';
import type { Workspace } from './workspace';

/** What a task is ordered by: its number, else when it was created. */
export function placeOf(task: ITask): number {
  return task.order ?? task.createdAt;
}

/** Put tasks, in the order they are named, before or after another one. */
export function placeBeside(
  workspace: Workspace,
  names: readonly string[],
  before: string | null | undefined,
  after: string | null | undefined
): void {
  const anchor = before ?? after;
  if (!anchor || (before && after)) {
    throw invalid("Specify either 'before' or 'after', not both.", {
      field: 'before'
    });
  }
  if (names.includes(anchor)) {
    throw invalid(`'${anchor}' cannot be moved before or after itself.`, {
      field: 'names'
    });
  }
  const moved = names.map(name => workspace.task(name));
  const beside = workspace.task(anchor);
  const rest = [...workspace.tasks.values()]
    .filter(task => !moved.includes(task))
    .sort(
      (a, b) =>
        placeOf(a) - placeOf(b) ||
        a.name.localeCompare(b.name, undefined, { numeric: true })
    );
  const at = rest.indexOf(beside) + (before ? 0 : 1);
  const tasks = [...rest.slice(0, at), ...moved, ...rest.slice(at)];
  const low = rest[at - 1] && placeOf(rest[at - 1]);
  const high = rest[at] && placeOf(rest[at]);
  if (low !== undefined && high !== undefined && low >= high) {
    // Tasks of one sweep were made at once: all get numbers of their own.
    tasks.forEach((task, index) => put(workspace, task, index));
    return;
  }
  const count = moved.length;
  moved.forEach((task, index) => {
    const place =
      low === undefined
        ? (high ?? 0) - (count - index)
        : high === undefined
          ? low + index + 1
          : low + ((high - low) * (index + 1)) / (count + 1);
    put(workspace, task, place);
  });
}

function put(workspace: Workspace, task: ITask, order: number): void {
  if (task.order !== order) {
    task.order = order;
    workspace.touch(task);
  }
}
