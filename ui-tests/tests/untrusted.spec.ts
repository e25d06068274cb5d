import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';

import {
  makeProject,
  openInPyruns,
  openLab,
  openPage,
  picture,
  taskFolder,
  taskInfo,
  taskRow,
  terminal
} from '../support/journey';
import { stopEverything } from '../support/processes';
import { commandButton, tryReadme } from '../support/readme';
import { expect, test } from '../support/test';

const ROOT = process.env.PYRUNS_UI_ROOT as string;

test('a document cannot run anything by one click', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'untrusted', 'train.py', 'print("caught")\n');
  await tryReadme(page, baseURL as string, {
    folder: path.join(ROOT, 'untrusted'),
    path: 'untrusted'
  });

  // The same command from Lab's palette acts at once on the selected file.
  await page.menu.clickMenuItem('View>Activate Command Palette');
  await page.locator('.lm-CommandPalette-input').fill('Run with Pyruns');
  await expect(
    page.locator('.lm-CommandPalette-item.lm-mod-active')
  ).toContainText('Run with Pyruns');
  await page.keyboard.press('Enter');
  await expect(terminal(page)).toContainText('caught', { timeout: 60000 });
});

test('notes execute no command, and a link only looks', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'noted', 'train.py', 'print("fine")\n');
  await openLab(page, baseURL as string, 'noted');
  await openInPyruns(page, 'train.py');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await expect(taskRow(page, 'train')).toBeVisible();
  const file = path.join(
    taskFolder(ROOT, 'noted', 'train', 'train'),
    'task_info.json'
  );
  const info = JSON.parse(fs.readFileSync(file, 'utf-8'));
  const args = { path: 'noted/train.py' };
  info.notes = [
    commandButton('Click here', 'pyruns:run-file', args),
    '$\\data{commandlinker-command=pyruns:run-file}{x}$'
  ].join('\n\n');
  fs.writeFileSync(file, JSON.stringify(info));

  // Leave the page, which may still request a preview: only requests of the link count.
  await page.evaluate(() => window.location.assign('about:blank'));
  await page.waitForURL('about:blank');
  const asked: string[] = [];
  page.on('request', request => {
    const { pathname } = new URL(request.url());
    if (pathname.includes('/pyruns/api/')) {
      asked.push(request.method());
    }
  });
  const link = `${baseURL}/lab?reset&pyruns=noted%2F_pyruns_%2Ftrain&query=train`;
  await page.evaluate(to => window.location.assign(to), link);
  await page.waitForURL(now => !now.search.includes('pyruns'));
  await expect(taskRow(page, 'train')).toBeVisible();
  expect([...new Set(asked)]).toEqual(['GET']);

  await taskRow(page, 'train').click();
  await page.getByRole('button', { name: 'Details', exact: true }).click();
  const notes = page.locator('.pyr-notes');
  await notes.getByRole('button', { name: 'Click here' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(
    page.locator('[data-commandlinker-command^="pyruns"]')
  ).toHaveCount(0);
  expect(asked).not.toContain('POST');
  expect(JSON.parse(fs.readFileSync(file, 'utf-8')).status).toBe('pending');
});

test('a project that came with a queue runs when the user says so', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'original', 'train.py', 'print("ran")\n');
  const made = path.join(ROOT, 'original');
  const command = (...words: string[]) =>
    execFileSync('jupyter', ['pyruns', ...words], { cwd: made });
  command('open', 'train.py');
  fs.writeFileSync(path.join(made, 'one.yaml'), '{}\n');
  command('pause');
  command('add', 'one.yaml', '--name', 'one', '--run');
  await stopEverything(made); // or its scheduler writes while it is copied
  fs.rmSync(path.join(ROOT, 'came'), { recursive: true, force: true });
  fs.cpSync(made, path.join(ROOT, 'came'), { recursive: true });
  fs.rmSync(path.join(ROOT, 'came', '_pyruns_', '.engine', 'paused'));
  const task = taskFolder(ROOT, 'came', 'train', 'one');
  const before = fs.readFileSync(path.join(task, 'task_info.json'), 'utf-8');

  await openLab(page, baseURL as string, 'came');
  await openInPyruns(page, 'train.py');
  await expect(
    page.getByRole('button', { name: 'Create', exact: true })
  ).toBeVisible();
  await openPage(page, 'Dashboard');
  const queue = page.locator('.pyr-card', { hasText: 'Queue here' });
  await expect(queue).toContainText('1 task was queued in another copy');
  await page.waitForTimeout(4000); // longer than the server rests between two looks at a queue
  expect(fs.readFileSync(path.join(task, 'task_info.json'), 'utf-8')).toBe(
    before
  );
  await picture(page, 'queue-elsewhere');

  await queue.getByRole('button', { name: 'Queue here' }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: 'Queue here' })
    .click();
  await expect
    .poll(() => taskInfo(task).status, { timeout: 60000 })
    .toBe('completed');
  expect(taskInfo(taskFolder(ROOT, 'original', 'train', 'one')).status).toBe(
    'queued'
  );
  command('stop', '--all');
});
