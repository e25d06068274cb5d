import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';

import {
  makeProject,
  openInPyruns,
  openLab,
  taskRows
} from '../support/journey';
import { expect, test } from '../support/test';

// The extension is compiled and built in it, which takes half a minute on an idle machine.
test.setTimeout(600 * 1000);

// Fails; run again, it waits until the file is gone.
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

  // Its notification closes after some seconds, and stays in their list.
  await page.locator('.jp-Notification-Status').click();
  await page
    .locator('.jp-Notification-List-Item', { hasText: 'train: ' })
    .getByRole('button', { name: 'Run again' })
    .click();
  await expect(taskRows(page).getByText('Running')).toHaveCount(1, {
    timeout: 60000
  });

  // It ends, and fails again.
  fs.rmSync(path.join(lab.root, 'other', 'failed'));
  await expect(taskRows(page).getByText('Failed')).toHaveCount(1, {
    timeout: 60000
  });
  fs.rmSync(folder, { recursive: true });
});
