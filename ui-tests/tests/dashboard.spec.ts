import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';

import {
  openInPyruns,
  openLab,
  openPage,
  pictures,
  pressAltY,
  taskFolder,
  taskInfo,
  taskRow,
  terminal
} from '../support/journey';
import { FakeNvml } from '../support/nvml';
import { LabServer } from '../support/server';
import { expect, test } from '../support/test';

// Says how far it is, and ends when it is told to.
const STEPS = `
import argparse, itertools, os, time
import pyruns_jupyter as pyruns
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
print(f"seed {args.seed} sees GPU {os.environ.get('CUDA_VISIBLE_DEVICES')}", flush=True)
for step in itertools.count(1):
    if os.path.exists("enough"):
        break
    pyruns.track(loss=1 / step)
    time.sleep(0.2)
pyruns.record(acc=0.9 + args.seed / 100)
`;

test.setTimeout(300 * 1000);

let server: LabServer;
let nvml: FakeNvml;

/** Two devices, busy where a process (`pid:MiB`) holds them. */
function setGpus(...processes: string[]): void {
  nvml.set(
    ...processes.map(held =>
      held
        ? `NVIDIA H100 80GB HBM3;81920;40960;93;10;64;610000;${held}`
        : 'NVIDIA H100 80GB HBM3;81920;600;0;10;38;70000;'
    )
  );
}

test.beforeAll(async () => {
  nvml = new FakeNvml();
  setGpus('', '');
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-dashboard-'));
  fs.mkdirSync(path.join(root, 'steps'));
  fs.writeFileSync(path.join(root, 'steps', 'steps.py'), STEPS);
  server = new LabServer(root, { environment: nvml.environment });
  await server.start();
});

test.afterAll(async () => {
  await server.remove();
  nvml.remove();
});

test('the Dashboard shows GPUs, who holds them, what runs and what waits, and pauses it', async ({
  page
}) => {
  await openLab(page, server.url, 'steps');
  await openInPyruns(page, 'steps.py');
  await page.getByLabel('seed', { exact: true }).fill('1 | 2 | 3');
  await page.getByLabel('GPUs per task').fill('1');
  await page.getByLabel('Parallel tasks').fill('2');
  await page.getByRole('button', { name: 'Create and run' }).click();
  // The Tasks page opens once the tasks exist.
  await expect(taskRow(page, 'steps_1_seed=1')).toBeVisible();
  await openPage(page, 'Dashboard');

  // Two run on a GPU each, as the processes see it; the third one waits.
  const running = page.getByRole('region', { name: 'Running' });
  await expect(running.getByRole('button')).toHaveCount(2, { timeout: 90000 });
  const queue = page.getByRole('region', { name: 'Queue' });
  await expect(queue).toContainText('1 queued, 2 running');
  await expect(queue).toContainText('concurrency 2 · 1 GPU per task');
  await expect(queue.locator('.pyr-batch-reason')).toContainText(
    'Concurrency limit reached: 2 of 2 tasks are running (-j 2).'
  );
  await expect(queue).toContainText('Next: steps_3_seed=3');

  // The driver tells of a process: the card says whose it is.
  const pid = await pidOf('steps_1_seed=1');
  setGpus(`${pid}:40000`, '');
  const card = page.getByRole('region', { name: 'GPU 0' });
  await expect(
    card.getByRole('meter', { name: 'Utilization of GPU 0' })
  ).toHaveAttribute('aria-valuenow', '93');
  await expect(card).toContainText('40 / 80 GiB');
  await expect(card).toContainText('64 °C');
  await expect(page.getByRole('region', { name: 'GPU 1' })).toContainText(
    'Idle'
  );
  await expect(page.locator('#jp-main-statusbar')).toContainText('GPU 47%');
  await pictures(page, 'dashboard');

  await card.getByRole('button', { name: 'steps_1_seed=1' }).click();
  await expect(terminal(page)).toContainText('seed 1 sees GPU');

  // The queue is paused and goes on, on disk too.
  await openPage(page, 'Dashboard');
  await queue.getByRole('button', { name: 'Pause' }).click();
  await expect(queue).toContainText('The queue is paused');
  fs.writeFileSync(path.join(server.root, 'steps', 'enough'), '');
  const third = taskFolder(server.root, 'steps', 'steps', 'steps_3_seed=3');
  await expect(
    page.getByRole('button', { name: /^2\s*Completed$/ })
  ).toBeVisible({ timeout: 90000 });
  expect(taskInfo(third).status).toBe('queued');
  await queue.getByRole('button', { name: 'Resume' }).click();
  await expect
    .poll(() => taskInfo(third).status, { timeout: 90000 })
    .toBe('completed');
  await expect(queue).toContainText('No queued tasks.');
  await expect(page.getByRole('region', { name: 'Recent' })).toContainText(
    'steps_3_seed=3'
  );

  // From a state to its tasks.
  await page.getByRole('button', { name: /^3\s*Completed$/ }).click();
  await expect(page.getByRole('textbox', { name: 'Filter tasks' })).toHaveValue(
    'status:completed'
  );
});

test('Lab’s own panel lists and stops what runs; menus and shortcuts lead to the pages', async ({
  page
}) => {
  fs.rmSync(path.join(server.root, 'steps', 'enough'), { force: true });
  await openLab(page, server.url, 'steps');
  // "Run with Pyruns": the script's defaults as one task, its log beside it.
  await page
    .locator('#filebrowser .jp-DirListing-item', { hasText: 'steps.py' })
    .click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Run with Pyruns' }).click();
  await expect(terminal(page)).toContainText('seed 0 sees GPU', {
    timeout: 90000
  });

  await page.sidebar.openTab('jp-running-sessions');
  const item = page.locator('.jp-RunningSessions-item', {
    has: page.getByTitle('steps: steps', { exact: true })
  });
  await expect(item).toHaveCount(1);
  await item.hover();
  await item.locator('.jp-RunningSessions-itemShutdown').click();
  await expect(item).toHaveCount(0);
  await expect
    .poll(
      () => taskInfo(taskFolder(server.root, 'steps', 'steps', 'steps')).status
    )
    .toBe('cancelled');

  await page.menu.clickMenuItem('View>Pyruns>Tasks');
  await expect(page.getByRole('grid', { name: 'Tasks' })).toBeVisible();
  await page.getByRole('grid', { name: 'Tasks' }).focus();
  await pressAltY(page, 'd');
  await expect(page.getByRole('region', { name: 'Queue' })).toBeVisible();
});

async function pidOf(task: string): Promise<number> {
  const file = path.join(
    taskFolder(server.root, 'steps', 'steps', task),
    'task_info.json'
  );
  let pid: number | null = null;
  await expect
    .poll(() => {
      const { pids } = JSON.parse(fs.readFileSync(file, 'utf-8')) as {
        pids: (number | null)[];
      };
      pid = pids?.[0] ?? null;
      return pid;
    })
    .not.toBeNull();
  return pid!;
}
