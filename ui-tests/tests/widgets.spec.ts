import type { IJupyterLabPageFixture } from '@jupyterlab/galata';
import type { Locator, WebSocket } from '@playwright/test';
import * as fs from 'fs';
import * as path from 'path';

import {
  makeNotebook,
  makeProject,
  openLab,
  pictures,
  taskRows
} from '../support/journey';
import { processesOf, stopEverything } from '../support/processes';
import { expect, shutDownKernels, test } from '../support/test';

const ROOT = process.env.PYRUNS_UI_ROOT as string;

test.setTimeout(400 * 1000);

// A run of more than 60 steps goes on until the test has looked at it.
const SCRIPT = `
import argparse
import os
import time
import pyruns_jupyter
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--steps", type=int, default=20)
args = parser.parse_args()
for step in range(args.steps):
    pyruns_jupyter.track(step=step, loss=args.lr / (step + 1), acc=step / 100)
    print(f"\\x1b[32mstep {step}\\x1b[0m", flush=True)
    time.sleep(0.05)
    while step == 60 and not os.path.exists("go"):
        time.sleep(0.1)
`;

/** The text on the screen of a log, not the picture before one that is written anew. */
const ROWS = '.xterm-rows:not(.pyr-freeze-frame *)';

interface ISession {
  path: string;
  kernel: { id: string };
}

/** Open a notebook and run all its cells. */
async function runNotebook(
  page: IJupyterLabPageFixture,
  file: string
): Promise<void> {
  await page.evaluate(
    path =>
      void window.jupyterapp.commands.execute('docmanager:open', { path }),
    file
  );
  await expect(page.getByText(/\| Idle$/)).toBeVisible();
  await page.evaluate(
    () => void window.jupyterapp.commands.execute('notebook:run-all-cells')
  );
}

/** Run a cell that is written below all others, and return its text. */
async function told(
  page: IJupyterLabPageFixture,
  code: string
): Promise<string> {
  const index = await page.notebook.getCellCount();
  await page.notebook.addCell('code', code);
  await page.notebook.selectCells(index);
  await page.evaluate(
    () => void window.jupyterapp.commands.execute('notebook:run-cell')
  );
  const cell = page.locator('.jp-CodeCell').nth(index);
  await expect(cell.locator('.jp-InputPrompt')).toHaveText(/\[\d+\]:/);
  const outputs = cell.locator('.jp-OutputArea-output');
  return (await outputs.allTextContents()).join('').trim();
}

test.afterEach(({ request }) => shutDownKernels(request));

test('all widgets over one connection, their traits both ways', async ({
  page,
  baseURL
}, { retry }) => {
  const folder = `widgets-${retry}`;
  makeProject(ROOT, folder, 'train.py', SCRIPT);
  makeNotebook(path.join(ROOT, folder, 'all.ipynb'), [
    'import pyruns_jupyter as pr\n%load_ext pyruns_jupyter\nws = pr.Workspace.open("train.py")\ntasks = ws.run(ws.create("lr: 1 | 2 | 3", name="t"), jobs=3)',
    'table = pr.TaskTable(ws); table',
    'gen = pr.Generator(ws); gen',
    'plot = pr.Plot(tasks); plot',
    'comparison = pr.Comparison(tasks); comparison',
    'log = pr.Log(tasks[0]); log',
    '%pyruns',
    'pr.Gpus(ws)'
  ]);
  const sockets: WebSocket[] = [];
  page.on('websocket', socket => sockets.push(socket));
  await openLab(page, baseURL as string, folder);
  await runNotebook(page, `${folder}/all.ipynb`);
  const cell = async (index: number): Promise<Locator> => {
    const found = page.locator('.jp-CodeCell').nth(index);
    await found.scrollIntoViewIfNeeded();
    return found;
  };

  await expect(taskRows(page).filter({ hasText: 'Completed' })).toHaveCount(3, {
    timeout: 120000
  });
  await expect((await cell(5)).locator(ROWS)).toContainText('step 19');
  await expect(
    (await cell(6)).getByRole('group', { name: 'Tasks by status' })
  ).toContainText('3');
  await expect((await cell(7)).getByText('CPU')).toBeVisible();
  await expect(
    (await cell(4)).getByRole('tab', { name: 'Table' })
  ).toBeVisible();
  await pictures(page, 'widgets');

  // From the page to Python.
  const generator = await cell(2);
  await generator.getByLabel('lr', { exact: true }).fill('0.1 | 0.2 | 0.3');
  await expect(generator.getByText('3 tasks')).toBeVisible();
  const plot = await cell(3);
  await expect(
    plot.getByRole('application', { name: /Curves of loss of 3/ })
  ).toBeVisible();
  await plot.getByRole('checkbox', { name: 'Log y' }).check();
  await (await cell(4)).getByRole('tab', { name: 'Parallel' }).click();
  const table = await cell(1);
  await table.getByPlaceholder(/Filter/).fill('lr<2.5');
  await expect(taskRows(page)).toHaveCount(2);
  await table.getByRole('checkbox', { name: 'Select t_2_lr=2' }).click();
  await expect
    .poll(
      async () =>
        told(
          page,
          'print(len(gen.plan), plot.log_y, comparison.tab, table.query, table.selected)'
        ),
      { timeout: 60000 }
    )
    .toBe("3 True parallel lr<2.5 ['t_2_lr=2']");

  // From Python to the page.
  await told(
    page,
    'gen.plan = ws.sweep("lr: 7 | 8")\nplot.figures = ["acc"]\ncomparison.tab = "failures"\ntable.query = ""\nlog.task = tasks[2].name'
  );
  await expect((await cell(2)).getByText('2 tasks')).toBeVisible();
  await expect(
    (await cell(3)).getByRole('application', { name: /Curves of acc/ })
  ).toBeVisible();
  await expect(
    (await cell(3)).getByRole('application', { name: /Curves of loss/ })
  ).toBeHidden();
  await expect(
    (await cell(4)).getByRole('tab', { name: 'Failures' })
  ).toHaveAttribute('aria-selected', 'true');
  await expect(taskRows(page)).toHaveCount(3);
  await expect(
    (await cell(5)).getByRole('region', { name: 't_3_lr=3' })
  ).toBeVisible();

  // Lab's own sidebar has one of each too. One that broke was opened anew.
  const count = (part: RegExp) =>
    sockets.filter(each => !each.isClosed() && part.test(each.url())).length;
  expect(count(/pyruns\/api\/workspaces\/.*\/events/)).toBeLessThanOrEqual(2);
  expect(count(/pyruns\/api\/system\/stream/)).toBeLessThanOrEqual(2);
});

test('where the server sees nothing of it, the kernel tells everything, also while a cell runs', async ({
  page,
  baseURL
}, { retry }) => {
  const folder = `far-${retry}`;
  const outside = fs.mkdtempSync(path.join(path.dirname(ROOT), 'pyruns-far-'));
  fs.writeFileSync(path.join(outside, 'train.py'), SCRIPT);
  makeProject(ROOT, folder, 'note.py', '');
  makeNotebook(path.join(ROOT, folder, 'far.ipynb'), [
    `import os, time\nimport pyruns_jupyter as pr\ndef work():\n    while not os.path.exists("enough"):\n        time.sleep(0.1)\nws = pr.Workspace.open("${outside}/train.py")\n[task] = ws.run(ws.create("steps: 120", name="far"))`,
    'pr.Log(task, curves=True)',
    'pr.TaskTable(ws)',
    ''
  ]);
  const sockets: string[] = [];
  page.on('websocket', socket => sockets.push(socket.url()));
  await openLab(page, baseURL as string, folder);
  await runNotebook(page, `${folder}/far.ipynb`);
  const cell = (index: number) => page.locator('.jp-CodeCell').nth(index);
  const log = cell(1).locator(ROWS);
  await expect(log).toContainText(/step \d/, { timeout: 120000 });
  await expect(taskRows(page).getByText('Running')).toHaveCount(1);
  // From here to beyond the task's end the kernel is busy.
  await page.notebook.setCell(3, 'code', 'work()');
  await page.notebook.selectCells(3);
  await page.evaluate(
    () => void window.jupyterapp.commands.execute('notebook:run-cell')
  );
  await expect(cell(3).locator('.jp-InputPrompt')).toHaveText('[*]:');
  fs.writeFileSync(path.join(outside, 'go'), '');
  await expect(log).toContainText('step 119');
  await expect(taskRows(page).getByText('Completed')).toHaveCount(1);
  await expect(cell(3).locator('.jp-InputPrompt')).toHaveText('[*]:');

  fs.writeFileSync(path.join(ROOT, folder, 'enough'), '');
  await expect(cell(3).locator('.jp-InputPrompt')).toHaveText('[4]:');
  await cell(1).scrollIntoViewIfNeeded();
  await cell(1).locator('.pyr-screen').click();
  await page.keyboard.press('Control+f');
  await expect(
    cell(1).getByRole('textbox', { name: 'Find in the log' })
  ).toBeFocused();
  await page.keyboard.type('step 11');
  await expect(cell(1).locator('.pyr-find-count')).toHaveText(/1?1 of 11/);
  await expect(
    cell(1).getByRole('application', { name: /Curve of loss/ })
  ).toBeVisible();
  expect(
    sockets.filter(url => url.includes(encodeURIComponent(outside)))
  ).toEqual([]);

  // Without its kernel it says so, and shows what was known.
  const sessions = await page.request.get(`${baseURL}/api/sessions`);
  const mine = ((await sessions.json()) as ISession[]).find(
    session => session.path === `${folder}/far.ipynb`
  );
  const [kernel] = processesOf(`kernel-${mine?.kernel.id}.json`);
  process.kill(kernel, 'SIGKILL');
  await expect(
    cell(2).getByText(/The kernel of this widget has stopped/)
  ).toBeVisible();
  await expect(taskRows(page).getByText('Completed')).toHaveCount(1);
  await stopEverything(outside); // a scheduler still writes there
  fs.rmSync(outside, { recursive: true, force: true });
});
