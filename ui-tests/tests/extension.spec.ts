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

const SCRIPT = `
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.parse_args()
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
  await expect(taskRows(page).getByText('Failed')).toHaveCount(1);
  await expect(status).toContainText('1 failed');
  fs.rmSync(folder, { recursive: true });
});
