import * as fs from 'fs';
import * as path from 'path';

import {
  makeProject,
  openInPyruns,
  openLab,
  pictures,
  taskFolder,
  taskInfo,
  taskRows,
  terminal
} from '../support/journey';
import { expect, test } from '../support/test';

test.setTimeout(360 * 1000);

const ROOT = process.env.PYRUNS_UI_ROOT as string;

const SCRIPT = `\
import argparse
import os
import threading
import time

import pyruns_jupyter as pyruns

parser = argparse.ArgumentParser()
parser.add_argument("--bs", type=int, default=32)
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()
pyruns.track(step=0, loss=1.0)
if args.bs == 512:
    raise MemoryError(f"CUDA out of memory. Tried to allocate {args.lr} GiB")


def release(lock):
    while not os.path.exists("go"):
        time.sleep(0.1)
    lock.release()


def waiting(lock):
    lock.acquire()


if args.bs == 7:
    lock = threading.Lock()
    lock.acquire()
    threading.Thread(target=release, args=[lock]).start()
    print("waiting", flush=True)
    waiting(lock)
`;

test('a batch with failures is summarized, and its tasks can be run again', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'failures', 'net.py', SCRIPT);
  await openLab(page, baseURL as string, 'failures');
  await openInPyruns(page, 'net.py');
  await page.getByLabel('bs', { exact: true }).fill('32 | 512');
  await page.getByLabel('lr', { exact: true }).fill('0.1 | 0.2 | 0.3');
  await page.getByLabel('Parallel tasks').fill('2');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page)).toHaveCount(6);
  const summary = page.getByText(
    /3 of 6 tasks failed: 3 MemoryError: CUDA out of memory.*, all with bs=512/
  );
  await expect(summary.first()).toBeVisible({ timeout: 150_000 });
  await page.getByRole('button', { name: 'Show failures' }).click();

  const panel = page.getByRole('tabpanel', { name: /Failures/ });
  await expect(panel.getByText('All 3: bs=512')).toBeVisible();
  await expect(panel.getByText(/Reserve more GPU memory/)).toBeVisible();
  for (const name of [
    'Run again with an exclusive GPU',
    'Run again',
    'New sweep from these configurations'
  ]) {
    await expect(
      panel.getByRole('button', { name, exact: true })
    ).toBeEnabled();
  }
  await pictures(page, 'failures');
  await page.setViewportSize({ width: 1000, height: 700 });
  await pictures(page, 'failures-small');
  await page.setViewportSize({ width: 1440, height: 900 });

  await panel.getByRole('button', { name: 'Run again sequentially' }).click();
  for (const name of ['net_4_bs=512,lr=0.1', 'net_6_bs=512,lr=0.3']) {
    const codes = () =>
      taskInfo(taskFolder(ROOT, 'failures', 'net', name)).exit_codes;
    await expect.poll(codes, { timeout: 120_000 }).toEqual([1, 1]);
  }
  await expect(panel.getByText('All 3: bs=512')).toBeVisible();
  await panel
    .getByRole('button', { name: 'New sweep from these configurations' })
    .click();
  await expect(page.getByLabel('lr', { exact: true })).toHaveValue(
    '(0.1 | 0.2 | 0.3)'
  );
  await expect(page.getByLabel('bs', { exact: true })).toHaveValue('512');
  await page.getByLabel('bs', { exact: true }).fill('64');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page)).toHaveCount(9);
});

test('the stacks of a run that hangs are shown next to its log', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'stacks', 'net.py', SCRIPT);
  await openLab(page, baseURL as string, 'stacks');
  await openInPyruns(page, 'net.py');
  await page.getByLabel('bs', { exact: true }).fill('7');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page)).toHaveCount(1);
  await expect(taskRows(page).getByText('Running')).toHaveCount(1, {
    timeout: 60_000
  });
  await taskRows(page).dblclick();
  await expect(terminal(page)).toContainText('waiting');
  await page
    .getByRole('button', {
      name: 'Show what each process of the run is doing, with its Python stack'
    })
    .click();
  const stacks = page.getByRole('region', { name: 'Stacks' });
  await expect(stacks).toContainText('in waiting', { timeout: 60_000 });
  await expect(stacks).toContainText('Waiting for: a lock, or another thread');
  await pictures(page, 'stacks');
  await page.setViewportSize({ width: 1000, height: 700 });
  await pictures(page, 'stacks-small');
  // The request is held until the page has been seen to wait for its answer.
  const requests = /\/tasks\/[^/]+\/stacks\b/;
  let release = (): void => undefined;
  const isSeen = new Promise<void>(resolve => {
    release = resolve;
  });
  await page.route(requests, async route => {
    await isSeen;
    await route.continue();
  });
  await stacks.getByRole('button', { name: 'Read the stacks again' }).click();
  await expect(stacks.getByRole('status')).toHaveText('Reading the stacks…');
  release();
  await expect(stacks.getByRole('status')).toHaveCount(0, { timeout: 60_000 });
  await page.unroute(requests);

  fs.writeFileSync(path.join(ROOT, 'stacks', 'go'), '');
  await expect(
    stacks.getByRole('button', { name: 'Read the stacks again' })
  ).toHaveCount(0, { timeout: 30_000 });
  await expect(stacks).toContainText('in waiting');
  await stacks.getByRole('button', { name: 'Close the stacks' }).click();
  await expect(stacks).toHaveCount(0);
});
