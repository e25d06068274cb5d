import type { Page } from '@playwright/test';
import * as fs from 'fs';
import * as path from 'path';

import {
  logBytes,
  makeProject,
  openInPyruns,
  openLab,
  reload,
  savedLayout,
  taskFolder,
  taskInfo,
  taskRow,
  taskRows,
  terminal
} from '../support/journey';
import { expect, test } from '../support/test';

const ROOT = process.env.PYRUNS_UI_ROOT as string;

// Talks slowly until the test has seen enough, and names itself in each line, so
// that mixed output shows.
const TALKER = `
import argparse, os, time
parser = argparse.ArgumentParser()
parser.add_argument("--voice", default="a", help="what every line says")
parser.add_argument("--lines", type=int, default=10_000)
parser.add_argument("--volume", choices=["soft", "loud"], default="soft")
args = parser.parse_args()
for number in range(args.lines):
    print(f"{args.voice} says {number}", flush=True)
    if os.path.exists("enough"):
        break
    time.sleep(0.1)
`;

async function start(page: Page, voices: string, jobs: number): Promise<void> {
  await page.getByLabel('voice', { exact: true }).fill(voices);
  await page.getByLabel('Parallel tasks').fill(String(jobs));
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page).getByText('Running')).toHaveCount(jobs, {
    timeout: 60000
  });
}

test('mistakes are told where they are, and write nothing', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'mistakes', 'talk.py', TALKER);
  await openLab(page, baseURL as string, 'mistakes');
  await openInPyruns(page, 'talk.py');
  const create = page.getByRole('button', { name: 'Create', exact: true });
  const lines = page.getByLabel('lines', { exact: true });
  const voice = page.getByLabel('voice', { exact: true });
  await expect(create).toBeEnabled();

  // A zip of unequal lengths.
  await voice.fill('(a | b)');
  await lines.fill('(1 | 2 | 3)');
  await expect(
    page
      .locator('.pyr-generator')
      .getByText(/2.*3|3.*2/)
      .first()
  ).toBeVisible();
  await expect(create).toBeDisabled();
  await lines.fill('(1 | 2)');
  await expect(create).toBeEnabled();

  // No number, no choice.
  await lines.fill('many');
  await expect(lines).toHaveAttribute('aria-invalid', 'true');
  await expect(create).toBeDisabled();
  await lines.fill('1');
  await page.getByLabel('volume', { exact: true }).fill('perhaps');
  await expect(page.getByText(/perhaps/).first()).toBeVisible();
  await expect(create).toBeDisabled();
  await page.getByLabel('volume', { exact: true }).fill('soft');
  await expect(create).toBeEnabled();

  // A name that is no name.
  const name = page.getByLabel('Name', { exact: true });
  await name.fill('a/b');
  await expect(name).toHaveAttribute('aria-invalid', 'true');
  await expect(create).toBeDisabled();
  await name.fill('talk');

  // YAML that is none.
  await page.getByRole('tab', { name: 'YAML' }).click();
  await page.locator('.pyr-generator .cm-content').click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('\nbroken: [1, 2');
  await expect(page.getByText(/Line \d+/).first()).toBeVisible();
  await expect(create).toBeDisabled();
  await page.getByRole('tab', { name: 'Form' }).click();

  const tasks = path.join(ROOT, 'mistakes', '_pyruns_', 'talk', 'tasks');
  const made = () =>
    fs.existsSync(tasks)
      ? fs.readdirSync(tasks).filter(entry => !entry.startsWith('.'))
      : [];
  expect(made()).toEqual([]);

  // The same name twice.
  await page.getByRole('tab', { name: 'YAML' }).click();
  await page.locator('.pyr-generator .cm-content').click();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('voice: a\nlines: 1\nvolume: soft\n');
  await create.click();
  await expect.poll(made).toEqual(['talk']);
  await page.getByRole('tab', { name: 'mistakes/talk: New tasks' }).click();
  // Another name is proposed first.
  await expect(name).not.toHaveValue('talk');
  await name.fill('talk');
  await expect(page.getByText(/already exists/).first()).toBeVisible();
  await expect(create).toBeDisabled();
  expect(made()).toEqual(['talk']);
});

test('a script that is no Python is refused with its line', async ({
  page,
  baseURL
}) => {
  makeProject(
    ROOT,
    'broken',
    'talk.py',
    'import argparse\nparser = argparse.(\n'
  );
  await openLab(page, baseURL as string, 'broken');
  await openInPyruns(page, 'talk.py');
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText(/Couldn’t open talk\.py/)).toBeVisible();
  await expect(dialog.getByText(/line 2/)).toBeVisible();
  await dialog.getByRole('button', { name: 'OK' }).click();
  expect(fs.existsSync(path.join(ROOT, 'broken', '_pyruns_'))).toBe(false);
});

test('two logs never mix, and a page loaded anew misses nothing', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'voices', 'talk.py', TALKER);
  await openLab(page, baseURL as string, 'voices');
  await openInPyruns(page, 'talk.py');
  await start(page, 'left | right', 2);
  await taskRow(page, 'talk_1_voice=left').dblclick();
  const list = page
    .getByRole('tabpanel', { name: 'voices/talk: Logs' })
    .getByRole('navigation', { name: 'Tasks' });
  const open = async (voice: string) => {
    await list.locator(`.pyr-task[data-task$="voice=${voice}"]`).click();
    await expect(terminal(page)).toContainText(`${voice} says`);
    const other = voice === 'left' ? 'right' : 'left';
    await expect(terminal(page)).not.toContainText(`${other} says`);
  };
  for (const voice of ['right', 'left', 'right', 'left']) {
    await open(voice);
  }
  // So that what is saved next is the last change, not an earlier one.
  await savedLayout(ROOT, /"page": ?"monitor"[^}]*talk_1_voice=left/);
  await open('right');
  await reload(page, ROOT, /"page": ?"monitor"[^}]*talk_2_voice=right/);
  await expect(terminal(page)).toContainText('right says');

  fs.writeFileSync(path.join(ROOT, 'voices', 'enough'), '');
  const folder = taskFolder(ROOT, 'voices', 'talk', 'talk_2_voice=right');
  await expect
    .poll(() => taskInfo(folder).status, { timeout: 60000 })
    .toBe('completed');
  await expect(terminal(page)).toContainText('[PYRUNS] Exit code: 0');
  const log = logBytes(folder).toString().trimEnd().split('\n');
  const tail = log.slice(-20);
  await expect
    .poll(async () =>
      (await terminal(page).locator('> div').allTextContents())
        .map(line => line.replace(/\u00a0/g, ' ').trimEnd())
        .filter(line => line !== '')
        .slice(-20)
    )
    .toEqual(tail);
});

test('stop, delete, undo', async ({ page, baseURL }) => {
  makeProject(ROOT, 'actions', 'talk.py', TALKER);
  await openLab(page, baseURL as string, 'actions');
  await openInPyruns(page, 'talk.py');
  await start(page, 'left | right', 1);
  const [running, waiting] = ['talk_1_voice=left', 'talk_2_voice=right'];
  await taskRow(page, waiting).getByRole('checkbox').check();
  const toolbar = page.getByRole('toolbar', { name: 'Task actions' });
  await toolbar.getByRole('button', { name: 'Stop' }).click();
  await expect(taskRow(page, waiting).getByText('Cancelled')).toBeVisible();

  await taskRow(page, waiting).getByRole('checkbox').uncheck();
  await taskRow(page, running).getByRole('checkbox').check();
  await toolbar.getByRole('button', { name: 'Stop' }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: 'Stop', exact: true })
    .click();
  await expect(taskRow(page, running).getByText('Cancelled')).toBeVisible();

  await toolbar.getByRole('button', { name: 'Delete' }).click();
  await expect(taskRow(page, running)).toHaveCount(0);
  const isThere = () =>
    fs.existsSync(taskFolder(ROOT, 'actions', 'talk', running));
  await expect.poll(isThere).toBe(false);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(taskRow(page, running).getByText('Cancelled')).toBeVisible();
  await expect.poll(isThere).toBe(true);
});

test('a click counts while the preview arrives, and what another program changes shows', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'clicked', 'talk.py', TALKER);
  await openLab(page, baseURL as string, 'clicked');
  await openInPyruns(page, 'talk.py');
  const create = page.getByRole('button', { name: 'Create', exact: true });
  await expect(create).toBeEnabled();
  let answer: () => void = () => undefined;
  const held = new Promise<void>(resolve => (answer = resolve));
  await page.route('**/preview**', async route => {
    await held;
    await route.continue();
  });
  await page.getByLabel('voice', { exact: true }).fill('left | right');
  await page.getByLabel('volume', { exact: true }).fill('soft | loud');
  await create.hover();
  await page.mouse.down();
  answer();
  await expect(page.getByText('4 tasks')).toBeVisible();
  await page.mouse.up();
  await expect(taskRows(page).getByText('Pending')).toHaveCount(4);

  // Another program pins a task, and removes it.
  const task = 'talk_1_voice=left,volume=soft';
  const folder = taskFolder(ROOT, 'clicked', 'talk', task);
  const info = path.join(folder, 'task_info.json');
  const changed = { ...taskInfo(folder), pinned: true };
  fs.writeFileSync(`${info}.new`, JSON.stringify(changed, null, 2));
  fs.renameSync(`${info}.new`, info);
  await expect(
    taskRow(page, task).getByRole('img', { name: 'Pinned' })
  ).toBeVisible();
  fs.rmSync(folder, { recursive: true });
  await expect(taskRows(page)).toHaveCount(3);
});
