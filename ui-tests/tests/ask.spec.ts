import * as fs from 'node:fs';
import * as path from 'node:path';

import {
  makeProject,
  openInPyruns,
  openLab,
  taskFolder,
  taskRows
} from '../support/journey';
import { expect, test } from '../support/test';

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

// The converter rejects what reading allows.
const CHECKED = `
import argparse
def rate(text):
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=rate, default=0.1)
parser.add_argument("--name", default="a b")
args = parser.parse_args()
print(args)
`;

test('command lines are shown, and checked by the parser of the script', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'checking', 'train.py', CHECKED);
  await openLab(page, baseURL as string, 'checking');
  await openInPyruns(page, 'train.py');
  const lr = page.getByLabel('lr', { exact: true });
  await lr.fill('0.5 | 7');
  await page.getByRole('button', { name: 'Show commands' }).click();
  const rows = page.getByRole('region', { name: 'Tasks to create' });
  await expect(rows.getByText('python train.py --lr 0.5')).toBeVisible();
  await page.getByLabel('name', { exact: true }).fill('two words');
  await expect(
    rows.getByText("python train.py --lr 7 --name 'two words'")
  ).toBeVisible();
  await page.getByRole('button', { name: 'Hide commands' }).click();
  await expect(rows.getByText('python train.py --lr 0.5')).toHaveCount(0);

  const check = page.getByRole('checkbox', { name: /^Check command lines/ });
  await expect(check).not.toBeChecked();
  await check.check();
  const create = page.getByRole('button', { name: 'Create', exact: true });
  await create.click();
  const message = /rejects the command line of task 2 \(lr: 7\): argument --lr/;
  await expect(page.getByText(message).first()).toBeVisible();
  await expect(lr).toHaveAttribute('aria-invalid', 'true');
  await expect(create).toBeDisabled();
  await expect(taskRows(page)).toHaveCount(0);
  await lr.fill('0.5 | 0.7');
  await create.click();
  await expect(taskRows(page)).toHaveCount(2);
});

test('a script of a package shows how it is started', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'modules', '__init__.py', '');
  fs.writeFileSync(
    path.join(ROOT, 'modules', 'train.py'),
    CHECKED.replace('import argparse', 'import argparse\nfrom . import other')
  );
  fs.writeFileSync(path.join(ROOT, 'modules', 'other.py'), '');
  await openLab(page, baseURL as string, 'modules');
  await openInPyruns(page, 'train.py');
  await page.getByLabel('lr', { exact: true }).fill('0.5');
  await page.getByRole('button', { name: 'Show commands' }).click();
  await expect(
    page.getByText('python -m modules.train --lr 0.5')
  ).toBeVisible();
});

test('constants of a script are set in a copy of it', async ({
  page,
  baseURL
}) => {
  const script = 'LR = 0.1\nEPOCHS = 3\nprint("lr is", LR, EPOCHS)\n';
  makeProject(ROOT, 'constants', 'train.py', script);
  await openLab(page, baseURL as string, 'constants');
  await openInPyruns(page, 'train.py');
  await page.getByLabel('LR', { exact: true }).fill('0.1 | 0.5');
  await page.getByRole('button', { name: 'Show commands' }).click();
  await expect(page.getByText('python train.py  # LR = 0.5')).toBeVisible();
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(
    taskRows(page).getByText('Completed', { exact: true })
  ).toHaveCount(2, { timeout: 90000 });
  const copy = path.join(
    taskFolder(ROOT, 'constants', 'train', 'train_2_LR=0.5'),
    'artifacts/run1/changed_script/train.py'
  );
  expect(fs.readFileSync(copy, 'utf-8')).toBe(script.replace('0.1', '0.5'));
});
