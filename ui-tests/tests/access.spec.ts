import type { IJupyterLabPageFixture } from '@jupyterlab/galata';

import { expectAccessible } from '../support/accessibility';
import {
  makeProject,
  openInPyruns,
  openLab,
  openPage,
  taskRow,
  taskRows,
  terminal
} from '../support/journey';
import { expect, test } from '../support/test';

// axe looks at each element of a page by all rules, and at its colours in the dark.
test.setTimeout(400 * 1000);

const ROOT = process.env.PYRUNS_UI_ROOT as string;

const SCRIPT = `
import argparse
import pyruns_jupyter
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1, help="learning rate")
parser.add_argument("--opt", choices=["sgd", "adam"], default="sgd")
parser.add_argument("--fast", action="store_true")
args = parser.parse_args()
for step in range(50):
    pyruns_jupyter.track(step=step, loss=args.lr / (step + 1), acc=step / 50)
print("done with", args.lr)
if args.lr == 3:
    raise ValueError("too much")
`;

/** The form of a new project, with a sweep of four tasks in it, two of which will fail. */
async function fillSweep(
  page: IJupyterLabPageFixture,
  url: string,
  project: string
): Promise<void> {
  makeProject(ROOT, project, 'all.py', SCRIPT);
  await openLab(page, url, project);
  await openInPyruns(page, 'all.py');
  await page.getByLabel('lr', { exact: true }).fill('1 | 3');
  await page.getByLabel('opt', { exact: true }).fill('sgd | adam');
  await expect(
    page.getByRole('button', { name: 'Create and run' })
  ).toBeEnabled();
}

/** Run them, until all have ended. */
async function runSweep(page: IJupyterLabPageFixture): Promise<void> {
  await page.getByRole('button', { name: 'Create and run' }).click();
  for (const status of ['Completed', 'Failed']) {
    await expect(taskRows(page).getByText(status)).toHaveCount(2, {
      timeout: 120000
    });
  }
}

test('every page is for everybody', async ({ page, baseURL }) => {
  await fillSweep(page, baseURL as string, 'access');
  await expectAccessible(page, 'Generator');
  await page.getByRole('tab', { name: 'YAML' }).click();
  await expectAccessible(page, 'YAML');
  await page.getByRole('tab', { name: 'Form' }).click();
  await runSweep(page);
  await page.evaluate(() =>
    document
      .querySelectorAll('.Toastify__toast')
      .forEach(toast => toast.remove())
  );
  await expectAccessible(page, 'Manager');
  await taskRow(page, 'all_1_lr=1,opt=sgd').click();
  await page.keyboard.press('i');
  await expect(page.getByRole('complementary').first()).toBeVisible();
  await expectAccessible(page, 'Details');
  await expectAccessible(page, 'Sidebar', '.pyr-sidebar');

  await taskRow(page, 'all_1_lr=1,opt=sgd').dblclick();
  await expect(terminal(page)).toContainText('done with 1.0');
  await page
    .getByRole('button', { name: 'Show or hide curves next to the log' })
    .click();
  await page.locator('.pyr-screen').click();
  await page.keyboard.press('Control+f');
  await expect(
    page.getByRole('textbox', { name: 'Find in the log' })
  ).toBeFocused();
  await page.keyboard.type('done');
  await expect(page.locator('.pyr-find-count')).toHaveText('1 of 1');
  await expectAccessible(page, 'Monitor');

  await openPage(page, 'Dashboard');
  await expect(page.locator('.pyr-dashboard-counts')).toBeVisible();
  await expectAccessible(page, 'Dashboard');
});

test('every view of a comparison is for everybody', async ({
  page,
  baseURL
}) => {
  await fillSweep(page, baseURL as string, 'access-compare');
  await runSweep(page);
  await page.getByRole('checkbox', { name: 'Select all tasks' }).click();
  const compare = page
    .getByRole('toolbar', { name: 'Task actions' })
    .getByRole('button', { name: 'Compare' });
  await expect(compare).toBeEnabled();
  await compare.click();
  const panel = page.getByRole('tabpanel', {
    name: 'access-compare/all: Compare'
  });
  for (const tab of [
    'Table',
    'Curves',
    'Parallel',
    'Scatter',
    'Heatmap',
    'Importance',
    /Failures/
  ]) {
    await panel.getByRole('tab', { name: tab }).click();
    await page.waitForTimeout(500);
    await expectAccessible(page, `Compare, ${tab}`);
  }
});
