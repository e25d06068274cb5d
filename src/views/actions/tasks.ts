import type { Action, ExportQuery, TaskRow } from '../../client/types';
import { isActive } from '../../model/active';
import type { TaskListModel } from '../../model/tasklist';
import type { ActionOptions } from '../../model/taskliststate';
import type { IAction, IResult, ISituation, ITaskContext } from './action';
import { refusedByName } from './action';
import { selectedIn } from './trash';

/** Changes any tasks. */
const CHANGE = { needs: 'write', tasks: 'some', group: 'edit' } as const;

/** Actions on tasks. */
export const TASK_ACTIONS = {
  'open-log': {
    icon: 'log',
    label: trans => trans.__('Open log'),
    caption: trans => trans.__('Open the log of the selected task'),
    tasks: 'some',
    group: 'open',
    keys: trans => trans.__('Enter'),
    opens: 'log'
  },
  'compare-tasks': {
    icon: 'compare',
    label: trans => trans.__('Compare'),
    caption: trans => trans.__('Compare the selected tasks'),
    tasks: 'several',
    group: 'open',
    opens: 'compare'
  },
  'show-details': {
    icon: 'details',
    label: trans => trans.__('Details'),
    caption: trans => trans.__('Show task details in the side panel'),
    tasks: 'one',
    group: 'open',
    keys: () => 'i',
    opens: 'details'
  },
  'run-tasks': {
    icon: 'run',
    label: trans => trans.__('Run'),
    caption: trans => trans.__('Queue the selected tasks'),
    needs: 'execute',
    tasks: 'some',
    args: ['query', 'options'],
    group: 'run',
    isPossible: ({ chosen }) => chosen.canRun,
    run: (context, { query, options }) => {
      const { chosen, jobs } = context;
      const run = { ...(jobs && { jobs }), ...options };
      return act(context, 'run', chosen.toRun, {
        ...(query && { query }),
        ...((jobs || options) && { run })
      });
    }
  },
  'stop-tasks': {
    icon: 'stop',
    label: trans => trans.__('Stop'),
    caption: trans => trans.__('Stop the selected tasks'),
    needs: 'execute',
    tasks: 'some',
    args: ['query'],
    group: 'run',
    isPossible: ({ chosen }) => chosen.canStop,
    run: async (context, { query }) => {
      const { trans, chosen, confirm } = context;
      const { running, toStop } = chosen;
      const isConfirmed =
        running === 0 ||
        (await confirm({
          title: trans._n(
            'Stop %1 running task?',
            'Stop %1 running tasks?',
            running
          ),
          body: trans.__('Unsaved progress is lost. Logs are kept.'),
          accept: trans.__('Stop')
        }));
      return isConfirmed
        ? act(context, 'cancel', toStop, query ? { query } : {})
        : { workspace: context.workspace, tasks: [] };
    }
  },
  'pin-tasks': {
    ...CHANGE,
    icon: 'pin',
    label: trans => trans.__('Pin to the top'),
    caption: trans => trans.__('Pin the selected tasks to the top'),
    isOffered: situation => !isPinned(situation),
    run: change('pin')
  },
  'unpin-tasks': {
    ...CHANGE,
    icon: 'pin',
    label: trans => trans.__('Unpin'),
    caption: trans => trans.__('Unpin the selected tasks'),
    isOffered: isPinned,
    run: change('unpin')
  },
  'tag-tasks': {
    ...CHANGE,
    icon: 'tag',
    label: trans => trans.__('Tags…'),
    caption: trans => trans.__('Add tags to the selected tasks'),
    args: ['tags'],
    opens: 'tags',
    run: (context, args) =>
      args.tags ? change('tag', 'tags')(context, args) : null
  },
  'untag-tasks': {
    icon: 'tag',
    label: trans => trans.__('Remove tags'),
    caption: trans => trans.__('Remove tags from the selected tasks'),
    needs: 'write',
    tasks: 'some',
    args: ['tags'],
    isForPrograms: true,
    run: change('untag', 'tags')
  },
  'duplicate-tasks': {
    ...CHANGE,
    icon: 'copy',
    label: trans => trans.__('Duplicate'),
    caption: trans =>
      trans.__('Duplicate the selected tasks without their runs'),
    run: async context => {
      const result = await act(context, 'duplicate', context.chosen.names);
      if (result.tasks.length > 0) {
        context.model.select(result.tasks, 'replace');
      }
      return result;
    },
    done: (trans, { tasks = [] }) =>
      tasks.length === 1
        ? trans.__('Duplicated as %1.', tasks[0])
        : trans.__('%1 tasks duplicated.', tasks.length)
  },
  'rename-task': {
    ...CHANGE,
    icon: 'edit',
    label: trans => trans.__('Rename…'),
    caption: trans => trans.__('Rename the selected task'),
    tasks: 'one',
    args: ['name'],
    opens: 'rename',
    isPossible: ({ chosen }) => !isActive(chosen.rows[0].status),
    run: (context, { name }) => (name ? rename(context, name) : null)
  },
  'use-task-as-template': {
    ...CHANGE,
    icon: 'add',
    label: (trans, situation) =>
      (situation?.chosen.names.length ?? 0) > 1
        ? trans.__('New sweep from these configurations')
        : trans.__('New tasks from this configuration'),
    caption: trans =>
      trans.__('Start new tasks from the configurations of the selected tasks'),
    tasks: 'some',
    opens: 'template'
  },
  'copy-task-command': {
    icon: 'log',
    label: trans => trans.__('Copy as command'),
    caption: trans =>
      trans.__('Copy the command that runs the selected tasks in a terminal'),
    tasks: 'some',
    group: 'edit',
    run: async ({ model, chosen: { names } }) => {
      const [{ quoted }, { copyText }] = await Promise.all([
        import('../shared/format'),
        import('../shared/copy')
      ]);
      const folder = model.ws.replace(/\/?_pyruns_\/.*$/, '') || '.';
      const command = `cd ${quoted(folder)} && jupyter pyruns run ${names.map(quoted).join(' ')}`;
      await copyText(command);
      return { workspace: model.ws, tasks: names, command };
    }
  },
  'move-tasks-up': moveAction('up'),
  'move-tasks-down': moveAction('down'),
  'reorder-tasks': {
    icon: 'up',
    label: trans => trans.__('Reorder'),
    caption: trans => trans.__('Move tasks before or after another task'),
    needs: 'write',
    tasks: 'some',
    args: ['before', 'after'],
    isForPrograms: true,
    run: change('move', 'before', 'after')
  },
  'delete-tasks': {
    icon: 'delete',
    label: trans => trans.__('Delete'),
    caption: trans =>
      trans.__(
        'Delete the selected tasks; they can be restored from the trash'
      ),
    needs: 'write',
    tasks: 'some',
    group: 'delete',
    keys: trans => trans.__('Del'),
    isPossible: ({ chosen }) => chosen.canDelete,
    run: change('delete')
  },
  'restore-tasks': {
    icon: 'undo',
    label: (trans, situation) =>
      situation?.trash ? trans.__('Restore') : trans.__('Undo'),
    caption: trans =>
      trans.__('Restore the tasks most recently moved to the trash'),
    needs: 'write',
    args: ['tasks'],
    isPossible: ({ model, trash }) =>
      trash
        ? selectedIn(trash).length > 0
        : !model || model.getSnapshot().undo !== null,
    run: async (context, { tasks = selectedIn(context.trash) }) =>
      resultOf(
        context,
        'restore',
        tasks.length > 0
          ? await (context.trash ?? context.model).act('restore', tasks)
          : await context.model.undo()
      ),
    done: (trans, { tasks: { length } = [] }) =>
      trans._n(
        'Restored 1 task',
        'Restored %2 tasks',
        length,
        length.toLocaleString()
      )
  },
  'export-results': {
    icon: 'download',
    label: trans => trans.__('Export…'),
    caption: trans => trans.__('Export configurations and results to a file'),
    args: ['format', 'runs', 'query'],
    group: 'files',
    opens: 'export',
    run: (context, args) => (args.format ? exportResults(context, args) : null)
  },
  'show-trash': {
    icon: 'trash',
    label: trans => trans.__('Trash…'),
    caption: trans => trans.__('Show deleted tasks and restore them'),
    group: 'files',
    opens: 'trash'
  },
  'sort-by-hand': {
    icon: 'up',
    label: trans => trans.__('Custom order'),
    caption: trans => trans.__('Sort the tasks in a custom order'),
    group: 'sort',
    isOffered: ({ model }) => model !== undefined,
    isOn: isSortedByHand,
    run: async context => {
      const { DEFAULT_LISTING } = await import('../../model/taskliststate');
      const { sort, order } = isSortedByHand(context)
        ? DEFAULT_LISTING
        : ({ sort: 'order', order: 'asc' } as const);
      context.model.setListing({ sort, order });
      return { workspace: context.model.ws, sort, order };
    }
  },
  'refresh-tasks': {
    icon: 'refresh',
    label: trans => trans.__('Refresh'),
    caption: trans => trans.__('Refresh the task list'),
    run: async ({ model }) => {
      model.retry();
      return { workspace: model.ws };
    }
  },
  'list-tasks': {
    icon: 'table',
    label: trans => trans.__('List tasks'),
    caption: trans => trans.__('Return the tasks that match a query'),
    args: ['query', 'limit', 'offset'],
    isForPrograms: true,
    run: async ({ model }, query) => {
      const { items, total, counts } = await model.findTasks(query);
      return { workspace: model.ws, tasks: items, total, counts };
    }
  },
  'create-tasks': {
    icon: 'add',
    label: trans => trans.__('Create tasks'),
    caption: trans =>
      trans.__('Create tasks from a configuration and optionally run them'),
    needs: 'write',
    args: ['text', 'name', 'options'],
    isForPrograms: true,
    run: async ({ model }, { text, name, options }) => {
      const { names, queued, message } = await model.createTasks({
        text,
        name,
        run: options
      });
      return { workspace: model.ws, tasks: names, queued, message };
    }
  }
} satisfies Record<string, IAction>;

function moveAction(direction: 'up' | 'down'): IAction {
  const isUp = direction === 'up';
  return {
    icon: direction,
    label: trans => (isUp ? trans.__('Move up') : trans.__('Move down')),
    caption: trans =>
      isUp
        ? trans.__('Move the selected tasks up in the custom order')
        : trans.__('Move the selected tasks down in the custom order'),
    needs: 'write',
    tasks: 'some',
    group: 'order',
    keys: trans => (isUp ? trans.__('Alt+↑') : trans.__('Alt+↓')),
    isOffered: isSortedByHand,
    isPossible: ({ model, chosen }) =>
      model !== undefined &&
      placeToMove(model, chosen.names, direction) !== null,
    run: context => {
      const { model, chosen } = context;
      const place = placeToMove(model, chosen.names, direction);
      return act(context, 'move', place?.names ?? [], place?.options);
    }
  };
}

/** Return a function that performs an action on the selected tasks. */
function change(
  action: Action,
  ...names: readonly ('tags' | 'before' | 'after')[]
): NonNullable<IAction['run']> {
  return (context, args) =>
    act(
      context,
      action,
      context.chosen.names,
      Object.fromEntries(names.map(name => [name, args[name]]))
    );
}

async function act(
  context: ITaskContext,
  action: Action,
  names: readonly string[],
  options: ActionOptions = {}
): Promise<IResult & { tasks: string[] }> {
  const result = await context.model.act(action, names, options);
  return resultOf(context, action, result);
}

function resultOf(
  { model }: ITaskContext,
  action: Action,
  result: Awaited<ReturnType<TaskListModel['act']>>
): IResult & { tasks: string[] } {
  const { done, made, refused } = result;
  return {
    workspace: model.ws,
    // Deleted tasks may have other names in the trash.
    tasks: made.length > 0 && action !== 'delete' ? made : done,
    refused: refusedByName(refused)
  };
}

async function rename(
  { model, chosen }: ITaskContext,
  name: string
): Promise<IResult> {
  const [old] = chosen.names;
  await model.rename(old, name);
  return { workspace: model.ws, tasks: [name] };
}

async function exportResults(
  { model }: ITaskContext,
  query: ExportQuery
): Promise<IResult> {
  const { blob, name } = await model.exportResults(query);
  const { save } = await import('../shared/save');
  save(blob, name);
  return { workspace: model.ws, file: name, bytes: blob.size };
}

function isPinned({ chosen: { readable } }: ISituation): boolean {
  return readable.length > 0 && readable.every(row => row.pinned);
}

function isSortedByHand({ model }: ISituation): boolean {
  return model?.getSnapshot().listing.sort === 'order';
}

/** Return where tasks go that move by one place; null if they cannot move. */
function placeToMove(
  model: TaskListModel,
  names: readonly string[],
  direction: 'up' | 'down'
): { names: string[]; options: ActionOptions } | null {
  const { rows, listing } = model.getSnapshot();
  if (listing.sort !== 'order' || names.length === 0) {
    return null;
  }
  const chosen = new Set(names);
  const places = rows.flatMap((row, index) =>
    row && chosen.has(row.name) ? [index] : []
  );
  if (places.length < chosen.size) {
    return null;
  }
  const isUp = direction === 'up';
  const end = isUp ? places[0] : places[places.length - 1];
  const moved = places.map(place => rows[place]) as TaskRow[];
  const neighbour = rows[end + (isUp ? -1 : 1)];
  // Pinned tasks are above all others in any order.
  if (!neighbour || moved.some(row => row.pinned !== neighbour.pinned)) {
    return null;
  }
  const isAscending = listing.order === 'asc';
  const sorted = moved.map(row => row.name);
  return {
    names: isAscending ? sorted : sorted.reverse(),
    options:
      isUp === isAscending
        ? { before: neighbour.name }
        : { after: neighbour.name }
  };
}
