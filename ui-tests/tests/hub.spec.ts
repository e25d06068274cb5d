import type { BrowserContext, Page } from '@playwright/test';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';

import {
  makeNotebook,
  openInPyruns,
  picture,
  taskRows
} from '../support/journey';
import { Program } from '../support/program';
import { expect, test } from '../support/test';

/** Through the proxy of a real hub, signed in by its own page. */

// A hub, servers of two users, Lab and a kernel start in it.
test.setTimeout(500 * 1000);

const SCRIPT = `
import argparse, os, time
import pyruns_jupyter as pyruns
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()
print("lr is", args.lr, flush=True)
while os.path.exists("hold"):
    time.sleep(0.1)
pyruns.record(acc=1 - args.lr)
`;

let hub: { url: string; password: string };
let folder = '';
let program: Program<typeof hub> | null = null;

test.beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-hub-'));
  program = await Program.start('tests.hub.serve', path.join(folder, 'hub'));
  hub = program.told;
});

test.afterAll(async () => {
  await program?.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

async function signIn(context: BrowserContext, user: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${hub.url}/hub/login`);
  await page.getByLabel('Username').fill(user);
  await page.getByLabel('Password').fill(hub.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  return page;
}

test('a user works through the proxy, and another one sees nothing of it', async ({
  browser
}) => {
  const home = path.join(folder, 'hub', 'home', 'ann');
  fs.mkdirSync(home);
  fs.writeFileSync(path.join(home, 'train.py'), SCRIPT);
  makeNotebook(path.join(home, 'look.ipynb'), [
    '%load_ext pyruns_jupyter\n%pyruns open train.py',
    '%pyruns manager'
  ]);
  const mine = await browser.newContext({
    extraHTTPHeaders: {},
    viewport: { width: 1440, height: 900 }
  });
  const page = await signIn(mine, 'ann');
  await page.waitForURL(/\/user\/ann\/lab/, { timeout: 120000 });
  await expect(page.locator('#filebrowser')).toBeVisible({ timeout: 90000 });

  await openInPyruns(page, 'train.py');
  await page.getByLabel('lr', { exact: true }).fill('0.1 | 0.2 | 0.3');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page).getByText('Completed')).toHaveCount(3, {
    timeout: 120000
  });
  await picture(page, 'hub');

  // A widget in a cell, over the same proxy: what it asks for is done.
  await page.evaluate(
    () =>
      void window.jupyterapp.commands.execute('docmanager:open', {
        path: 'look.ipynb'
      })
  );
  await expect(page.getByText(/\| Idle$/)).toBeVisible({ timeout: 60000 });
  await page.evaluate(
    () => void window.jupyterapp.commands.execute('notebook:run-all-cells')
  );
  const cell = page.locator('.jp-CodeCell').nth(1);
  const rows = cell
    .getByRole('row')
    .filter({ has: page.getByRole('gridcell') });
  await expect(rows).toHaveCount(3, { timeout: 60000 });
  fs.writeFileSync(path.join(home, 'hold'), '');
  await rows.first().getByRole('checkbox').check();
  await cell
    .getByRole('button', { name: /^(Run|Run again)$/ })
    .first()
    .click();
  await expect(rows.getByText(/Running|Queued/).first()).toBeVisible();
  fs.rmSync(path.join(home, 'hold'));
  await expect(rows.getByText('Completed')).toHaveCount(3, { timeout: 60000 });

  const theirs = await browser.newContext({ extraHTTPHeaders: {} });
  const other = await signIn(theirs, 'bob');
  await other.waitForURL(/\/user\/bob\//, { timeout: 120000 });
  for (const address of ['lab', 'pyruns/api/status', 'pyruns/api/workspaces']) {
    const answer = await other.goto(`${hub.url}/user/ann/${address}`);
    expect(answer?.status()).toBe(403);
  }
  await mine.close();
  await theirs.close();
});
