import { expect, test } from '@playwright/test';
import * as fs from 'fs';
import * as path from 'path';

import { makeNotebook, makeProject, taskRows } from '../support/journey';
import { shutDownKernels } from '../support/test';

test.setTimeout(400 * 1000);

const ROOT = process.env.PYRUNS_UI_ROOT as string;

// A second run goes on until the test has seen it.
const SCRIPT = `
import argparse, os, time
import pyruns_jupyter
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()
for step in range(20):
    pyruns_jupyter.track(step=step, loss=args.lr / (step + 1))
    print("step", step, flush=True)
    time.sleep(0.05)
while pyruns_jupyter.get_run_index() > 1 and not os.path.exists("go"):
    time.sleep(0.1)
`;

/** What the server says of a notebook's kernel. */
interface ISession {
  path: string;
  kernel: { id: string; connections: number; execution_state: string };
}

test.afterEach(({ request }) => shutDownKernels(request));

test('Notebook 7: a sweep, its widgets, and a kernel that is started anew', async ({
  page,
  baseURL
}) => {
  const folder = 'seven';
  makeProject(ROOT, folder, 'train.py', SCRIPT);
  makeNotebook(path.join(ROOT, folder, 'sweep.ipynb'), [
    '%load_ext pyruns_jupyter\n%pyruns open train.py',
    '%%pyruns sweep -n s --run -j 2\nlr: 1 | 2',
    '%pyruns manager',
    '%pyruns plot',
    '%pyruns wait'
  ]);
  const problems: string[] = [];
  page.on('pageerror', ({ stack = '' }) => {
    // Notebook 7.6 has one of its own at its start.
    if (stack.includes('pyruns')) {
      problems.push(stack);
    }
  });
  await page.goto(`${baseURL}/notebooks/${folder}/sweep.ipynb`);
  // Cells run nothing until the page is connected to a kernel; its indicator
  // reads "idle" before that too.
  const session = async () => {
    const sessions = await page.request.get(`${baseURL}/api/sessions`);
    return ((await sessions.json()) as ISession[]).find(
      ({ path }) => path === `${folder}/sweep.ipynb`
    );
  };
  // Both the application and the kernel start, each in seconds when nothing else runs.
  await expect
    .poll(async () => (await session())?.kernel, { timeout: 120000 })
    .toMatchObject({ connections: 1, execution_state: 'idle' });
  /* eslint-disable jupyter/galata-prefer-menu-helper -- they know Lab's page alone */
  await page.getByRole('menuitem', { name: 'Run', exact: true }).click();
  await page
    .getByRole('menuitem', { name: 'Run All Cells', exact: true })
    .click();
  /* eslint-enable jupyter/galata-prefer-menu-helper */
  const cell = (index: number) => page.locator('.jp-CodeCell').nth(index);
  await expect(taskRows(page).getByText('Completed')).toHaveCount(2, {
    timeout: 120000
  });
  await expect(cell(2).locator('.pyr-widget')).toHaveAttribute(
    'data-pyr-road',
    'server'
  );
  await expect(
    cell(3).getByRole('application', { name: /Curves of loss of 2/ })
  ).toBeVisible();
  await expect(cell(4)).toContainText('2 of 2 tasks');

  // The table needs no kernel: it goes on with one that knows nothing of it.
  const { kernel } = (await session()) as ISession;
  const restarted = await page.request.post(
    `${baseURL}/api/kernels/${kernel.id}/restart`,
    { timeout: 90000 } // until the new one answers
  );
  expect(restarted.ok()).toBe(true);
  await taskRows(page).first().click();
  await page
    .getByRole('toolbar', { name: 'Task actions' })
    .getByRole('button', { name: 'Run' })
    .click();
  await expect(taskRows(page).getByText('Running')).toHaveCount(1, {
    timeout: 90000
  });
  fs.writeFileSync(path.join(ROOT, folder, 'go'), '');
  await expect(taskRows(page).getByText('Completed')).toHaveCount(2);
  expect(problems).toEqual([]);
});
