import type { Page } from '@playwright/test';
import * as fs from 'fs';
import * as path from 'path';

import {
  makeProject,
  openInPyruns,
  openLab,
  openPage,
  pictures,
  taskRows
} from '../support/journey';
import { expect, test } from '../support/test';

// Eighteen runs, each of which starts Python.
test.setTimeout(400 * 1000);

const ROOT = process.env.PYRUNS_UI_ROOT as string;

const NET = `
import argparse, math, random
import pyruns_jupyter as pyruns
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--bs", type=int, default=32)
parser.add_argument("--opt", default="sgd")
args = parser.parse_args()
if args.bs == 512:
    raise RuntimeError(f"out of memory: {args.lr}")
chance = random.Random(f"{args.lr} {args.bs} {args.opt}")
best = (0.9 if args.opt == "adam" else 0.85) - abs(math.log10(args.lr) + 2) / 5
for step in range(200):
    loss = 2 * math.exp(-step * best / 40) + chance.random() * 0.1
    pyruns.track(step=step, loss=loss, acc=best * (1 - math.exp(-step / 30)))
pyruns.record(test_acc=best)
`;

async function saved(page: Page, item: string): Promise<string> {
  await page.getByRole('button', { name: 'Export' }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: item }).click()
  ]);
  return fs.readFileSync(await download.path(), 'latin1');
}

test('from a sweep to what counts', async ({ page, baseURL }) => {
  makeProject(ROOT, 'net', 'net.py', NET);
  await openLab(page, baseURL as string, 'net');
  await openInPyruns(page, 'net.py');
  await page.getByLabel('lr', { exact: true }).fill('0.1 | 0.01 | 0.001');
  await page.getByLabel('bs', { exact: true }).fill('32 | 128 | 512');
  await page.getByLabel('opt', { exact: true }).fill('sgd | adam');
  await page.getByLabel('Parallel tasks').fill('4');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page)).toHaveCount(18);
  await expect(taskRows(page).getByText('Completed')).toHaveCount(12, {
    timeout: 180000
  });
  const compare = page
    .getByRole('toolbar', { name: 'Task actions' })
    .getByRole('button', { name: 'Compare' });
  await expect(compare).toBeDisabled();
  await page.getByRole('checkbox', { name: 'Select all tasks' }).click();
  await expect(compare).toBeEnabled();
  await compare.click();

  const panel = page.getByRole('tabpanel', { name: 'net/net: Compare' });
  const tab = (name: string | RegExp) => panel.getByRole('tab', { name });
  const table = panel.getByRole('table');
  await expect(table.getByRole('row')).toHaveCount(19);
  await expect(
    table.getByRole('row').filter({ hasText: '(best)' }).first()
  ).toContainText('lr=0.01');
  await table.getByRole('button', { name: 'test_acc', exact: true }).click();
  await pictures(page, 'compare-table');

  // The list shows the values in columns, none of them cut, and can be widened.
  const list = panel.getByRole('navigation', { name: 'Compared tasks' });
  const values = list
    .getByRole('button', { name: 'lr=0.001, bs=512, opt=adam' })
    .locator('span');
  await expect(values).toHaveCount(3);
  for (const value of await values.all()) {
    expect(
      await value.evaluate(each => each.scrollWidth <= each.clientWidth)
    ).toBe(true);
  }
  const width = (await list.boundingBox())!.width;
  const edge = (await list.getByTitle(/Drag to resize/).boundingBox())!;
  await page.mouse.move(edge.x + 3, edge.y + 200);
  await page.mouse.down();
  await page.mouse.move(edge.x + 103, edge.y + 220, { steps: 4 });
  await page.mouse.up();
  await expect
    .poll(async () => Math.round((await list.boundingBox())!.width - width))
    .toBe(100);

  await tab('Curves').click();
  await expect(
    panel.getByRole('img', { name: /Curves of loss/ })
  ).toBeVisible();
  // Only metrics with curves are offered.
  await expect(
    panel
      .getByRole('group', { name: 'Metrics' })
      .getByRole('button', { name: 'test_acc' })
  ).toHaveCount(0);
  await expect(panel.getByRole('img', { name: /Curves of acc/ })).toBeVisible();
  await panel.getByLabel('Smoothing').fill('0.6');
  await panel.getByLabel('Log y').check();
  const chart = panel.locator('.pyr-chart').first();
  // A line may arrive after the pointer, which then has to move.
  let x = 250;
  await expect(async () => {
    await chart.hover({ position: { x: x++, y: 90 } });
    await expect(panel.locator('.pyr-chart-tip')).toContainText('step', {
      timeout: 1000
    });
  }).toPass();
  await pictures(page, 'compare-curves');

  // A part of the axis is chosen in one chart and shown in all.
  const box = await chart.boundingBox();
  if (!box) {
    throw new Error('no chart');
  }
  await page.mouse.move(box.x + 120, box.y + 100);
  await page.mouse.down();
  await page.mouse.move(box.x + 220, box.y + 110, { steps: 5 });
  await page.mouse.up();
  await expect(panel.getByRole('button', { name: 'Show all' })).toBeVisible();
  await chart.dblclick();
  await expect(panel.getByRole('button', { name: 'Show all' })).toHaveCount(0);

  for (const [name, picture] of [
    ['Parallel', /Parallel coordinates of 18 tasks/],
    ['Scatter', /over lr of 18 tasks/],
    ['Heatmap', /Mean of .* over lr and (opt|bs)/],
    ['Importance', /^lr \d+%/]
  ] as const) {
    await tab(name).click();
    await expect(panel.getByRole('img', { name: picture })).toBeVisible();
    await pictures(page, `compare-${name.toLowerCase()}`);
  }

  await tab(/Failures/).click();
  await expect(tab(/Failures/)).toContainText('6');
  await expect(panel.getByText('RuntimeError: out of memory')).toBeVisible();
  await expect(panel.getByText('All 6: bs=512')).toContainText(
    'not true of the other 12 tasks'
  );
  await pictures(page, 'compare-failures');

  // As files.
  const csv = await saved(page, 'Table (CSV)');
  expect(csv.split('\r\n')[0]).toBe(
    'name,status,lr,bs,opt,loss,acc,test_acc,step'
  );
  expect(csv.trimEnd().split('\r\n')).toHaveLength(19);
  await tab('Scatter').click();
  expect(await saved(page, 'Charts (SVG)')).toMatch(/^<svg [\s\S]*<\/svg>$/);
  expect((await saved(page, 'Charts (PNG)')).slice(1, 4)).toBe('PNG');
  const report = await saved(page, 'Report (HTML)');
  expect(report.match(/<svg xmlns/g)?.length).toBeGreaterThanOrEqual(5);
  const view = await page.context().newPage();
  const asked: string[] = [];
  view.on('request', request => asked.push(request.url()));
  await view.setContent(report);
  await expect(view.getByRole('heading', { level: 1 })).toHaveText('net/net');
  expect(asked.filter(url => /^http/.test(url))).toEqual([]);
  await view.close();

  // Tasks that are gone are told; the choice is there again after a reload.
  await panel
    .getByLabel(/^Remove net_01_.* from the comparison/)
    .click({ force: true });
  await openPage(page, 'Tasks');
  await page.getByRole('tab', { name: 'net/net: Compare' }).click();
  await tab('Table').click();
  await expect(table.getByRole('row')).toHaveCount(18);
  fs.rmSync(
    path.join(
      ROOT,
      'net',
      '_pyruns_',
      'net',
      'tasks',
      'net_02_lr=0.1,bs=32,opt=adam'
    ),
    { recursive: true }
  );
  await expect(panel.getByText(/1 task no longer exists/)).toBeVisible();
  // The notification of the failures lies over the corner.
  await panel
    .getByRole('button', { name: 'Remove from the comparison' })
    .press('Enter');
  await expect(table.getByRole('row')).toHaveCount(17);
});
