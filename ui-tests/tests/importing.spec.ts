/** Runs of another program are previewed and imported from the file browser. */
import * as fs from 'fs';
import * as path from 'path';

import { expectAccessible } from '../support/accessibility';
import {
  makeProject,
  openInPyruns,
  openLab,
  taskRow,
  taskRows
} from '../support/journey';
import { expect, test } from '../support/test';

const ROOT = process.env.PYRUNS_UI_ROOT as string;
const PROJECT = 'imports';

const SCRIPT = `\
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.parse_args()
`;

/** Runs in the file store of MLflow. */
function makeRuns(folder: string, count: number): void {
  for (let at = 0; at < count; at++) {
    const run = path.join(folder, 'mlruns', '1', String(at).padStart(32, '0'));
    for (const part of ['params', 'metrics', 'tags']) {
      fs.mkdirSync(path.join(run, part), { recursive: true });
    }
    const write = (name: string, text: string) =>
      fs.writeFileSync(path.join(run, name), text);
    write(
      'meta.yaml',
      `run_name: trial-${at}\nstatus: ${at ? 3 : 4}\nlifecycle_stage: active\n` +
        'start_time: 1700000000000\nend_time: 1700000060000\n'
    );
    write('params/lr', `0.${at + 1}`);
    write('metrics/loss', '1700000000000 0.5 0\n1700000001000 0.25 1\n');
  }
}

test('a folder of the file browser is imported after a preview', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, PROJECT, 'train.py', SCRIPT);
  makeRuns(path.join(ROOT, PROJECT), 3);
  await openLab(page, baseURL as string, PROJECT);
  await openInPyruns(page, 'train.py');
  await expect(page.getByLabel('lr', { exact: true })).toBeVisible();
  await page.sidebar.openTab('filebrowser');
  await page
    .locator('#filebrowser .jp-DirListing-item', { hasText: 'mlruns' })
    .click({ button: 'right' });
  await page
    .getByRole('menuitem', { name: 'Import Runs into Pyruns…' })
    .click();
  const dialog = page.getByRole('dialog', { name: 'Import runs' });
  const source = dialog.getByLabel('Folder or file with runs');
  await expect(source).toHaveValue(`${PROJECT}/mlruns`);
  await expect(source).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(dialog).toContainText('Will be created: 3 tasks (MLflow)');
  await expect(dialog).toContainText('trial-0 (Failed)');
  await expectAccessible(page, 'Import runs', '[role="dialog"]');
  await expect(taskRows(page)).toHaveCount(0);
  await dialog.getByRole('button', { name: 'Import 3 tasks' }).click();
  await expect(taskRows(page)).toHaveCount(3);
  await expect(taskRow(page, 'trial-0')).toContainText('Failed');
  await expect(dialog).toBeHidden();

  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Import runs…' }).click();
  await source.fill('../elsewhere');
  await source.press('Enter');
  await expect(dialog.getByRole('alert')).toContainText('not a valid path');
  await expectAccessible(page, 'Import runs, an error', '[role="dialog"]');
});
