import type { Page } from '@playwright/test';
import * as fs from 'fs';
import * as path from 'path';

import {
  logBytes,
  makeProject,
  openInPyruns,
  openLab,
  picture,
  reload,
  savedLayout,
  taskFolder,
  taskInfo,
  taskRow,
  taskRows,
  terminal
} from '../support/journey';
import { expect, test } from '../support/test';

test.setTimeout(500 * 1000);

const LRS = ['0.01', '0.1', '1'];
const SEEDS = ['0', '1'];
const NAMES = LRS.flatMap((lr, i) =>
  SEEDS.map((seed, j) => `train_${2 * i + j + 1}_lr=${lr},seed=${seed}`)
);
// Learns nothing, and does not end before the test says so.
const QUICK = `
import argparse, os, time
import pyruns_jupyter as pyruns
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
for epoch in range(1, 11):
    print(f"epoch {epoch}/10", flush=True)
    time.sleep(0.1)
    while epoch == 3 and not os.path.exists("go"):
        time.sleep(0.1)
pyruns.record(acc=args.lr / 7 + args.seed)
`;

const FINISHED = { timeout: 180 * 1000 };

const ROOT = process.env.PYRUNS_UI_ROOT as string;

test('six tasks of digits, two at a time, from the file browser to the table', async ({
  page,
  baseURL
}) => {
  await openLab(page, baseURL as string, 'digits');
  await openInPyruns(page, 'train.py');

  const sidebar = page.getByRole('region', { name: 'Pyruns' });
  await expect(sidebar.getByText('digits/train.py')).toBeVisible();
  const outcome = page.getByRole('complementary', {
    name: 'Preview'
  });
  await expect(outcome.getByText('1 task', { exact: true })).toBeVisible();

  await page.getByLabel('lr', { exact: true }).fill(LRS.join(' | '));
  await expect(outcome.getByText('3 tasks', { exact: true })).toBeVisible();
  await page.getByLabel('seed', { exact: true }).fill(SEEDS.join(' | '));
  await expect(outcome.getByText('6 tasks', { exact: true })).toBeVisible();
  for (const name of NAMES) {
    await expect(
      outcome.getByRole('cell', { name, exact: true })
    ).toBeVisible();
  }
  // The same document, as text.
  await page.getByRole('tab', { name: 'YAML' }).click();
  await expect(
    page.getByText('lr: 0.01 | 0.1 | 1', { exact: false }).first()
  ).toBeVisible();
  await page.getByRole('tab', { name: 'Form' }).click();
  await picture(page, 'generator-light');

  await page.getByLabel('Parallel tasks').fill('2');
  await page.getByRole('button', { name: 'Create and run' }).click();

  // The table comes up and lives, without a reload.
  await expect(taskRows(page)).toHaveCount(6);
  await expect(taskRows(page).getByText('Queued')).not.toHaveCount(0);
  await expect(taskRows(page).getByText('Running')).toHaveCount(2, {
    timeout: 60000
  });

  await taskRow(page, NAMES[5]).dblclick();
  await expect(terminal(page)).toContainText('epoch 1/10', FINISHED);
  await expect(terminal(page)).toContainText('epoch 5/10', FINISHED);
  await picture(page, 'monitor-light');
  await expect(terminal(page)).toContainText('[PYRUNS] Exit code: 0', FINISHED);

  await page.getByRole('tab', { name: 'digits/train: Tasks' }).click();
  await expect(taskRows(page).getByText('Completed')).toHaveCount(6, FINISHED);
  for (const name of NAMES) {
    const info = taskInfo(taskFolder(ROOT, 'digits', 'train', name));
    expect(info.exit_codes).toEqual([0]);
    const shown = Number(info.records[0].acc.toPrecision(4)).toString();
    await expect(taskRow(page, name)).toContainText(shown);
  }
  expect(mostAtOnce(ROOT)).toBe(2);
  await picture(page, 'manager-light');

  await page.evaluate(() =>
    window.jupyterapp.commands.execute('apputils:change-theme', {
      theme: 'JupyterLab Dark'
    })
  );
  await expect(page.locator('body')).toHaveAttribute(
    'data-jp-theme-light',
    'false'
  );
  await expect(page.locator('#jupyterlab-splash')).toHaveCount(0);
  await picture(page, 'manager-dark');
});

test('a quick script, with the server killed and restarted in the middle', async ({
  page,
  serve
}) => {
  const server = await serve(root =>
    makeProject(root, 'quick', 'train.py', QUICK)
  );
  await openLab(page, server.url, 'quick');
  await openInPyruns(page, 'train.py');
  await page.getByLabel('lr', { exact: true }).fill(LRS.join(' | '));
  await page.getByLabel('seed', { exact: true }).fill(SEEDS.join(' | '));
  await page.getByLabel('Parallel tasks').fill('2');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page).getByText('Running')).toHaveCount(2, {
    timeout: 60000
  });
  const first = taskFolder(server.root, 'quick', 'train', NAMES[0]);
  await taskRow(page, NAMES[0]).dblclick();
  await expect(terminal(page)).toContainText('epoch 1/10', FINISHED);
  // Lab saves a layout once after a change, and not when the server is back.
  const layout = /"page": ?"monitor"[^}]*train_1_lr=0.01,seed=0/;
  await savedLayout(server.root, layout);

  await server.kill();
  const before = logBytes(first).length;
  await expect(page.getByText(/Reconnecting/).first()).toBeVisible();
  // The run goes on with nobody there.
  fs.writeFileSync(path.join(server.root, 'quick', 'go'), '');
  await expect.poll(() => taskInfo(first).status, FINISHED).toBe('completed');
  expect(logBytes(first).length).toBeGreaterThan(before);
  await server.start();

  // The open page comes back by itself, with the whole log.
  await expect(terminal(page)).toContainText('[PYRUNS] Exit code: 0', FINISHED);
  await expectWholeLog(page, first);

  // And so does a page that is loaded anew: layout, table and log.
  await reload(page, server.root, layout);
  await page.getByRole('tab', { name: 'quick/train: Logs' }).click();
  await expect(terminal(page)).toContainText('[PYRUNS] Exit code: 0');
  await expectWholeLog(page, first);
  await page.getByRole('tab', { name: 'quick/train: Tasks' }).click();
  await expect(taskRows(page).getByText('Completed')).toHaveCount(6, FINISHED);
  for (const name of NAMES) {
    const folder = taskFolder(server.root, 'quick', 'train', name);
    const info = taskInfo(folder);
    expect(info.run_attempt_ids).toHaveLength(1);
    expect(info.exit_codes).toEqual([0]);
    await expect(taskRow(page, name)).toContainText(
      Number(info.records[0].acc.toPrecision(4)).toString()
    );
  }
});

/** The most tasks that ran at once, now that all have ended. */
function mostAtOnce(root: string): number {
  const times = NAMES.map(name => {
    const info = taskInfo(taskFolder(root, 'digits', 'train', name));
    return { begin: info.start_times[0], end: info.finish_times[0] };
  });
  // At each start; stamps of whole seconds are in the order of time as text.
  const running = times.map(({ begin }) => {
    const others = times.filter(one => one.begin <= begin && begin < one.end);
    return others.length;
  });
  return Math.max(...running);
}

/** Every line of the log file is on the screen, once and in order. */
async function expectWholeLog(page: Page, folder: string): Promise<void> {
  const lines = logBytes(folder).toString('utf-8').trimEnd().split('\n');
  await expect
    .poll(async () =>
      (await terminal(page).locator('> div').allTextContents())
        .map(line => line.replace(/\u00a0/g, ' ').trimEnd())
        .filter(line => line !== '')
    )
    .toEqual(lines.map(line => line.trimEnd()));
}
