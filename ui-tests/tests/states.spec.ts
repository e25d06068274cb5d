import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';

import {
  makeProject,
  openInPyruns,
  openLab,
  openPage,
  picture,
  pictures,
  taskRow,
  taskRows
} from '../support/journey';
import { FakeNvml } from '../support/nvml';
import { expect, test } from '../support/test';

// Most tests start a server of their own, one of them twice; one makes 10,000 tasks.
test.setTimeout(400 * 1000);

/** What people meet when something is missing, wrong or huge: each says what to do. */

const ECHO = `
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--seed", type=int, default=0)
print(parser.parse_args())
`;

const ROOT = process.env.PYRUNS_UI_ROOT as string;

/** One project for a server of the test's own. */
function makeEcho(root: string): void {
  makeProject(root, 'echo', 'echo.py', ECHO);
}

/** Make tasks as a terminal does. */
function sweep(project: string, text: string): void {
  fs.writeFileSync(path.join(project, 'sweep.yaml'), text);
  for (const words of [
    ['open', 'echo.py'],
    ['sweep', '-n', 'echo', 'sweep.yaml']
  ]) {
    execFileSync('jupyter', ['pyruns', ...words], { cwd: project });
  }
}

const showSidebar = 'li[title^="Pyruns"], .lm-TabBar-tab[title^="Pyruns"]';

test('first use, an empty workspace, a script with an error', async ({
  page,
  serve
}) => {
  const { url, root } = await serve(makeEcho);
  await openLab(page, url, 'echo');
  await page.locator(showSidebar).first().click();
  await expect(page.getByText('Open a script to get started')).toBeVisible();
  await pictures(page, 'state-first-use');

  await page.sidebar.openTab('filebrowser');
  await openInPyruns(page, 'echo.py');
  await expect(page.getByText('1 task', { exact: true })).toBeVisible();
  await openPage(page, 'Tasks');
  await expect(page.getByText('No tasks yet').first()).toBeVisible();
  await pictures(page, 'state-empty');
  await openPage(page, 'Dashboard');
  await expect(page.getByText('No queued tasks.')).toBeVisible();
  await expect(page.getByText(/no driver for NVIDIA/i)).toBeVisible();
  await pictures(page, 'state-no-gpu');

  fs.writeFileSync(path.join(root, 'echo', 'broken.py'), 'def f(:\n  pass\n');
  await page.sidebar.openTab('filebrowser');
  await page.getByRole('button', { name: 'Refresh the file browser.' }).click();
  await openInPyruns(page, 'broken.py');
  await expect(page.getByText(/line 1/i).first()).toBeVisible();
  await pictures(page, 'state-script-error');
});

test('a server without the extension says how to get it', async ({
  page,
  serve
}) => {
  const { url } = await serve(makeEcho, {
    environment: { PYRUNS_UI_WITHOUT: '1' },
    probe: 'api/status'
  });
  await openLab(page, url, 'echo');
  await page.locator(showSidebar).first().click();
  await expect(
    page.getByText('The server extension is not enabled')
  ).toBeVisible();
  await expect(page.getByText('pip install pyruns_jupyter')).toBeVisible();
  // Also in a page that is asked for, such as one of the last session.
  await page.evaluate(() =>
    window.jupyterapp.commands.execute('pyruns:open-dashboard', {
      workspace: 'echo/_pyruns_/echo'
    })
  );
  await expect(page.getByText('pip install pyruns_jupyter')).toHaveCount(2);
  await pictures(page, 'state-missing');
});

test('a server of another version says so', async ({ page, baseURL }) => {
  await page.route('**/pyruns/api/status*', async route => {
    const answer = await route.fetch();
    const status = (await answer.json()) as object;
    await route.fulfill({
      response: answer,
      json: { ...status, version: '99.0', api_version: 99 }
    });
  });
  await openLab(page, baseURL as string, 'digits');
  await page.locator(showSidebar).first().click();
  await expect(page.getByText('Version mismatch')).toBeVisible();
  await expect(page.getByText(/Pyruns 99\.0/)).toBeVisible();
  await pictures(page, 'state-mismatch');
});

test('who may only look is offered nothing else', async ({ page, serve }) => {
  const { url, root } = await serve(makeEcho, {
    environment: { PYRUNS_UI_READ_ONLY: '1' }
  });
  sweep(path.join(root, 'echo'), 'lr: 0.1 | 0.2\n');
  await openLab(page, url, 'echo');
  await openPage(page, 'Tasks');
  await expect(taskRows(page)).toHaveCount(2);
  await taskRows(page).first().click();
  await expect(
    page.getByRole('button', { name: 'Run', exact: true })
  ).toBeDisabled();
  await expect(
    page.getByRole('button', { name: 'Delete', exact: true })
  ).toBeDisabled();
  await page.getByRole('button', { name: 'Details', exact: true }).click();
  const details = page.getByRole('complementary', { name: 'Details' });
  await expect(details).toContainText('None yet.');
  await expect(details.getByRole('button', { name: 'Edit' })).toHaveCount(0);
  await openPage(page, 'Dashboard');
  await expect(page.getByText('No queued tasks.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Pause' })).toHaveCount(0);
  await openPage(page, 'New tasks');
  await expect(
    page.getByText('You have read-only access to this workspace.')
  ).toBeVisible();
  await pictures(page, 'state-read-only');
});

test('a driver that is broken, a damaged task, a server that goes and comes', async ({
  page,
  serve
}) => {
  const nvml = new FakeNvml();
  const server = await serve(makeEcho, {
    environment: { ...nvml.environment, FAKE_NVML_INIT_ERROR: '999' }
  });
  const { url, root } = server;
  sweep(path.join(root, 'echo'), 'lr: 0.1 | 0.2\n');
  const tasks = path.join(root, 'echo', '_pyruns_', 'echo', 'tasks');
  fs.writeFileSync(path.join(tasks, 'echo_2_lr=0.2', 'task_info.json'), '{"na');
  await openLab(page, url, 'echo');
  await openPage(page, 'Dashboard');
  await expect(
    page.locator('.pyr-dashboard').getByRole('status').first()
  ).toContainText(/NVIDIA|driver|NVML/i);
  await pictures(page, 'state-gpu-broken');

  await openPage(page, 'Tasks');
  const damaged = taskRow(page, 'echo_2_lr=0.2');
  await expect(damaged).toContainText('Unreadable');
  await damaged.click();
  await expect(
    page.getByRole('button', { name: 'Run', exact: true })
  ).toBeDisabled();
  await pictures(page, 'state-damaged');

  await server.kill();
  await expect(page.getByText(/Reconnecting… Showing/).first()).toBeVisible();
  // It is said after a moment, so that a short break is not; and Lab changes
  // its theme only with a server.
  await expect(page.locator('.pyr-banner-connection').first()).toHaveCSS(
    'opacity',
    '1'
  );
  await picture(page, 'state-gone-light');
  await server.start();
  // The page comes back by itself; pressing "Retry now" would race with it.
  await expect(page.getByText(/Reconnecting… Showing/)).toHaveCount(0, {
    timeout: 60_000 // it tries every 15 s at least
  });
  nvml.remove();
});

test('10,000 tasks: search, groups, the last row, all of them selected', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'huge', 'echo.py', ECHO);
  sweep(path.join(ROOT, 'huge'), 'lr: lin(0.001, 1, 100)\nseed: 0:100\n');
  await openLab(page, baseURL as string, 'huge');
  await openInPyruns(page, 'echo.py');
  // The server reads the files of all tasks, for some seconds.
  await expect(
    page.getByRole('button', { name: 'Create and run' })
  ).toBeVisible({ timeout: 120_000 });
  await openPage(page, 'Tasks');
  await expect(page.getByRole('button', { name: /All\s*10,000/ })).toBeVisible({
    timeout: 120_000
  });
  const grid = page.getByRole('grid', { name: 'Tasks' });
  await expect(grid).toHaveAttribute('aria-rowcount', '10001');
  await pictures(page, 'state-huge');
  await grid.focus();
  await page.keyboard.press('End');
  await expect(
    grid.locator('[aria-rowindex="10001"] .pyr-name-text')
  ).toBeVisible();
  // Only what is in sight is in the page.
  expect(await taskRows(page).count()).toBeLessThan(120);
  await page.keyboard.press('Control+a');
  await expect(page.getByText('10,000 selected')).toBeVisible();
  await page
    .getByRole('textbox', { name: 'Filter tasks' })
    .fill('seed:7 lr<0.1');
  await expect(page.getByText(/^\d+ tasks$/)).toHaveText('10 tasks');
  await page.getByRole('textbox', { name: 'Filter tasks' }).fill('');
  await page.getByRole('button', { name: 'Group', exact: true }).click();
  await page.getByRole('checkbox', { name: 'seed', exact: true }).check();
  await page.keyboard.press('Escape');
  await expect(
    page.getByRole('grid', { name: 'Groups of tasks' })
  ).toHaveAttribute('aria-rowcount', '101');
  fs.rmSync(path.join(ROOT, 'huge'), { recursive: true });
});
