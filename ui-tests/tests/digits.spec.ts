import type { Page } from '@playwright/test';

import {
  logBytes,
  makeProject,
  openInPyruns,
  openLab,
  picture,
  reload,
  taskFolder,
  taskInfo,
  taskRow,
  taskRows,
  terminal
} from '../support/journey';
import { expect, test } from '../support/test';

test.setTimeout(300 * 1000);

const LRS = ['0.01', '0.1', '1'];
const SEEDS = ['0', '1'];
const NAMES = LRS.flatMap((lr, i) =>
  SEEDS.map((seed, j) => `train_${2 * i + j + 1}_lr=${lr},seed=${seed}`)
);
// Learns nothing, but takes as long.
const QUICK = `
import argparse, time
import pyruns_jupyter as pyruns
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
for epoch in range(1, 11):
    print(f"epoch {epoch}/10", flush=True)
    time.sleep(0.4)
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
  await expect(taskRows(page).getByText('Running')).toHaveCount(2);
  await expect(taskRows(page).getByText('Queued')).not.toHaveCount(0);
  expect(await mostAtOnce(ROOT)).toBe(2);

  // A log moves while it is watched.
  await taskRow(page, NAMES[5]).dblclick();
  await expect(terminal(page)).toContainText('epoch 1/10', FINISHED);
  const early = (await terminal(page).textContent())?.length ?? 0;
  await expect(terminal(page)).toContainText('epoch 5/10', FINISHED);
  expect((await terminal(page).textContent())?.length).toBeGreaterThan(early);
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
  await expect(taskRows(page).getByText('Running')).toHaveCount(2);
  const first = taskFolder(server.root, 'quick', 'train', NAMES[0]);
  await taskRow(page, NAMES[0]).dblclick();
  await expect(terminal(page)).toContainText('epoch 1/10', FINISHED);

  await server.kill();
  const before = logBytes(first).length;
  await expect(page.getByText(/Reconnecting/).first()).toBeVisible();
  // The run goes on with nobody there.
  await expect.poll(() => taskInfo(first).status, FINISHED).toBe('completed');
  expect(logBytes(first).length).toBeGreaterThan(before);
  await server.start();

  // The open page comes back by itself, with the whole log.
  await expect(terminal(page)).toContainText('[PYRUNS] Exit code: 0', FINISHED);
  await expectWholeLog(page, first);

  // And so does a page that is loaded anew: layout, table and log.
  await reload(
    page,
    server.root,
    /"page": ?"monitor"[^}]*train_1_lr=0.01,seed=0/
  );
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

/** Watch the disk until the queue is empty: the most tasks that ran at once. */
async function mostAtOnce(root: string): Promise<number> {
  let most = 0;
  for (;;) {
    const states = NAMES.map(
      name => taskInfo(taskFolder(root, 'digits', 'train', name)).status
    );
    most = Math.max(most, states.filter(state => state === 'running').length);
    if (states.filter(state => state === 'queued').length < 3) {
      return most;
    }
    await new Promise(resolve => setTimeout(resolve, 50));
  }
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
