import { expect, test } from '@jupyterlab/galata';
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
import { LabServer } from '../support/server';

const PORT = Number(process.env.PYRUNS_UI_PORT || 8895) + 8;

const SCRIPT = `
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.parse_args()
raise SystemExit(3)
`;

let folder: string;
let lab: LabServer;

test.use({ mockState: false, autoGoto: false });

test.beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-extension-'));
  const built = path.join(folder, 'built');
  execFileSync('python', ['-m', 'tests.packaging.extension_example', built], {
    cwd: path.join(__dirname, '..', '..')
  });
  lab = new LabServer(PORT, path.join(folder, 'root'), { JUPYTER_PATH: built });
  await lab.start();
});

test.afterAll(async () => {
  await lab.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

test('the extension of the documentation uses Pyruns', async ({ page }) => {
  makeProject(lab.root, 'other', 'train.py', SCRIPT);
  await openLab(page, lab.url, 'other');
  await openInPyruns(page, 'train.py');
  const status = page.locator('#jp-bottom-panel');
  await expect(status).toContainText('0 failed');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page).getByText('Failed')).toHaveCount(1);
  await expect(status).toContainText('1 failed');
});
