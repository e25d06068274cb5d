import type { Page } from '@playwright/test';
import * as fs from 'fs';
import * as path from 'path';

import {
  openInPyruns,
  openLab,
  picture,
  taskFolder,
  taskRow,
  taskRows
} from '../support/journey';
import { expect, test } from '../support/test';

const ROOT = process.env.PYRUNS_UI_ROOT as string;
const SCRIPT = `
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--opt", default="sgd")
print(parser.parse_args())
`;
const NAMES = [
  'fit_1_lr=0.1,opt=sgd',
  'fit_2_lr=0.1,opt=adam',
  'fit_3_lr=0.01,opt=sgd',
  'fit_4_lr=0.01,opt=adam'
];

async function sweep(page: Page, url: string, name: string): Promise<void> {
  fs.rmSync(path.join(ROOT, name), { recursive: true, force: true });
  fs.mkdirSync(path.join(ROOT, name));
  fs.writeFileSync(path.join(ROOT, name, 'fit.py'), SCRIPT);
  await openLab(page as unknown as Parameters<typeof openLab>[0], url, name);
  await openInPyruns(page, 'fit.py');
  await page.getByLabel('lr', { exact: true }).fill('0.1 | 0.01');
  await page.getByLabel('opt', { exact: true }).fill('sgd | adam');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await expect(taskRows(page)).toHaveCount(4);
}

const box = (page: Page) => page.getByRole('textbox', { name: 'Filter tasks' });

async function more(page: Page, item: string): Promise<void> {
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: item }).click();
}

/** Turn the order of one's own on, or off again. */
async function order(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Custom order' }).click();
}

/** The file that a click on *Download* gives. */
async function download(page: Page): Promise<{ name: string; text: string }> {
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).click();
  const file = await coming;
  // Nothing that proves who somebody is stands in an address.
  expect(file.url()).toMatch(/^blob:/);
  return {
    name: file.suggestedFilename(),
    text: fs.readFileSync(await file.path(), 'utf-8')
  };
}

test('order, duplicate, tag, export, delete, restore and purge', async ({
  page,
  baseURL
}) => {
  await sweep(page, baseURL as string, 'life');
  const onDisk = (name: string) =>
    fs.existsSync(taskFolder(ROOT, 'life', 'fit', name));
  const exported: string[] = [];
  page.on('request', request => {
    if (request.url().includes('/export?')) {
      exported.push(request.url());
    }
  });

  // An order of one's own, which is taken back.
  await order(page);
  const shown = () =>
    taskRows(page).evaluateAll(rows =>
      rows
        .map(row => [
          Number(row.getAttribute('aria-rowindex')),
          (row as HTMLElement).dataset.task ?? ''
        ])
        .sort((a, b) => Number(a[0]) - Number(b[0]))
        .map(([, name]) => name)
    );
  await expect.poll(shown).toEqual(NAMES);
  await taskRow(page, NAMES[3]).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Move up' }).click();
  await expect.poll(shown).toEqual([NAMES[0], NAMES[1], NAMES[3], NAMES[2]]);
  const grid = page.getByRole('grid', { name: 'Tasks' });
  await taskRow(page, NAMES[0]).click();
  await grid.press('Alt+ArrowDown');
  await expect.poll(shown).toEqual([NAMES[1], NAMES[0], NAMES[3], NAMES[2]]);
  await order(page);

  // A copy, by the right button.
  await taskRow(page, NAMES[0]).click({ button: 'right' });
  await picture(page, 'lifecycle-menu');
  await page.getByRole('menuitem', { name: 'Duplicate' }).click();
  await expect(taskRows(page)).toHaveCount(5);
  const copy = `${NAMES[0]}_2`;
  expect(onDisk(copy)).toBe(true);
  await expect(taskRow(page, copy)).toHaveAttribute('aria-selected', 'true');

  // Tags for two tasks, by keyboard alone.
  await taskRow(page, NAMES[1]).click();
  await taskRow(page, NAMES[2]).click({ modifiers: ['Control'] });
  await grid.press('Shift+F10');
  await expect(page.getByRole('menu')).toBeVisible();
  await page.keyboard.press('t');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('textbox', { name: 'New tag' })).toBeFocused();
  await page.keyboard.type('best one');
  await page.keyboard.press('Enter');
  await expect(taskRow(page, NAMES[1]).getByText('best one')).toBeVisible();
  await expect(taskRow(page, NAMES[2]).getByText('best one')).toBeVisible();
  await page.keyboard.type('x');
  await page.keyboard.press('Enter');
  await expect(
    taskRow(page, NAMES[2]).getByText('x', { exact: true })
  ).toBeVisible();
  await picture(page, 'lifecycle-tags');
  await page.keyboard.press('Escape');
  await expect(grid).toBeFocused();

  // A tag is searched for by a click on it.
  await taskRow(page, NAMES[2]).getByText('x', { exact: true }).click();
  await expect(box(page)).toHaveValue('tag:x');
  await expect(taskRows(page)).toHaveCount(2);

  // And taken away from one of them: both are still selected.
  await taskRow(page, NAMES[1]).click();
  await taskRow(page, NAMES[1]).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Tags…' }).click();
  const ticked = page.getByRole('checkbox', { name: 'x', exact: true });
  await expect(ticked).toHaveAttribute('aria-checked', 'true');
  await ticked.click();
  await expect(taskRows(page)).toHaveCount(1);
  await page.keyboard.press('Escape');
  await expect(taskRow(page, NAMES[2])).toBeVisible();

  // What is listed, as a file.
  await box(page).fill('tag:"best one"');
  await expect(taskRows(page)).toHaveCount(2);
  await more(page, 'Export…');
  await picture(page, 'lifecycle-export');
  const table = await download(page);
  expect(table.name).toBe('fit.csv');
  const [head, ...rows] = table.text.trim().split(/\r?\n/);
  expect(head.split(',')).toEqual(expect.arrayContaining(['task', 'status']));
  expect(head).toMatch(/\blr\b/);
  expect(rows).toHaveLength(2);
  for (const name of [NAMES[1], NAMES[2]]) {
    expect(rows.filter(row => row.includes(name))).toHaveLength(1);
  }
  await more(page, 'Export…');
  await page.getByRole('radio', { name: 'JSON' }).check();
  const records = await download(page);
  expect(records.name).toBe('fit.json');
  expect(JSON.parse(records.text)).toHaveLength(2);
  expect(exported).toHaveLength(2);
  expect(exported.filter(url => url.includes('token'))).toEqual([]);

  // Into the trash.
  await box(page).fill('');
  await expect(taskRows(page)).toHaveCount(5);
  await taskRow(page, NAMES[0]).click();
  await taskRow(page, NAMES[1]).click({ modifiers: ['Control'] });
  await grid.press('Delete');
  await expect(page.getByText('2 tasks moved to the trash.')).toBeVisible();
  await expect(taskRows(page)).toHaveCount(3);
  await expect.poll(() => onDisk(NAMES[0])).toBe(false);

  await more(page, 'Trash…');
  const options = page.getByRole('option');
  await expect(options).toHaveCount(2);
  // The titles stand above what they are titles of.
  const titles = await page.locator('.pyr-trash-head').boundingBox();
  const entry = await page.locator('.pyr-trash-row').nth(1).boundingBox();
  expect(titles!.x).toBe(entry!.x);
  expect(titles!.y + titles!.height).toBeLessThanOrEqual(entry!.y);
  await picture(page, 'lifecycle-trash');

  // One comes back, with its tags.
  await options.filter({ hasText: NAMES[1] }).click();
  await page.getByRole('button', { name: 'Restore' }).click();
  await expect(options).toHaveCount(1);
  await expect.poll(() => onDisk(NAMES[1])).toBe(true);

  // The other one is deleted for ever, but only after a question.
  await options.first().click();
  await page.getByRole('listbox', { name: 'Trash' }).press('Delete');
  const dialog = page.getByRole('dialog');
  await expect(
    dialog.getByText(`Permanently delete ${NAMES[0]}?`)
  ).toBeVisible();
  await picture(page, 'lifecycle-purge');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(options).toHaveCount(1);
  await page.getByRole('button', { name: 'Delete permanently' }).click();
  await dialog.getByRole('button', { name: 'Delete permanently' }).click();
  await expect(page.getByText('The trash is empty')).toBeVisible();
  const trash = path.join(ROOT, 'life', '_pyruns_', 'fit', 'tasks', '.trash');
  const left = () =>
    fs.existsSync(trash)
      ? fs.readdirSync(trash).filter(name => !name.startsWith('.'))
      : [];
  await expect.poll(left).toEqual([]);

  await page.getByRole('button', { name: 'Back to tasks' }).click();
  await expect(taskRows(page)).toHaveCount(4);
  await expect(taskRow(page, NAMES[1]).getByText('best one')).toBeVisible();
  await expect(taskRow(page, NAMES[0])).toHaveCount(0);
});
