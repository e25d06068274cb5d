import type { IJupyterLabPageFixture } from '@jupyterlab/galata';
import type { Locator, Page } from '@playwright/test';

import {
  makeProject,
  openInPyruns,
  openLab,
  pressAltY,
  taskRow,
  taskRows,
  terminal
} from '../support/journey';
import { expect, test } from '../support/test';

const ROOT = process.env.PYRUNS_UI_ROOT as string;

const SCRIPT = `
import argparse
import pyruns_jupyter
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()
for step in range(50):
    pyruns_jupyter.track(step=step, loss=args.lr / (step + 1))
print("done with", args.lr)
`;

/** Press Tab, or Shift+Tab, until something has the focus. */
async function tabTo(page: Page, target: Locator, key = 'Tab'): Promise<void> {
  const isThere = () =>
    target.evaluate(element => element === document.activeElement);
  for (let times = 0; times < 60; times++) {
    if (await isThere()) {
      return;
    }
    await page.keyboard.press(key);
  }
  await expect(target).toBeFocused();
}

/** What takes a pointer, but cannot be reached with keys. */
async function onlyByPointer(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const POINTER = ['onClick', 'onDoubleClick', 'onPointerDown', 'draggable'];
    // The grid itself has the focus; its keys do what its rows and edges do.
    const BY_GRID = '.pyr-grid .pyr-row, .pyr-column-head, .pyr-resizer';
    return [...document.querySelectorAll<HTMLElement>('.pyr-page *')]
      .filter(element => {
        // React attaches no listeners to elements; it keeps them here.
        const key = Object.keys(element).find(name =>
          name.startsWith('__reactProps$')
        );
        const props = key
          ? (element as unknown as Record<string, Record<string, unknown>>)[key]
          : {};
        return (
          POINTER.some(name => props[name]) &&
          element.getClientRects().length > 0 &&
          !element.matches(
            `button, input, select, textarea, a[href], label, summary, [tabindex], ${BY_GRID}`
          )
        );
      })
      .map(element => element.outerHTML.slice(0, 160));
  });
}

async function checkPage(
  page: IJupyterLabPageFixture,
  name: string
): Promise<void> {
  expect.soft(await onlyByPointer(page), name).toEqual([]);
}

test('a sweep from its values to a part of its curves, by keys alone', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'keys', 'type.py', SCRIPT);
  await openLab(page, baseURL as string, 'keys');
  // Lab's own menu; from here on the mouse rests.
  await openInPyruns(page, 'type.py');
  const field = page.getByLabel('lr', { exact: true });
  await expect(field).toBeVisible();
  await checkPage(page, 'Generator');
  await tabTo(page, field);
  await page.keyboard.press('Control+a');
  await page.keyboard.type('1 | 2');
  const create = page.getByRole('button', { name: 'Create and run' });
  await expect(create).toBeEnabled();
  await tabTo(page, create);
  await page.keyboard.press('Enter');
  await expect(taskRows(page).getByText('Completed')).toHaveCount(2, {
    timeout: 60000
  });

  // A column is made wider, and one that cannot be sorted has its menu too.
  await checkPage(page, 'Manager');
  const curve = page.getByRole('columnheader', { name: 'loss curve' });
  await expect(curve).toBeVisible();
  const head = page.getByRole('columnheader', { name: 'lr' });
  const before = (await head.boundingBox())?.width ?? 0;
  await tabTo(page, head.getByRole('button', { name: 'lr' }));
  await page.keyboard.press('ContextMenu');
  await page.getByRole('menuitem', { name: 'Wider' }).press('Enter');
  await expect
    .poll(async () => (await head.boundingBox())?.width)
    .toBeGreaterThan(before + 20);
  await tabTo(page, curve.getByRole('button'));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem', { name: 'Hide' })).toBeVisible();
  await page.keyboard.press('Escape');

  // The log of one task, and back.
  const grid = page.getByRole('grid', { name: 'Tasks' });
  await tabTo(page, grid, 'Shift+Tab');
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  await expect(terminal(page)).toContainText('done with');
  await checkPage(page, 'Monitor');
  await pressAltY(page, 't');
  await expect(grid).toBeVisible();

  // Both are compared.
  await tabTo(page, grid);
  await page.keyboard.press('Home');
  await page.keyboard.press('Space');
  await page.keyboard.press('Shift+ArrowDown');
  await expect(taskRow(page, 'type_2_lr=2')).toHaveAttribute(
    'aria-selected',
    'true'
  );
  // The toolbar is one stop of Tab; arrow keys lead to its buttons.
  const toolbar = page.getByRole('toolbar', { name: 'Task actions' });
  const makeTasks = toolbar.locator('[data-command="pyruns:open-generator"]');
  const compare = toolbar.locator('[data-command="pyruns:compare-tasks"]');
  await tabTo(page, makeTasks, 'Shift+Tab');
  await tabTo(page, compare, 'ArrowRight');
  await page.keyboard.press('Enter');
  const panel = page.getByRole('tabpanel', { name: 'keys/type: Compare' });
  await tabTo(page, panel.getByRole('tab', { name: 'Table' }));
  await checkPage(page, 'Compare');
  await page.keyboard.press('ArrowRight');
  const chart = panel.getByRole('application', { name: /Curves of loss/ });
  await tabTo(page, chart);
  await checkPage(page, 'Curves');
  await page.keyboard.press('ArrowRight');
  await expect(chart.getByRole('status')).toContainText('step 0');
  await page.keyboard.press('ArrowRight');
  await expect(chart.getByRole('status')).not.toContainText('step 0,');

  // A part of the lower axis, and all of it again.
  const whole = panel.getByRole('button', { name: 'Show all' });
  for (let times = 0; times < 8; times++) {
    await page.keyboard.press('Shift+ArrowRight');
  }
  await expect(whole).toBeHidden();
  await page.keyboard.press('Enter');
  await expect(whole).toBeVisible();
  await expect(chart).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(whole).toBeHidden();
});
