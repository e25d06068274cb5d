import * as fs from 'fs';
import * as path from 'path';

import {
  makeNotebook,
  openLab,
  picture,
  taskFolder,
  taskInfo,
  taskRows
} from '../support/journey';
import { expect, shutDownKernels, test } from '../support/test';

test.setTimeout(400 * 1000);

const ROOT = process.env.PYRUNS_UI_ROOT as string;
const CELLS = [
  '%load_ext pyruns_jupyter\n%pyruns open train.py',
  '%pyruns manager',
  '%%pyruns sweep -n cell --run -j 2\nlr: 0.01 | 0.1\nepochs: 6',
  // The kernel is busy while the table above goes on.
  '%pyruns wait --timeout 120',
  '%pyruns log cell_1_lr=0.01 --tail 400',
  '%pyruns run cell_1_lr=0.01\n%pyruns stop cell_1_lr=0.01',
  '%pyruns wait cell_1_lr=0.01\n%pyruns ls status:cancelled',
  '%%pyruns sweep\nlr: (1 | 2)\nseed: (1 | 2 | 3)'
];

// The first run of a task goes on until the test has looked at it, others until they are stopped.
const WAIT = `
import os
while pyruns.get_run_index() > 1 or not os.path.exists("go"):
    time.sleep(0.1)
`;

test.afterEach(({ request }) => shutDownKernels(request));

test('magics make a sweep, and the table in a cell follows it', async ({
  page,
  baseURL
}) => {
  const folder = path.join(ROOT, 'magics');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder);
  for (const name of ['train.py', 'digits.csv.gz']) {
    fs.copyFileSync(path.join(ROOT, 'digits', name), path.join(folder, name));
  }
  fs.appendFileSync(path.join(folder, 'train.py'), WAIT);
  makeNotebook(path.join(folder, 'sweep.ipynb'), CELLS);
  await openLab(page, baseURL as string, 'magics');
  await page.notebook.openByPath('magics/sweep.ipynb');
  await expect(page.locator('.jp-CodeCell')).toHaveCount(CELLS.length);
  await page.notebook.activate('sweep.ipynb');
  await expect(page.getByText(/\| Idle$/)).toBeVisible();
  await page.evaluate(
    () => void window.jupyterapp.commands.execute('notebook:run-all-cells')
  );

  const cell = (index: number) => page.locator('.jp-CodeCell').nth(index);
  await expect(cell(0)).toContainText('train: no tasks yet');
  // Live while the fourth cell waits in the kernel.
  await expect(taskRows(page)).toHaveCount(2);
  await expect(taskRows(page).getByText('Running')).not.toHaveCount(0, {
    timeout: 90 * 1000
  });
  await expect(cell(3).locator('.jp-InputPrompt')).toHaveText('[*]:');
  fs.writeFileSync(path.join(folder, 'go'), '');
  await expect(taskRows(page).getByText(/Completed|Cancelled/)).toHaveCount(2, {
    timeout: 120 * 1000
  });
  await expect(cell(4)).toContainText('epoch 6/6');
  await expect(cell(5)).toContainText('cell_1_lr=0.01: queued');
  await expect(cell(6)).toContainText('cancelled', { timeout: 90 * 1000 });

  // A mistake is one sentence, not a traceback.
  await expect(cell(7).locator('.jp-OutputArea')).toContainText('UsageError');
  await expect(cell(7).locator('.jp-OutputArea')).not.toContainText(
    'Traceback'
  );
  const runs = taskInfo(taskFolder(ROOT, 'magics', 'train', 'cell_1_lr=0.01'));
  expect(runs.exit_codes[0]).toBe(0);
  expect(runs.run_attempt_ids.length).toBeLessThanOrEqual(2);

  await cell(1).scrollIntoViewIfNeeded();
  await picture(page, 'notebook-light');

  // Opened again with another kernel, there is what it looked like.
  await page.evaluate(async () => {
    const { commands } = window.jupyterapp;
    await commands.execute('docmanager:save');
    await commands.execute('notebook:shutdown-kernel');
    await commands.execute('application:close');
  });
  await page.notebook.openByPath('magics/sweep.ipynb');
  await expect(cell(1)).toContainText('train: no tasks');
  await expect(page.getByText('Error displaying widget')).toHaveCount(0);
  await expect(cell(4)).toContainText('epoch 6/6');
});
