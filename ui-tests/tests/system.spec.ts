import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';

import {
  makeProject,
  openInPyruns,
  openLab,
  pictures,
  taskFolder,
  taskRow,
  taskRows
} from '../support/journey';
import { FakeNvml } from '../support/nvml';
import { stopEverything } from '../support/processes';
import { expect, test } from '../support/test';

test.setTimeout(300 * 1000);

const PROJECT = 'system';
const TASKS = ['train_1_lr=0.01', 'train_2_lr=0.1'];

const SCRIPT = `\
import argparse
import time
from pathlib import Path

import pyruns_jupyter as pyruns

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.01)
lr = parser.parse_args().lr
data = []
for epoch in range(10_000):
    if len(data) < 60:
        data.append(bytearray(b"x") * (4 << 20))
    end = time.monotonic() + 0.1 + 0.3 * (epoch % 3)
    while time.monotonic() < end:
        sum(range(10_000))
    time.sleep(0.3)
    pyruns.track(epoch=epoch, loss=1 / (1 + lr * epoch))
    if Path("go").exists():
        break
`;

const GPU = (load: number, power: number) =>
  `NVIDIA H100 80GB HBM3;81920;${9000 + 100 * load};${load};0;${50 + (load >> 2)};${power * 1000}`;

test('how runs use the machine is seen in Logs, Compare and Tasks', async ({
  page,
  serve
}) => {
  const nvml = new FakeNvml();
  nvml.set(GPU(0, 70), GPU(0, 70));
  const ledger = fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-ledger-'));
  const server = await serve(
    root => {
      makeProject(root, PROJECT, 'train.py', SCRIPT);
      const settings = path.join(root, PROJECT, '_pyruns_');
      fs.mkdirSync(settings);
      fs.writeFileSync(
        path.join(settings, '_pyruns_settings.yaml'),
        'gpu_scheduler_stable_seconds: 0\n'
      );
    },
    {
      environment: {
        ...nvml.environment,
        PYRUNS_GPU_LEDGER: ledger,
        CUDA_VISIBLE_DEVICES: undefined
      }
    }
  );
  await openLab(page, server.url, PROJECT);
  await openInPyruns(page, 'train.py');
  await page.getByLabel('lr', { exact: true }).fill('0.01 | 0.1');
  await page.getByLabel('Parallel tasks').fill('2');
  await page.getByText('More options').click();
  await page.getByLabel('GPUs per task').fill('1');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page)).toHaveCount(2);
  await expect(taskRows(page).getByText('Running')).toHaveCount(2, {
    timeout: 60_000
  });

  // The GPUs are used more and less, until there are enough samples.
  const files = TASKS.map(name =>
    path.join(
      taskFolder(server.root, PROJECT, 'train', name),
      'run_logs',
      'run1.system.jsonl'
    )
  );
  const samples = (file: string) =>
    fs.existsSync(file)
      ? fs.readFileSync(file, 'utf8').split('"gpu0_power_watts"').length - 1
      : 0;
  let step = 0;
  await expect
    .poll(
      () => {
        step++;
        nvml.set(
          GPU(40 + ((step * 7) % 50), 300 + ((step * 31) % 250)),
          GPU(5 + ((step * 3) % 20), 90 + ((step * 3) % 30))
        );
        return Math.min(...files.map(samples));
      },
      { timeout: 120_000, intervals: [1000] }
    )
    .toBeGreaterThan(process.env.PYRUNS_PICTURES ? 40 : 4);

  await taskRow(page, TASKS[0]).dblclick();
  await page
    .getByRole('button', { name: 'Show or hide curves next to the log' })
    .click();
  const curves = page.getByRole('complementary', {
    name: 'Curves of the run'
  });
  const gpu = curves.getByRole('img', {
    name: /Curve of GPU 0 utilization \(%\), now \d/
  });
  await expect(gpu).toBeAttached({ timeout: 30_000 });
  await expect(
    curves.getByRole('img', { name: /Curve of CPU \(%, one core is 100\)/ })
  ).toBeAttached();
  await gpu.scrollIntoViewIfNeeded();
  await pictures(page, 'system-log');

  await page.getByRole('tab', { name: /Tasks/ }).click();
  await page.getByRole('checkbox', { name: 'Select all tasks' }).click();
  await page
    .getByRole('toolbar', { name: 'Task actions' })
    .getByRole('button', { name: 'Compare' })
    .click();
  const panel = page.getByRole('tabpanel', {
    name: `${PROJECT}/train: Compare`
  });
  await panel.getByRole('tab', { name: 'Curves' }).click();
  await panel.getByText('System metrics', { exact: true }).click();
  for (const name of ['GPU 0 utilization (%)', 'Memory (GiB)']) {
    await panel.getByRole('button', { name, exact: true }).click();
    await expect(
      panel.getByRole('img', { name: `Curves of ${name} of 2 tasks` })
    ).toBeVisible({ timeout: 30_000 });
  }
  await pictures(page, 'system-compare');

  fs.writeFileSync(path.join(server.root, PROJECT, 'go'), '');
  await page.getByRole('tab', { name: /Tasks/ }).click();
  await expect(taskRows(page).getByText('Completed')).toHaveCount(2, {
    timeout: 120_000
  });
  await expect(
    page.getByText(/^2 tasks · [\d.e-]+ GPU-hours · [\d.e-]+ kWh$/)
  ).toBeVisible({ timeout: 30_000 });
  await taskRow(page, TASKS[1]).click();
  await page.getByRole('button', { name: 'Details', exact: true }).click();
  const details = page.getByRole('complementary', { name: 'Details' });
  for (const fact of ['GPU-hours', 'GPU energy', 'GPU utilization']) {
    await expect(details.getByText(fact, { exact: true })).toBeVisible();
  }

  // A longer run would have a hint.
  const file = path.join(
    taskFolder(server.root, PROJECT, 'train', TASKS[1]),
    'task_info.json'
  );
  const info = JSON.parse(fs.readFileSync(file, 'utf8'));
  Object.assign(info.pyruns_jupyter.system['1'], {
    seconds: 7200,
    cpu_percent: 98
  });
  fs.writeFileSync(`${file}.new`, JSON.stringify(info));
  fs.renameSync(`${file}.new`, file);
  await taskRow(page, TASKS[0]).click();
  await taskRow(page, TASKS[1]).click();
  await expect(
    details.getByText(/GPU utilization was below 30 % for 100 % of the run/)
  ).toBeVisible({ timeout: 30_000 });
  await pictures(page, 'system-details');
  nvml.remove();
  await stopEverything(server.root); // a scheduler still writes to the ledger
  fs.rmSync(ledger, { recursive: true });
});
