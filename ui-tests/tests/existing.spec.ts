import * as fs from 'fs';
import * as path from 'path';

import {
  makeProject,
  openInPyruns,
  openLab,
  pictures,
  taskFolder,
  taskRow,
  taskRows
} from '../support/journey';
import { expect, test } from '../support/test';

test.setTimeout(400 * 1000);

const ROOT = process.env.PYRUNS_UI_ROOT as string;
const PROJECT = 'existing';
const TASKS = ['train_1_lr=0.001', 'train_2_lr=0.01', 'train_3_lr=0.1'];

/** A script as it could be anywhere: it knows TensorBoard, but not Pyruns. */
const SCRIPT = `\
import argparse
import math
import random
import time
from pathlib import Path

from tensorboardX import SummaryWriter

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.01)
args = parser.parse_args()

chance = random.Random(0)
points = [(chance.gauss(x, 1), chance.gauss(-x, 1), x > 0) for x in (-1, 1) * 200]
train, val = points[:300], points[300:]
weights = [0.0, 0.0]


def probability(point):
    return 1 / (1 + math.exp(-weights[0] * point[0] - weights[1] * point[1]))


# flush() writes what its thread has taken from the queue, the rest is written after flush_secs.
writer = SummaryWriter(f"logs/lr={args.lr}", flush_secs=1)
for epoch in range(20):
    for point in train:
        step = args.lr / 10 * (point[2] - probability(point))
        weights = [weight + step * x for weight, x in zip(weights, point)]
    loss = -sum(math.log(probability(p) if p[2] else 1 - probability(p)) for p in val) / len(val)
    accuracy = sum((probability(p) > 0.5) == p[2] for p in val) / len(val)
    writer.add_scalar("val/loss", loss, epoch)
    writer.add_scalar("val/accuracy", accuracy, epoch)
    writer.flush()
    print(f"Epoch {epoch + 1}/20 - val loss: {loss:.4f}")
    while epoch == 9 and Path("train.py").exists() and not Path("go").exists():
        time.sleep(0.1)
writer.close()
`;

test('the curves of an unchanged script that logs to TensorBoard', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, PROJECT, 'train.py', SCRIPT);
  await openLab(page, baseURL as string, PROJECT);
  await openInPyruns(page, 'train.py');
  await page.getByLabel('lr', { exact: true }).fill('0.001 | 0.01 | 0.1');
  await page.getByLabel('Parallel tasks').fill('3');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page)).toHaveCount(3);
  await expect(taskRows(page).getByText('Running')).toHaveCount(3, {
    timeout: 60_000
  });

  // The curves are there while the tasks run. Three processes import tensorboardX at once, for 2 s each.
  for (const name of TASKS) {
    const journal = path.join(
      taskFolder(ROOT, PROJECT, 'train', name),
      'run_logs',
      'run1.journal.jsonl'
    );
    await expect
      .poll(
        () => (fs.existsSync(journal) ? fs.readFileSync(journal, 'utf8') : ''),
        { timeout: 120_000 }
      )
      .toMatch(/"val\/accuracy":[\d.]+,"step":8/);
  }
  await page.getByRole('checkbox', { name: 'Select all tasks' }).click();
  await page
    .getByRole('toolbar', { name: 'Task actions' })
    .getByRole('button', { name: 'Compare' })
    .click();
  const panel = page.getByRole('tabpanel', {
    name: `${PROJECT}/train: Compare`
  });
  await panel.getByRole('tab', { name: 'Curves' }).click();
  const chart = panel.getByRole('img', { name: /Curves of val\/loss/ });
  await expect(chart).toBeVisible({ timeout: 60_000 });
  await expect(chart).toHaveAccessibleName(/3 tasks/);
  await pictures(page, 'existing-compare');
  fs.writeFileSync(path.join(ROOT, PROJECT, 'go'), '');

  await page.getByRole('tab', { name: /Tasks/ }).click();
  await expect(taskRows(page).getByText('Completed')).toHaveCount(3, {
    timeout: 120_000
  });

  // What the log itself has can be tried without changing anything.
  await taskRow(page, TASKS[2]).dblclick();
  await page
    .getByRole('button', { name: 'Show or hide curves next to the log' })
    .click();
  await page.getByText('Metrics in the text of the log').click();
  const found = page.locator('.pyr-log-found');
  await expect(found.getByText('val_loss')).toBeVisible();
  await expect(page.getByText('20 lines match:')).toBeVisible();
  await found.scrollIntoViewIfNeeded();
  await pictures(page, 'existing-log');
});
