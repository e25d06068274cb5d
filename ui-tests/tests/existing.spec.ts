import { expect, test } from '@jupyterlab/galata';
import * as fs from 'fs';
import * as os from 'os';
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
import { LabServer } from '../support/server';

test.use({
  mockState: false,
  sessions: null,
  terminals: null,
  kernels: null,
  autoGoto: false,
  viewport: { width: 1440, height: 900 }
});
test.setTimeout(300 * 1000);

const PROJECT = 'existing';
const TASKS = ['train_1_lr=0.001', 'train_2_lr=0.01', 'train_3_lr=0.1'];

/** A script as it could be anywhere: it knows TensorBoard, but not Pyruns. */
const SCRIPT = `\
import argparse
import time
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from tensorboardX import SummaryWriter

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.01)
args = parser.parse_args()

x, y = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x / 16, y, random_state=0)
model = SGDClassifier("log_loss", learning_rate="constant", eta0=args.lr, random_state=0)
writer = SummaryWriter(f"logs/lr={args.lr}")
for epoch in range(20):
    model.partial_fit(x_train, y_train, classes=range(10))
    loss = log_loss(y_test, model.predict_proba(x_test))
    writer.add_scalar("val/loss", loss, epoch)
    writer.add_scalar("val/accuracy", model.score(x_test, y_test), epoch)
    writer.flush()
    print(f"Epoch {epoch + 1}/20 - val loss: {loss:.4f}")
    while epoch == 9 and Path("train.py").exists() and not Path("go").exists():
        time.sleep(0.1)
writer.close()
`;

let server: LabServer;

test.beforeEach(async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-existing-'));
  const port = Number(process.env.PYRUNS_UI_PORT || 8895) + 1;
  server = new LabServer(port, root);
  makeProject(root, PROJECT, 'train.py', SCRIPT);
  await server.start();
});

test.afterEach(async () => {
  await server.remove();
});

test('the curves of an unchanged script that logs to TensorBoard', async ({
  page
}) => {
  await openLab(page, server.url, PROJECT);
  await openInPyruns(page, 'train.py');
  await page.getByLabel('lr', { exact: true }).fill('0.001 | 0.01 | 0.1');
  await page.getByLabel('Parallel tasks').fill('3');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page)).toHaveCount(3);
  await expect(taskRows(page).getByText('Running')).toHaveCount(3, {
    timeout: 60_000
  });

  // The curves are there while the tasks run.
  for (const name of TASKS) {
    const logs = path.join(
      taskFolder(server.root, PROJECT, 'train', name),
      'run_logs'
    );
    await expect
      .poll(
        () =>
          fs
            .readdirSync(logs)
            .map(file => fs.readFileSync(path.join(logs, file), 'utf8'))
            .join(),
        {
          timeout: 60_000
        }
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
  fs.writeFileSync(path.join(server.root, PROJECT, 'go'), '');

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
  await pictures(page, 'existing-log');
});
