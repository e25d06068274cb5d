import type { TrashModel } from '../../model/trash';
import type { ITrans } from '../shared/context';
import type { IAction, IActionContext, IResult, ISituation } from './action';
import { refusedByName } from './action';

/** Deletes tasks permanently. */
const PURGE = {
  icon: 'delete',
  needs: 'write',
  done: (trans: ITrans, { tasks: { length } = [] }: IResult) =>
    trans._n(
      'Permanently deleted 1 task',
      'Permanently deleted %2 tasks',
      length,
      length.toLocaleString()
    )
} as const;

/** Actions on deleted tasks, apart from restoring them. */
export const TRASH_ACTIONS = {
  'list-trash': {
    icon: 'trash',
    label: trans => trans.__('List trash'),
    caption: trans => trans.__('Return the tasks in the trash'),
    isForPrograms: true,
    run: async ({ workspace, trash }) => ({
      workspace,
      tasks: await list(trash)
    })
  },
  'purge-tasks': {
    ...PURGE,
    label: trans => trans.__('Delete permanently'),
    caption: trans => trans.__('Permanently delete tasks in the trash'),
    args: ['tasks'],
    isForPrograms: true,
    isPossible: ({ trash }) => !trash || selectedIn(trash).length > 0,
    run: async (context, { tasks = selectedIn(context.trash) }) => {
      if (tasks.length === 0) {
        throw new Error(
          context.trans.__(
            'Specify the names of tasks in the trash in the argument “tasks”.'
          )
        );
      }
      return purge(context, tasks);
    }
  },
  'empty-trash': {
    ...PURGE,
    label: trans => trans.__('Empty trash'),
    caption: trans => trans.__('Permanently delete all tasks in the trash'),
    isPossible: ({ trash }) => {
      const { busy, items } = trash?.getSnapshot() ?? {};
      return !items || (busy === null && items.length > 0);
    },
    run: async context => {
      const items = await list(context.trash);
      return purge(
        context,
        items.map(item => item.name)
      );
    }
  }
} satisfies Record<string, IAction<IActionContext>>;

/** Return the selected tasks; none while the trash is being changed. */
export function selectedIn(trash: ISituation['trash']): readonly string[] {
  const { busy, selection } = trash?.getSnapshot() ?? {};
  return busy || !selection ? [] : [...selection];
}

/** Return the name that a task in the trash had before. */
function nameBefore(trash: TrashModel | undefined, name: string): string {
  const { items = [] } = trash?.getSnapshot() ?? {};
  return items.find(item => item.name === name)?.original ?? name;
}

async function list(trash: TrashModel | undefined) {
  await trash?.load();
  const { items, error } = trash?.getSnapshot() ?? {};
  if (error) {
    throw error;
  }
  return items ?? [];
}

async function purge(
  { workspace, trash, trans, confirm }: IActionContext,
  names: readonly string[]
): Promise<IResult> {
  const isConfirmed =
    names.length > 0 &&
    (await confirm({
      title:
        names.length === 1
          ? trans.__('Permanently delete %1?', nameBefore(trash, names[0]))
          : trans._n(
              'Permanently delete %1 task?',
              'Permanently delete %1 tasks?',
              names.length
            ),
      body: trans.__(
        'Configurations, logs and results will be removed from disk. This cannot be undone.'
      ),
      accept: trans.__('Delete permanently')
    }));
  const result = isConfirmed && (await trash?.act('purge', names));
  return {
    workspace,
    tasks: result ? result.done : [],
    refused: refusedByName(result ? result.refused : [])
  };
}
