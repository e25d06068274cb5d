import type { Locator, Page } from '@playwright/test';
import * as fs from 'fs';

import {
  logBytes,
  makeProject,
  openInPyruns,
  openLab,
  picture,
  pictures,
  reload,
  taskFolder,
  taskInfo,
  taskRow,
  taskRows,
  terminal
} from '../support/journey';
import { expect, test } from '../support/test';

const ROOT = process.env.PYRUNS_UI_ROOT as string;

const SPEAKER = `
import argparse, math, os, pathlib, time
import pyruns_jupyter
parser = argparse.ArgumentParser()
parser.add_argument("--kind", default="long", choices=["long", "train"])
parser.add_argument("--lines", type=int, default=400000)
args = parser.parse_args()
if args.kind == "long":
    print("see https://example.org/how?a=1 for help", flush=True)
    # The first lines are older than the others.
    times = pathlib.Path(os.environ["PYRUNS_TASK_DIR"], "run_logs", "run1.times")
    while not times.exists() or times.stat().st_size == 0:
        time.sleep(0.1)
    time.sleep(2)
    for number in range(args.lines):
        print(f"line {number} {'needle' if number % 25000 == 7 else 'hay'} {'x' * 40}")
    print("see https://example.org/how?a=1 for help", flush=True)
else:
    for step in range(10_000):
        loss = 2 * math.exp(-step / 40)
        pyruns_jupyter.track(step=step, loss=loss, acc=1 - loss / 2)
        print(f"step {step}: loss {loss:.4f}", flush=True)
        time.sleep(0.1)
`;

async function run(page: Page, kinds: string, lines: string): Promise<void> {
  await page.getByLabel('kind', { exact: true }).fill(kinds);
  await page.getByLabel('lines', { exact: true }).fill(lines);
  await page.getByLabel('Parallel tasks').fill('2');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page).first()).toBeVisible();
}

const count = (page: Page): Locator => page.locator('.pyr-find-count');

test('a long log is read from its end, searched and taken along', async ({
  page,
  baseURL
}) => {
  // A log of 13 MB is written, drawn screen by screen, searched and downloaded.
  test.setTimeout(400 * 1000);
  makeProject(ROOT, 'long', 'speak.py', SPEAKER);
  await openLab(page, baseURL as string, 'long');
  await openInPyruns(page, 'speak.py');
  await run(page, 'long', '200000');
  const folder = taskFolder(ROOT, 'long', 'speak', 'speak');
  await expect
    .poll(() => taskInfo(folder).status, { timeout: 120000 })
    .toBe('completed');
  await taskRow(page, 'speak').dblclick();
  await expect(terminal(page)).toContainText('line 199999 hay');
  await expect(terminal(page)).toContainText('Exit code: 0');

  // Up from the end: what comes before is loaded, and nothing is left out.
  await page.locator('.pyr-screen').click();
  // While lines are written anew, those that are there stand behind a picture.
  const lines = () =>
    terminal(page)
      .locator('> div')
      .evaluateAll(rows =>
        document.querySelector('.pyr-freeze-frame')
          ? []
          : rows.flatMap(row => {
              const found = /^line.(\d+)/.exec(row.textContent ?? '');
              return found ? [Number(found[1])] : [];
            })
      );
  const up = async () => {
    for (let key = 0; key < 15; key++) {
      await page.keyboard.press('PageUp');
    }
    const seen = await lines();
    expect(seen).toEqual(seen.map((_, index) => seen[0] + index));
    return seen[0] ?? Infinity;
  };
  await expect.poll(up, { timeout: 120000 }).toBeLessThan(197000);

  // The whole file is searched, with a regular expression.
  const find = page.getByRole('textbox', { name: 'Find in the log' });
  await page.keyboard.press('Control+f');
  await expect(find).toBeFocused();
  await page.keyboard.type('line \\d+ needle');
  await page.getByRole('button', { name: 'Regular expression' }).click();
  await expect(count(page)).toHaveText(/^[78] of 8$/);
  const current = page.locator('.pyr-hit.pyr-is-current');
  await expect(current.first()).toBeVisible();
  const [last] = (await count(page).textContent()) ?? '';
  for (let hit = Number(last) - 1; hit > 0; hit--) {
    await find.press('Shift+Enter');
    await expect(count(page)).toHaveText(`${hit} of 8`);
  }
  await expect(terminal(page)).toContainText('line 7 needle');
  await find.fill('(');
  await expect(page.locator('.pyr-find-message')).toContainText(
    'Invalid regular expression'
  );
  await find.press('Escape');

  // When it was written; the first line is older than the rest.
  await page.getByRole('button', { name: 'Show or hide timestamps' }).click();
  await expect(page.locator('.pyr-log-time').first()).toHaveText(
    /^\d\d:\d\d:\d\d$/
  );
  await expect
    .poll(() => page.locator('.pyr-log-time').count())
    .toBeGreaterThan(1);
  await pictures(page, 'monitor-times');

  // An address that a program printed is told before it is opened.
  const pages = page.context().pages().length;
  const link = terminal(page).getByText('https://example.org/how?a=1');
  const place = await link.boundingBox();
  if (!place) {
    throw new Error('no link');
  }
  await page.mouse.move(place.x + 150, place.y + 6);
  await page.mouse.move(place.x + 160, place.y + 6);
  await page.mouse.click(place.x + 160, place.y + 6);
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('https://example.org/how?a=1');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  expect(page.context().pages()).toHaveLength(pages);

  // Lines that are not wrapped; back to the end; the file.
  await page
    .getByRole('button', { name: 'Wrap or truncate long lines' })
    .click();
  await expect(
    page.getByRole('button', { name: 'Wrap or truncate long lines' })
  ).toHaveAttribute('aria-pressed', 'false');
  await page.getByRole('button', { name: /^Jump to latest/ }).click();
  await expect(terminal(page)).toContainText('Exit code: 0');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download the log' }).click()
  ]);
  expect(download.suggestedFilename()).toBe('speak-run1.log');
  const file = fs.readFileSync(await download.path());
  // toEqual() would look at each byte as a property, for a quarter of a minute.
  expect(file.equals(logBytes(folder))).toBe(true);
});

test('logs beside each other, with the curves of a run that goes on', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'beside', 'speak.py', SPEAKER);
  await openLab(page, baseURL as string, 'beside');
  await openInPyruns(page, 'speak.py');
  await run(page, 'train | long', '300');
  await taskRow(page, 'speak_1_kind=train').dblclick();
  await expect(terminal(page)).toContainText(/step \d+: loss/);
  const shown = await terminal(page).textContent();
  await expect(terminal(page)).not.toHaveText(shown as string);
  await page
    .getByRole('button', { name: 'Show or hide curves next to the log' })
    .click();
  const curves = page.getByRole('complementary', {
    name: 'Curves of the run'
  });
  await expect(curves.getByText('loss', { exact: true })).toBeVisible();
  await expect(curves.getByText('acc', { exact: true })).toBeVisible();
  await expect(curves.getByLabel('X axis')).toHaveValue('step');
  const last = curves.locator('.pyr-log-curve-last').first();
  const before = await last.textContent();
  await expect(last).not.toHaveText(before as string);
  await pictures(page, 'monitor-curves');

  await page
    .locator('.pyr-monitor [data-task="speak_2_kind=long"]')
    .click({ modifiers: ['Control'] });
  const pane = (name: string) =>
    page.getByRole('region', { name, exact: true });
  const [left, right] = [pane('speak_1_kind=train'), pane('speak_2_kind=long')];
  await expect(right).toContainText('line 299 hay');
  await expect(left).toContainText(/step \d+: loss/);
  await expect(left).not.toContainText('hay');
  await expect(right).not.toContainText('step 1');
  await pictures(page, 'monitor-beside');

  // In a narrow window, no header covers the other one, and its close button stays next to the name.
  await page.setViewportSize({ width: 1000, height: 700 });
  for (const one of [left, right]) {
    await expect
      .poll(() =>
        one.locator('.pyr-log-head').evaluate(head => {
          const [title, close] = [...head.children].map(child =>
            child.getBoundingClientRect()
          );
          return {
            isNarrow: head.clientWidth < 300,
            isCovering: head.scrollWidth > head.clientWidth,
            isNextTo: close.top < title.bottom
          };
        })
      )
      .toEqual({ isNarrow: true, isCovering: false, isNextTo: true });
  }
  await picture(page, 'monitor-narrow');
  await page.setViewportSize({ width: 1440, height: 900 });

  await reload(page, ROOT, /"beside": ?\[\s*"speak_2_kind=long/);
  await expect(right).toContainText('line 299 hay');
  await expect(left).toContainText(/step \d+: loss/);
  await right.getByRole('button', { name: 'Close this log' }).click();
  await expect(right).toHaveCount(0);

  // The view stays where the user scrolled to while the log grows.
  await left.locator('.pyr-screen').click();
  await expect(terminal(page)).not.toContainText(/step\s0:/);
  await page.keyboard.press('Home');
  await expect(terminal(page)).toContainText(/step\s0:/);
  const read = (await terminal(page).textContent()) as string;
  const size = left.locator('.pyr-log-fact.pyr-faint');
  await expect(size).not.toHaveText((await size.textContent()) as string);
  await expect(terminal(page)).toHaveText(read);
  await page.keyboard.press('End');
  await expect(terminal(page)).not.toContainText(/step\s0:/);
  await page
    .getByRole('toolbar', { name: 'Log actions' })
    .getByRole('button', { name: 'Stop' })
    .click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: 'Stop', exact: true })
    .click();
  await expect(left).toContainText('Cancelled');
});
