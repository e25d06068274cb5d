import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';

import {
  makeProject,
  openInPyruns,
  openLab,
  openPage,
  picture,
  taskRow,
  taskRows,
  terminal
} from '../support/journey';
import { Program } from '../support/program';
import { LabServer } from '../support/server';
import { expect, test } from '../support/test';

/** A sweep on a real Slurm cluster, from the form to the node it ran on. */

const SCRIPT = `
import argparse, os, socket, time
import pyruns_jupyter as pyruns
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()
print("this is", socket.gethostname(), flush=True)
for step in range(40):
    pyruns.track(loss=args.lr / (step + 1))
while not os.path.exists("enough"):
    time.sleep(0.1)
pyruns.record(acc=1 - args.lr)
`;

test.setTimeout(400 * 1000);

/** Until the cluster has done something: its daemons and the scheduler look for work in turn. */
const CLUSTER_TIMEOUT = 90 * 1000;

let folder = '';
let cluster: Program<{ conf?: string; missing?: string }> | null = null;
let server: LabServer | null = null;

test.beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-slurm-'));
  const place = path.join(folder, 'cluster');
  cluster = await Program.start('tests.slurm.serve', place);
  const { conf, missing } = cluster.told;
  test.skip(conf === undefined, missing);
  const root = path.join(folder, 'root');
  fs.mkdirSync(root);
  makeProject(root, 'nets', 'train.py', SCRIPT);
  server = new LabServer(root, { environment: { SLURM_CONF: conf } });
  await server.start();
});

test.afterAll(async () => {
  await server?.remove(); // with the scheduler, which still writes there
  await cluster?.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

test('a sweep runs on the nodes of a cluster', async ({ page }) => {
  await openLab(page, server?.url ?? '', 'nets');
  await openInPyruns(page, 'train.py');
  await page.getByLabel('lr', { exact: true }).fill('0.1 | 0.2 | 0.3');
  await page.getByText('More options').click();
  await page.getByLabel('Run on').selectOption('slurm');
  await expect(page.getByLabel('Parallel tasks')).toHaveValue('1000');
  await page.getByLabel('Partition').fill('nowhere');
  await page.getByLabel('Memory per task').fill('much');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(page.getByText('memory must be a size')).toBeVisible();
  await page.getByLabel('Memory per task').fill('50M');
  await page.getByLabel('CPUs per task').fill('8');
  await picture(page, 'slurm-form');

  // What the cluster refuses is told with the tasks that it would have run.
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(
    taskRows(page).getByText('Slurm rejected the job: Invalid partition name')
  ).toHaveCount(3, { timeout: CLUSTER_TIMEOUT });
  await taskRow(page, 'train_1_lr=0.1').click();
  await page.getByRole('grid', { name: 'Tasks' }).press('Control+a');

  // Two nodes have room for one of them each: the third one waits there.
  const settings = path.join(
    folder,
    'root',
    'nets',
    '_pyruns_',
    '_pyruns_settings.yaml'
  );
  fs.writeFileSync(
    settings,
    'engine: slurm\nslurm: {cpus: 8, poll_seconds: 1}\n'
  );
  const head = page.getByRole('toolbar', { name: 'Task actions' });
  await head.getByLabel('Parallel tasks').fill('3');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await expect(taskRows(page).getByText('Running')).toHaveCount(2, {
    timeout: CLUSTER_TIMEOUT
  });
  await openPage(page, 'Dashboard');
  await expect(page.getByText('Waiting in Slurm as job')).toContainText(
    'the requested resources are not available (Resources)',
    { timeout: CLUSTER_TIMEOUT }
  );
  await picture(page, 'slurm-queue');
  fs.writeFileSync(path.join(folder, 'root', 'nets', 'enough'), '');
  await openPage(page, 'Tasks');
  await expect(taskRows(page).getByText('Completed')).toHaveCount(3, {
    timeout: CLUSTER_TIMEOUT
  });

  await taskRow(page, 'train_3_lr=0.3').dblclick();
  await expect(terminal(page)).toContainText('this is node');
});
