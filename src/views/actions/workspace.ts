import { importRuns } from '../../model/runimport';
import type { Args, IAction, IResult, ITaskContext } from './action';

/** Actions on a workspace: what it has, and how its runs are watched. */
export const WORKSPACE_ACTIONS = {
  'import-runs': {
    icon: 'add',
    label: trans => trans.__('Import runs…'),
    caption: trans =>
      trans.__(
        'Create tasks from TensorBoard, MLflow, W&B, Hydra or Optuna runs'
      ),
    needs: 'write',
    args: ['source'],
    group: 'files',
    opens: 'import',
    run: (context, args) => (args.source ? runImport(context, args) : null),
    done: (trans, { created }) =>
      trans._n(
        '%1 task imported',
        '%1 tasks imported',
        Number(created),
        Number(created).toLocaleString()
      )
  },
  'edit-alert-rules': {
    icon: 'alert',
    label: trans => trans.__('Alert rules…'),
    caption: trans =>
      trans.__('Edit the rules that send alerts about runs or stop them'),
    needs: 'execute',
    group: 'files',
    opens: 'alerts',
    isOffered: ({ canWrite }) => canWrite
  }
} satisfies Record<string, IAction>;

async function runImport(
  { model }: ITaskContext,
  { source = '' }: Args
): Promise<IResult> {
  const { client, ws } = model;
  const result = await importRuns(client, ws, { path: source });
  const { runs, created, skipped } = result;
  model.refresh();
  return { workspace: ws, tasks: runs.map(run => run.task), created, skipped };
}
