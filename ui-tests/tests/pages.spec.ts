import {
  makeProject,
  openInPyruns,
  openLab,
  openPage,
  pictures,
  taskRow,
  taskRows,
  terminal
} from '../support/journey';
import { expect, test } from '../support/test';

test.setTimeout(400 * 1000);

const ROOT = process.env.PYRUNS_UI_ROOT as string;

const NET = `
import argparse, time
import pyruns_jupyter as pyruns
parser = argparse.ArgumentParser()
parser.add_argument("--learning_rate", type=float, default=0.1)
parser.add_argument("--batch_size", type=int, default=32)
parser.add_argument("--optimizer", default="sgd")
parser.add_argument("--pause", type=float, default=0.0)
args = parser.parse_args()
for step in range(20):
    pyruns.track(step=step, loss=1 / (step + 1))
    print("step", step, flush=True)
    time.sleep(args.pause)
if args.batch_size == 512:
    raise ValueError("the batch of 512 samples does not fit into the memory of the device that was given")
pyruns.record(test_acc=0.5 + args.learning_rate)
`;

test('columns of runs come with the first run, the newest log is open', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'columns', 'net.py', NET);
  await openLab(page, baseURL as string, 'columns');
  await openInPyruns(page, 'net.py');
  await page
    .getByLabel('learning_rate', { exact: true })
    .fill('0.1 | 0.01 | 0.001');
  await page.getByLabel('batch_size', { exact: true }).fill('128 | 512');
  await page.getByLabel('optimizer', { exact: true }).fill('sgd | adam');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await expect(taskRows(page)).toHaveCount(12);
  const grid = page.getByRole('grid', { name: 'Tasks' });
  const head = (name: string) => grid.getByRole('columnheader', { name });
  await expect(head('batch_size')).toBeVisible();
  for (const name of ['Started', 'Duration', 'Message']) {
    await expect(head(name)).toHaveCount(0);
  }
  await pictures(page, 'tasks-pending');

  // No log to open yet: the page waits for the first run.
  await openPage(page, 'Logs');
  await expect(page.getByText('No log opened')).toBeVisible();
  await openPage(page, 'Tasks');
  await page.getByRole('checkbox', { name: 'Select all tasks' }).click();
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await expect(head('Duration')).toBeVisible({ timeout: 90000 });
  await openPage(page, 'Logs');
  await expect(terminal(page)).toContainText('step 19');
  await openPage(page, 'Tasks');
  // Twelve runs one after the other, each of which starts Python.
  await expect(taskRows(page).getByText('Failed')).toHaveCount(6, {
    timeout: 180000
  });
  await expect(taskRows(page).getByText('Completed')).toHaveCount(6, {
    timeout: 90000
  });

  // The message has all the room that is left, and stays in sight without it.
  const message = taskRows(page)
    .filter({ hasText: 'Failed' })
    .first()
    .locator('[data-column=message]');
  for (const [width, least] of [
    [2200, 300],
    [1440, 150]
  ]) {
    await page.setViewportSize({ width, height: 900 });
    await expect
      .poll(async () => {
        const [box, all] = [
          await message.boundingBox(),
          await grid.boundingBox()
        ];
        const [end, right] = [box!.x + box!.width, all!.x + all!.width];
        return right <= width && Math.abs(end - right) < 20 ? box!.width : 0;
      })
      .toBeGreaterThan(least);
  }
  await pictures(page, 'tasks-failed');

  // Said once: in the toolbar it is an icon.
  await expect(page.getByText('New tasks', { exact: true })).toHaveCount(1);
});

test('a running task shows that it is active', async ({ page, baseURL }) => {
  makeProject(ROOT, 'active', 'net.py', NET);
  await openLab(page, baseURL as string, 'active');
  await openInPyruns(page, 'net.py');
  await page.getByLabel('pause', { exact: true }).fill('30');
  await page.getByRole('button', { name: 'Create and run' }).click();
  const bar = taskRow(page, 'net').getByRole('progressbar');
  await expect(bar).toBeVisible({ timeout: 90000 });
  await expect(bar).not.toHaveAttribute('aria-valuenow');
  await pictures(page, 'tasks-running');
  await taskRow(page, 'net').click();
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: 'Stop', exact: true })
    .click();
  await expect(bar).toHaveCount(0);
});
