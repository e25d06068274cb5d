import { expect, test } from '@playwright/test';
import { mkdtempSync, rmSync } from 'fs';
import * as os from 'os';
import * as path from 'path';

import { taskRows } from '../support/journey';
import { Program } from '../support/program';
import { tryReadme } from '../support/readme';

interface ITold {
  url: string;
  /** The version of JupyterLab. */
  lab: string;
}

// A wheel is built, installed, checked and removed by pip, and three applications start.
test.setTimeout(900 * 1000);

/** Until an application that has just been opened shows its files. */
const START_TIMEOUT = 120 * 1000;

let folder: string;

test.beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'pyruns-installed-'));
});

test.afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

for (const [name, version] of [
  ['oldest', /^4\.2\./],
  ['newest', /^4\.([6-9]|\d\d)\./],
  ...(process.env.PYRUNS_PRERELEASE
    ? ([['prerelease', /^4\.([7-9]|\d\d)\./]] as const)
    : [])
] as const) {
  test(`the wheel alone, with the ${name} JupyterLab`, async ({ page }) => {
    const installed = await Program.start<ITold>(
      'tests.packaging.installed',
      path.join(folder, name)
    );
    const problems: string[] = [];
    page.on('pageerror', ({ stack = '' }) => problems.push(stack));
    try {
      expect(installed.told.lab).toMatch(version);
      await tryReadme(page, installed.told.url, {
        folder: path.join(folder, name, 'project'),
        path: ''
      });
      await page.goto(`${installed.told.url}/lab/tree/train.py?reset`);
      await expect(page.locator('.jp-FileEditor')).toBeVisible({
        timeout: START_TIMEOUT
      });
      // From the script to a finished sweep, as the first page of the documentation says.
      await page
        .getByRole('listitem', { name: 'train.py' })
        .click({ button: 'right' });
      await page.getByRole('menuitem', { name: 'Open in Pyruns' }).click();
      await page.getByLabel('lr', { exact: true }).fill('0.01 | 0.1');
      await page.getByRole('button', { name: 'Create and run' }).click();
      await expect(taskRows(page).getByText('Completed')).toHaveCount(2, {
        timeout: 120_000
      });
      await page.goto(`${installed.told.url}/tree`);
      await expect(page.getByText('train.py')).toBeVisible({
        timeout: START_TIMEOUT
      });
      expect(problems.filter(stack => stack.includes('pyruns'))).toEqual([]);
    } finally {
      expect(await installed.stop()).toBe(0);
    }
  });
}
