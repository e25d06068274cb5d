import type { IJupyterLabPageFixture } from '@jupyterlab/galata';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import {
  makeProject,
  openInPyruns,
  openLab,
  pressAltY,
  taskRow,
  taskRows
} from '../support/journey';
import { expect, test } from '../support/test';

test.setTimeout(300 * 1000);

const ROOT = process.env.PYRUNS_UI_ROOT as string;

const SCRIPT = `
import argparse, time
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--seconds", type=int, default=0)
args = parser.parse_args()
print("begun with", args.lr, flush=True)
time.sleep(args.seconds)
`;

/** Execute a command as an agent does, and give the answer to the question. */
async function execute(
  page: IJupyterLabPageFixture,
  id: string,
  args: ReadonlyPartialJSONObject,
  button = 'none'
): Promise<unknown> {
  const result = page.evaluate(
    ([command, given]) => window.jupyterapp.commands.execute(command, given),
    [id, args] as const
  );
  const answer = async () => {
    if (button !== 'none') {
      await page
        .getByRole('dialog')
        .getByRole('button', { name: button })
        .click();
    }
  };
  // It may fail as soon as it is allowed.
  return (await Promise.all([result, answer()]))[0];
}

async function choose(
  page: IJupyterLabPageFixture,
  command: string
): Promise<void> {
  await page.menu.clickMenuItem('View>Activate Command Palette');
  await page.locator('.lm-CommandPalette-input').fill(command);
  await page
    .locator('.lm-CommandPalette-item')
    .filter({
      has: page.locator('.lm-CommandPalette-itemLabel', {
        hasText: new RegExp(`^${command}$`)
      })
    })
    .filter({ has: page.locator('[data-icon="pyruns-jupyter:pyruns"]') })
    .click();
}

/** Create tasks with these learning rates, and select one in the table. */
async function start(
  page: IJupyterLabPageFixture,
  url: string,
  folder: string,
  seconds: number
): Promise<void> {
  makeProject(ROOT, folder, 'train.py', SCRIPT);
  await openLab(page, url, folder);
  await openInPyruns(page, 'train.py');
  await page.getByLabel('lr', { exact: true }).fill('0.1 | 0.2 | 0.3');
  await page.getByLabel('seconds', { exact: true }).fill(String(seconds));
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await expect(taskRows(page)).toHaveCount(3);
}

const nameOf = async (page: IJupyterLabPageFixture, lr: string) => {
  const row = taskRows(page).filter({ hasText: lr });
  const label = await row.getByRole('checkbox').getAttribute('aria-label');
  return (label ?? '').replace(/^Select /, '');
};

test('an agent executes commands, is asked for, and reads what they return', async ({
  page,
  baseURL
}) => {
  await start(page, baseURL as string, 'agent', 0);
  const workspace = 'agent/_pyruns_/train';
  const listed = (await execute(page, 'pyruns:list-tasks', {
    workspace,
    query: 'lr>0.15'
  })) as { total: number; tasks: { name: string }[] };
  expect(listed.total).toBe(2);
  const tasks = listed.tasks.map(task => task.name);
  const [first] = tasks;

  expect(
    await execute(
      page,
      'pyruns:tag-tasks',
      { workspace, tasks, tags: ['good'] },
      'Cancel'
    )
  ).toEqual({ declined: true });
  await expect(page.getByText('good')).toHaveCount(0);
  expect(
    await execute(
      page,
      'pyruns:tag-tasks',
      { workspace, tasks, tags: ['good'] },
      'Tags…'
    )
  ).toEqual({ workspace, tasks, refused: {} });
  await expect(taskRow(page, first)).toContainText('good');

  expect(
    await execute(page, 'pyruns:run-tasks', { tasks: [first] }, 'Run')
  ).toEqual({ workspace, tasks: [first], refused: {} });
  await expect(taskRow(page, first)).toContainText('Completed', {
    timeout: 90000
  });
  expect(
    await execute(page, 'pyruns:delete-tasks', { tasks: [first] }, 'Delete')
  ).toMatchObject({ tasks: [first] });
  await expect(taskRows(page)).toHaveCount(2);
  expect(
    await execute(page, 'pyruns:restore-tasks', { tasks: [first] }, 'Undo')
  ).toMatchObject({ tasks: [first], refused: {} });
  await expect(taskRows(page)).toHaveCount(3);

  expect(await execute(page, 'pyruns:compare-tasks', { tasks })).toMatchObject({
    tasks,
    opened: 'compare'
  });
  await expect(
    page.getByRole('tab', { name: 'agent/train: Compare' })
  ).toBeVisible();
  await expect(
    execute(page, 'pyruns:reorder-tasks', { tasks, before: 'none' }, 'Reorder')
  ).rejects.toThrow(/none/);
});

test('palette, menus and keys act on the tasks selected in front', async ({
  page,
  baseURL
}) => {
  await start(page, baseURL as string, 'byhand', 600);
  const name = await nameOf(page, '0.2');
  await taskRow(page, name).click();

  await choose(page, 'Delete');
  await expect(taskRows(page)).toHaveCount(2);
  // The rows may be gone before the response that the command needs is here.
  await expect(page.getByRole('button', { name: 'Undo' })).toBeVisible();
  await pressAltY(page, 'u');
  await expect(taskRows(page)).toHaveCount(3);

  await taskRow(page, name).click();
  await page.menu.clickMenuItem('Run>Pyruns>Run');
  await expect(taskRow(page, name)).toContainText('Running', {
    timeout: 90000
  });
  await pressAltY(page, 's');
  const question = page.getByRole('dialog', { name: /Stop 1 running task/ });
  await question.getByRole('button', { name: 'Stop' }).click();
  await expect(taskRow(page, name)).toContainText('Cancelled');

  await taskRow(page, name).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Pin to the top' }).click();
  await expect(taskRows(page).first()).toContainText('0.2');
  await choose(page, 'Rename…');
  await page.getByRole('textbox', { name: 'Task name' }).fill('best');
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  await expect(taskRow(page, 'best')).toBeVisible();

  await taskRow(page, 'best').click();
  await choose(page, 'Open log');
  await expect(
    page.getByRole('tab', { name: 'byhand/train: Logs' })
  ).toBeVisible();
  await expect(page.getByRole('region', { name: 'best' })).toBeVisible();
  await page.getByRole('region', { name: 'best' }).click();
  await pressAltY(page, 'f');
  await expect(
    page.getByRole('search', { name: 'Find in the log' })
  ).toBeVisible();
});

test.describe('with a toolbar that the user has arranged', () => {
  test.use({
    settings: {
      'pyruns-jupyter:manager': {
        toolbar: [
          { name: 'compare', disabled: true },
          { name: 'twice', command: 'pyruns:duplicate-tasks', rank: 1 }
        ]
      }
    }
  });

  test('a page shows its buttons, which act on its selection', async ({
    page,
    baseURL
  }) => {
    await start(page, baseURL as string, 'arranged', 0);
    const toolbar = page.getByRole('toolbar', { name: 'Task actions' });
    const twice = toolbar.locator('[data-command="pyruns:duplicate-tasks"]');
    await expect(
      toolbar.getByRole('button', { name: 'Run', exact: true })
    ).toBeVisible();
    await expect(toolbar.getByRole('button', { name: 'Compare' })).toHaveCount(
      0
    );
    await expect(twice).toHaveAttribute('aria-disabled', 'true');
    await taskRows(page).first().click();
    await expect(twice).toHaveAttribute('aria-disabled', 'false');
    await twice.click();
    await expect(taskRows(page)).toHaveCount(4);
    await expect(page.getByRole('dialog')).toHaveCount(0);
  });
});
