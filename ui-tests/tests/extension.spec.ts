import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';

import {
  makeProject,
  openInPyruns,
  openLab,
  taskFolder,
  taskRows
} from '../support/journey';
import { expect, test } from '../support/test';

// The extension is compiled and built in it, which takes half a minute on an idle machine.
test.setTimeout(600 * 1000);

// Fails once, and goes on until it is stopped when it is run again.
const SCRIPT = `
import argparse, pathlib, time
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.parse_args()
failed = pathlib.Path(__file__).with_name("failed")
while failed.exists():
    time.sleep(0.1)
failed.touch()
raise SystemExit(3)
`;

test('the extension of the documentation uses Pyruns', async ({
  page,
  serve
}) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-extension-'));
  const built = path.join(folder, 'built');
  execFileSync('python', ['-m', 'tests.packaging.extension_example', built], {
    cwd: path.join(__dirname, '..', '..')
  });
  const lab = await serve(
    root => makeProject(root, 'other', 'train.py', SCRIPT),
    { environment: { JUPYTER_PATH: built } }
  );
  await openLab(page, lab.url, 'other');
  await openInPyruns(page, 'train.py');
  const status = page.locator('#jp-bottom-panel');
  await expect(status).toContainText('0 failed');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page).getByText('Failed')).toHaveCount(1, {
    timeout: 90000
  });
  await expect(status).toContainText('1 failed');

  const toast = page.locator('.jp-toastContainer');
  await expect(toast).toContainText('train: ');
  await toast.getByRole('button', { name: 'Run again' }).click();
  await expect(taskRows(page).getByText('Running')).toHaveCount(1, {
    timeout: 60000
  });
  await expect(status).toContainText('0 failed');

  // It is slow only for those who read that it started years ago.
  const tasks = taskFolder(lab.root, 'other', 'train', '');
  const file = path.join(tasks, fs.readdirSync(tasks)[0], 'task_info.json');
  const info = JSON.parse(fs.readFileSync(file, 'utf-8'));
  info.start_times[1] = '2020-01-01_00-00-00';
  fs.writeFileSync(`${file}.new`, JSON.stringify(info));
  fs.renameSync(`${file}.new`, file);
  await expect(async () => {
    await page.evaluate(() =>
      window.jupyterapp.commands.execute('pyruns-example:stop-slow-tasks')
    );
    await expect(taskRows(page).getByText('Cancelled')).toHaveCount(1, {
      timeout: 2000
    });
  }).toPass();
  fs.rmSync(folder, { recursive: true });
});
