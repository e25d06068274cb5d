import { expect, test } from '@playwright/test';
import type { ChildProcess } from 'child_process';
import { execFileSync, spawn } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';

import {
  frame,
  openPage,
  picture,
  taskRows,
  terminal
} from '../support/journey';

const ROOT = path.join(__dirname, '..', '..');
const PORT = Number(process.env.PYRUNS_UI_PORT || 8895) + 7;
const SITE = `http://localhost:${PORT}/lab/index.html`;

let host: ChildProcess;

// Python starts in the browser, which takes a quarter of a minute on an idle machine.
test.setTimeout(400000);

test.beforeAll(async () => {
  // The site is built.
  test.setTimeout(600000);
  // As after `make lab`: what the user ran in examples/ is not for the page.
  const own = fs.mkdtempSync(path.join(ROOT, 'examples', 'own-'));
  try {
    fs.writeFileSync(path.join(own, 'secret.py'), 'print(1)\n');
    execFileSync('make', ['demo'], { cwd: ROOT, stdio: 'ignore' });
  } finally {
    fs.rmSync(own, { recursive: true });
  }
  // Any static host will do.
  host = spawn(
    'python',
    ['-m', 'http.server', String(PORT), '--directory', 'dist/demo'],
    { cwd: ROOT, stdio: 'ignore' }
  );
  await expect(async () => {
    expect((await fetch(SITE)).ok).toBe(true);
  }).toPass();
});

test.afterAll(() => {
  host.kill();
});

// What its service worker keeps could not be removed for the next test.
test.use({ reuseContext: false });

test('the demo has the examples under version control, its notebook, and no other file', () => {
  const tracked = execFileSync(
    'git',
    ['ls-files', 'examples', 'demo/contents'],
    {
      cwd: ROOT,
      encoding: 'utf-8'
    }
  ).replaceAll('demo/contents/', 'examples/');
  const site = path.join(ROOT, 'dist', 'demo', 'files');
  const files = (fs.readdirSync(site, { recursive: true }) as string[])
    .filter(file => fs.statSync(path.join(site, file)).isFile())
    .map(file => `examples/${file}`);
  expect(files.sort()).toEqual(tracked.trim().split('\n').sort());
});

test('the demo: from a form to results, without a server', async ({ page }) => {
  const problems: string[] = [];
  page.on('pageerror', ({ stack = '' }) => problems.push(stack));
  page.on('request', request => {
    const { host: asked, pathname } = new URL(request.url());
    if (asked !== `localhost:${PORT}` || pathname.startsWith('/pyruns/api')) {
      problems.push(`asked for ${request.url()}`);
    }
  });
  const parts: string[] = [];
  page.on('request', request => {
    if (request.url().includes('/pyruns-jupyter/static/')) {
      parts.push(request.url());
    }
  });
  await page.goto(SITE);

  // The dashboard says what this is, and moves.
  const note = page.getByRole('note');
  await expect(note).toContainText('This is a demo.');
  await expect(note.getByRole('progressbar')).toBeHidden({ timeout: 240000 });
  await expect(note).toContainText('Pyruns runs in your browser.');
  await expect(note).toContainText('studies choose trials at random');
  // Python is ready before it has answered what was asked meanwhile.
  await expect(page.getByRole('region', { name: /^GPU \d/ })).toHaveCount(4, {
    timeout: 90000
  });
  const running = page.getByRole('region', { name: 'Running' });
  const before = await running.innerText();
  await expect(running).not.toHaveText(before, { useInnerText: true });
  for (let turn = 0; turn < 4; turn++) {
    await frame(page, 500);
    await page.waitForTimeout(1000);
  }
  await picture(page, 'demo');

  // A sweep in the form: the plan, its tasks, and a log that grows.
  await page.waitForLoadState('networkidle');
  const { length } = parts;
  await openPage(page, 'New tasks');
  const outcome = page.getByRole('complementary', {
    name: 'Preview'
  });
  await page.getByLabel('lr', { exact: true }).fill('0.01 | 0.1');
  await page.getByLabel('seed', { exact: true }).fill('0 | 1 | 2');
  await expect(outcome.getByText('6 tasks', { exact: true })).toBeVisible();
  await frame(page, 2500);
  await page.getByLabel('lr', { exact: true }).fill('fast');
  await expect(outcome).toContainText(/number/);
  await page.getByLabel('lr', { exact: true }).fill('0.01 | 0.1');
  await page.getByRole('tab', { name: 'YAML' }).click();
  await expect(page.locator('.cm-content')).toContainText('lr: 0.01 | 0.1');
  await page.getByLabel('Name', { exact: true }).fill('mine');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page).getByText(/mine_/)).toHaveCount(6, {
    timeout: 90000
  });
  await frame(page, 2500);

  // No page had to wait for its code.
  expect(parts.slice(length)).toEqual([]);

  // Its queue is the real one's: what waits says for what.
  await openPage(page, 'Dashboard');
  await expect(page.getByRole('region', { name: 'Queue' })).toContainText(
    /[1-6] queued/
  );

  await running.getByRole('button', { name: /linear/ }).click();
  await expect(terminal(page)).toContainText(/epoch/);
  const told = await terminal(page).innerText();
  await expect(terminal(page)).not.toHaveText(told);
  for (let turn = 0; turn < 4; turn++) {
    await frame(page, 600);
    await page.waitForTimeout(1000);
  }

  // Searching and comparing what was there.
  await openPage(page, 'Tasks');
  await page
    .getByRole('textbox', { name: 'Filter tasks' })
    .fill('status:completed acc>0.95');
  await expect(taskRows(page).first()).toBeVisible();
  // The list before the filter: another filter ends a selection.
  await expect(taskRows(page).filter({ hasNotText: 'Completed' })).toHaveCount(
    0
  );
  const all = page.getByRole('checkbox', { name: 'Select all' });
  await all.click();
  await expect(all).toBeChecked();
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  await expect(page.getByRole('tab', { name: 'Importance' })).toBeVisible();
  await page.getByRole('tab', { name: 'Curves' }).click();
  await expect(page.getByRole('application').first()).toBeVisible();
  await frame(page, 2500);
  await page.getByRole('tab', { name: 'Parallel' }).click();
  await frame(page, 2500);

  // The study that was there, and what the demo cannot compute of it.
  await page.getByRole('tab', { name: 'Study' }).click();
  await expect(page.getByText('24 of 24 trials')).toBeVisible();
  await expect(page.getByRole('img', { name: /of each trial/ })).toBeVisible();
  await page
    .getByRole('tablist', { name: 'Plots' })
    .getByRole('tab', { name: 'Importance' })
    .click();
  await expect(
    page.getByText('scikit-learn, which the demo does not have')
  ).toBeVisible();

  // A shell script and a configuration are the other two forms.
  const editor = page.locator('.cm-content').filter({ visible: true });
  for (const [name, text] of [
    [/Shell/, 'set -euo pipefail'],
    [/nested/, 'momentum:']
  ] as const) {
    await page.getByRole('button', { name: /choose another$/ }).click();
    await page
      .getByRole('dialog', { name: 'Workspaces' })
      .getByRole('button', { name })
      .click();
    await openPage(page, 'New tasks');
    if (name.source === 'nested') {
      await page.getByRole('tab', { name: 'YAML' }).click();
    }
    await expect(editor).toContainText(text);
  }

  // A study runs, whose trials come from the demo's own sampler.
  const form = page.locator('.pyr-generator').filter({ visible: true });
  await form.getByRole('tab', { name: 'Form' }).click();
  await form.getByRole('radio', { name: 'Adaptive' }).check();
  await form.getByLabel('lr', { exact: true }).fill('log(0.1, 1)');
  await form.getByLabel('epochs', { exact: true }).fill('1');
  await form.getByLabel('Trials', { exact: true }).fill('2');
  await form.getByLabel('Parallel tasks').fill('2');
  await form.getByLabel('Sampler').selectOption('gp');
  await form.getByRole('button', { name: 'Start study' }).click();
  await expect(form).toContainText('the demo chooses trials at random');
  await form.getByLabel('Sampler').selectOption('tpe');
  await form.getByRole('button', { name: 'Start study' }).click();
  await expect(page.getByText('2 of 2 trials')).toBeVisible({
    timeout: 90000
  });

  expect(problems).toEqual([]);
});

test('a notebook of the demo has magics and live widgets', async ({ page }) => {
  test.setTimeout(600000);
  const others: string[] = [];
  page.on('request', request => {
    if (new URL(request.url()).host !== `localhost:${PORT}`) {
      others.push(request.url());
    }
  });
  await page.goto(`${SITE}?path=pyruns.ipynb`);
  const outputs = page.locator('.jp-Notebook .jp-OutputArea-output');
  await expect(page.locator('.jp-Notebook')).toBeVisible();
  // Lab runs no cell before the kernel has started.
  await expect(page.getByText(/\| Idle$/)).toBeVisible({ timeout: 240000 });
  // The helpers of Galata need a server.
  // eslint-disable-next-line jupyter/galata-prefer-menu-helper
  await page.getByRole('menuitem', { name: 'Run', exact: true }).click();
  await page.locator('[data-command="runmenu:run-all"]').click();
  // Lab hides outputs that are out of view.
  await expect(
    outputs.filter({ hasText: 'Created 6 tasks and queued them' })
  ).toBeAttached({ timeout: 300000 });
  await expect(taskRows(page).getByText(/mine_/)).toHaveCount(6);
  await expect(outputs.filter({ hasText: 'System metrics' })).toBeAttached({
    timeout: 120000
  });
  expect(others.filter(url => url.startsWith('http'))).toEqual([]);
});

test('the same page without a server and without the demo says so', async ({
  page
}) => {
  await page.route('**/jupyter-lite.json*', async route => {
    const answer = await route.fetch();
    const told = (await answer.json()) as Record<string, object>;
    const config = { ...told['jupyter-config-data'], pyrunsDemoUrl: '' };
    await route.fulfill({
      response: answer,
      json: { ...told, 'jupyter-config-data': config }
    });
  });
  await page.goto(SITE);
  await page.locator('.jp-SideBar .lm-TabBar-tab[title^="Pyruns"]').click();
  const sidebar = page.getByRole('region', { name: 'Pyruns' });
  await expect(sidebar).toContainText('The server extension is not enabled');
  await expect(sidebar).toContainText('JupyterLite');
  await picture(page, 'state-no-server');
});
