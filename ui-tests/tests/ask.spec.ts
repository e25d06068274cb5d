import * as fs from 'node:fs';
import * as path from 'node:path';

import { expect, test } from '@jupyterlab/galata';

import {
  makeProject,
  openInPyruns,
  openLab,
  taskRows
} from '../support/journey';

test.use({
  mockState: false,
  autoGoto: false,
  viewport: { width: 1440, height: 900 }
});

const ROOT = process.env.PYRUNS_UI_ROOT as string;

// What the loop adds depends on a file, which reading does not follow.
const LOOP = `
import argparse, pathlib
parser = argparse.ArgumentParser()
for line in pathlib.Path("names.txt").read_text().split():
    name, default = line.split("=")
    parser.add_argument("--" + name, type=float, default=float(default))
args = parser.parse_args()
print(args)
`;

test('a script is asked for its parameters, and again after a change', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'asking', 'loop.py', LOOP);
  const file = (name: string) => path.join(ROOT, 'asking', name);
  fs.writeFileSync(file('names.txt'), 'lr=0.1 momentum=0.9');
  await openLab(page, baseURL as string, 'asking');
  await openInPyruns(page, 'loop.py');
  await expect(page.getByLabel('lr', { exact: true })).toHaveCount(0);
  const ask = page.getByRole('button', { name: 'Ask the script', exact: true });
  await ask.click();
  await expect(page.getByLabel('lr', { exact: true })).toHaveValue('0.1');
  await expect(page.getByLabel('momentum', { exact: true })).toBeVisible();
  await expect(
    page.getByText(/parser \(argparse\) was asked on/)
  ).toBeVisible();
  await page.getByLabel('lr', { exact: true }).fill('0.1 | 0.2');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await expect(taskRows(page)).toHaveCount(2);

  fs.appendFileSync(file('loop.py'), '# changed\n');
  await openLab(page, baseURL as string, 'asking');
  await openInPyruns(page, 'loop.py');
  await page.getByRole('button', { name: 'New tasks' }).first().click();
  await expect(page.getByText(/loop.py has changed since/)).toBeVisible();
  await page.getByRole('button', { name: 'Ask again' }).click();
  await expect(
    page.getByText(/parser \(argparse\) was asked on/)
  ).toBeVisible();
});
