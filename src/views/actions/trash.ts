import type { TrashModel } from '../../model/trash';
import type { IAction, IActionContext, IResult } from './action';
import { refusedByName } from './action';

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
    icon: 'delete',
    label: trans => trans.__('Delete permanently'),
    caption: trans => trans.__('Permanently delete tasks in the trash'),
    needs: 'write',
    args: ['tasks'],
    isForPrograms: true,
    run: async (context, { tasks }) => {
      if (!tasks?.length) {
        throw new Error(
          context.trans.__(
            'Specify the names of tasks in the trash as “tasks”.'
          )
        );
      }
      return purge(context, tasks);
    }
  },
  'empty-trash': {
    icon: 'delete',
    label: trans => trans.__('Empty trash'),
    caption: trans => trans.__('Permanently delete all tasks in the trash'),
    needs: 'write',
    run: async context => {
      const items = await list(context.trash);
      return purge(
        context,
        items.map(item => item.name)
      );
    }
  }
} satisfies Record<string, IAction<IActionContext>>;

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
      title: trans._n(
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
