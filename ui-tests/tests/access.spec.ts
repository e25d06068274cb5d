import AxeBuilder from '@axe-core/playwright';
import type { IJupyterLabPageFixture } from '@jupyterlab/galata';
import type { Page } from '@playwright/test';

import {
  makeProject,
  openInPyruns,
  openLab,
  openPage,
  taskRow,
  taskRows,
  terminal,
  useTheme
} from '../support/journey';
import { expect, test } from '../support/test';

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

/** What axe finds in our part of the page, as a list that can be read. */
async function violations(
  page: Page,
  part: string,
  rules: string[]
): Promise<string[]> {
  const axe = new AxeBuilder({ page })
    .include(part)
    // The terminal's own rows are a picture of text; its owner tells readers.
    .exclude('.xterm');
  const found = await (rules.length > 0 ? axe.withRules(rules) : axe).analyze();
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(
      node =>
        `${id} (${help}): ${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`
    )
  );
}

async function check(
  page: IJupyterLabPageFixture,
  name: string,
  part = '.pyr-page:not(.lm-mod-hidden)'
): Promise<void> {
  expect.soft(await violations(page, part, []), name).toEqual([]);
  // In the dark only colours are others.
  await useTheme(page, 'dark');
  await page.waitForTimeout(200);
  const dark = await violations(page, part, ['color-contrast']);
  expect.soft(dark, `${name}, dark`).toEqual([]);
  await useTheme(page, 'light');
}

test('every page is for everybody', async ({ page, baseURL }) => {
  makeProject(ROOT, 'access', 'all.py', SCRIPT);
  await openLab(page, baseURL as string, 'access');
  await openInPyruns(page, 'all.py');
  await page.getByLabel('lr', { exact: true }).fill('1 | 2 | 3');
  await page.getByLabel('opt', { exact: true }).fill('sgd | adam');
  await expect(
    page.getByRole('button', { name: 'Create and run' })
  ).toBeEnabled();
  await check(page, 'Generator');
  await page.getByRole('tab', { name: 'YAML' }).click();
  await check(page, 'YAML');
  await page.getByRole('tab', { name: 'Form' }).click();
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page).getByText('Completed')).toHaveCount(4, {
    timeout: 60000
  });
  await page.evaluate(() =>
    document
      .querySelectorAll('.Toastify__toast')
      .forEach(toast => toast.remove())
  );
  await check(page, 'Manager');
  await taskRow(page, 'all_1_lr=1,opt=sgd').click();
  await page.keyboard.press('i');
  await expect(page.getByRole('complementary').first()).toBeVisible();
  await check(page, 'Details');
  await check(page, 'Sidebar', '.pyr-sidebar');

  await taskRow(page, 'all_1_lr=1,opt=sgd').dblclick();
  await expect(terminal(page)).toContainText('done with 1.0');
  await page
    .getByRole('button', { name: 'Show or hide curves next to the log' })
    .click();
  await page.locator('.pyr-screen').click();
  await page.keyboard.press('Control+f');
  await page.keyboard.type('done');
  await expect(page.locator('.pyr-find-count')).toHaveText('1 of 1');
  await check(page, 'Monitor');

  await openPage(page, 'Dashboard');
  await expect(page.locator('.pyr-dashboard-counts')).toBeVisible();
  await check(page, 'Dashboard');

  await openPage(page, 'Tasks');
  await page.getByRole('checkbox', { name: 'Select all tasks' }).click();
  const compare = page
    .getByRole('toolbar', { name: 'Task actions' })
    .getByRole('button', { name: 'Compare' });
  await expect(compare).toBeEnabled();
  await compare.click();
  const panel = page.getByRole('tabpanel', { name: 'access/all: Compare' });
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
    await check(page, `Compare, ${tab}`);
  }
});
