import * as fs from 'fs';
import * as path from 'path';

import {
  openInPyruns,
  openLab,
  openPage,
  pictures,
  reload,
  taskFolder,
  taskInfo,
  taskRow,
  taskRows
} from '../support/journey';
import { expect, test } from '../support/test';

test.setTimeout(400 * 1000);

const ROOT = process.env.PYRUNS_UI_ROOT as string;
const FOLDER = 'results';

// Curves, figures and files as training scripts leave them.
const FIT = `
import argparse, math, pathlib
import pyruns_jupyter as pyruns
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--opt", choices=["adam", "sgd"], default="adam")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--steps", type=int, default=30)
args = parser.parse_args()
if args.lr > 0.5:
    raise ValueError(f"lr {args.lr} is too large")
for step in range(args.steps):
    pyruns.track(loss=math.exp(-args.lr * step) + args.seed / 100)
pyruns.record(acc=round(1 - args.lr / 10 - args.seed / 100, 4))
folder = pathlib.Path(pyruns.artifact_dir())
(folder / "table.csv").write_text("class,count\\n0,10\\n1,12\\n")
(folder / "report.html").write_text("<h1>All well</h1><script>top.document.title='caught'</script>")
print("done with lr", args.lr)
`;

test('figures, curves, groups, cards, details: what came of a sweep', async ({
  page,
  baseURL
}) => {
  const project = path.join(ROOT, FOLDER);
  fs.rmSync(project, { recursive: true, force: true });
  fs.mkdirSync(project);
  fs.writeFileSync(path.join(project, 'fit.py'), FIT);
  fs.writeFileSync(path.join(project, 'best.yaml'), 'lr: 0.05\nopt: sgd\n');
  await openLab(page, baseURL as string, FOLDER);
  await openInPyruns(page, 'fit.py');
  await page.getByLabel('lr', { exact: true }).fill('0.1 | 0.2 | 1.0');
  await page.getByLabel('seed', { exact: true }).fill('1 | 2 | 3');
  await page.getByLabel('Parallel tasks').fill('3');
  await page.getByRole('button', { name: 'Create and run' }).click();
  // Nine runs, each of which starts Python.
  await expect(
    page.getByRole('button', { name: 'Completed 6', exact: true })
  ).toBeVisible({ timeout: 120000 });
  await expect(
    page.getByRole('button', { name: 'Failed 3', exact: true })
  ).toBeVisible({ timeout: 60000 });

  // A curve stands beside the figures.
  const grid = page.getByRole('grid', { name: 'Tasks' });
  await expect(grid.locator('.pyr-curve')).toHaveCount(6);
  await pictures(page, 'results');

  // What else the configuration holds can be shown.
  await page.getByRole('button', { name: 'Columns', exact: true }).click();
  await page.getByRole('checkbox', { name: /^opt/ }).check();
  await page.keyboard.press('Escape');
  await expect(
    taskRow(page, 'fit_1_lr=0.1,seed=1').locator('[data-column="config:opt"]')
  ).toHaveText('adam');

  // Seeds folded to mean and deviation; a group leads to its tasks.
  await page.getByRole('button', { name: 'Group', exact: true }).click();
  await page.getByRole('checkbox', { name: 'seed', exact: true }).check();
  await page.keyboard.press('Escape');
  const groups = page.getByRole('grid', { name: 'Groups of tasks' });
  await expect(groups.getByRole('row')).toHaveCount(4);
  await expect(groups.getByRole('row').nth(1)).toContainText('0.9700 ± 0.01');
  await pictures(page, 'groups');
  await groups.getByRole('row').nth(2).click();
  await expect(taskRows(page)).toHaveCount(3);
  await page.getByRole('button', { name: 'Back to groups' }).click();
  await expect(groups).toBeVisible();
  await page.getByRole('button', { name: 'Aggregated over: seed' }).click();
  await page.getByRole('button', { name: 'Clear grouping' }).click();

  await page.getByRole('button', { name: 'Show as cards' }).click();
  await expect(page.locator('.pyr-task-card').first()).toBeVisible();
  await pictures(page, 'cards');
  await page.getByRole('button', { name: 'Show as table' }).click();

  // Details: notes are on disk, files can be looked at, nothing in them runs.
  const name = 'fit_4_lr=0.2,seed=1';
  await taskRow(page, name).click();
  await page.getByRole('button', { name: 'Details', exact: true }).click();
  const details = page.getByRole('complementary', { name: 'Details' });
  await expect(details).toContainText(/acc\s*0\.97/);
  await details.getByRole('button', { name: 'Edit' }).click();
  await page.keyboard.type('The **best** so far');
  await page.keyboard.press('Control+Enter');
  await expect(details.locator('strong')).toHaveText('best');
  const folder = taskFolder(ROOT, FOLDER, 'fit', name);
  await expect
    .poll(() => taskInfo(folder))
    .toMatchObject({ notes: 'The **best** so far' });
  await pictures(page, 'details');

  await details.getByRole('tab', { name: 'Configuration' }).click();
  await expect(details.getByRole('row', { name: /^lr/ })).toContainText('0.2');
  await details.getByLabel('Only differences').check();
  await expect(details.getByRole('row', { name: /^opt/ })).toHaveCount(0);

  await details.getByRole('tab', { name: 'Files' }).click();
  await details.getByRole('button', { name: /table\.csv/ }).click();
  await expect(details.getByRole('cell')).toHaveText(['0', '10', '1', '12']);
  await details.getByRole('button', { name: 'Open in JupyterLab' }).click();
  await expect(page.getByRole('tab', { name: 'table.csv' })).toBeVisible();
  await page.getByRole('tab', { name: /: Tasks$/ }).click();
  await details.getByRole('button', { name: 'Back to files' }).click();
  await details.getByRole('button', { name: /report\.html/ }).click();
  await expect(
    details.frameLocator('iframe').getByRole('heading', { name: 'All well' })
  ).toBeVisible();
  expect(await page.title()).not.toContain('caught');

  await details.getByRole('tab', { name: 'Reproduce' }).click();
  await expect(details).toContainText(`jupyter pyruns run ${name}`);
  await expect(details).toContainText('--lr 0.2');

  // The keyboard walks the table, the details follow.
  await grid.focus();
  await details.getByRole('tab', { name: 'Overview' }).click();
  await taskRow(page, 'fit_7_lr=1.0,seed=1').click();
  await expect(details).toContainText('lr 1.0 is too large');

  // A search in logs shows the line; a view keeps search and columns.
  const search = page.getByRole('textbox', { name: 'Filter tasks' });
  await search.fill('log:"lr 1.0 is"');
  await expect(
    taskRow(page, 'fit_7_lr=1.0,seed=1').locator('[data-column="hit"]')
  ).toContainText('lr 1.0 is too large');
  await page.getByRole('button', { name: 'Views', exact: true }).click();
  await page.getByRole('textbox', { name: 'View name' }).fill('dead');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.keyboard.press('Escape');
  await search.fill('');
  await expect(taskRows(page)).toHaveCount(9);

  // After a reload the columns and the view are there.
  await reload(
    page,
    ROOT,
    /"dead"/,
    // Not the search that was there when the view was saved.
    /"page": ?"manager"[^}]*"query": ?""/
  );
  await expect(taskRows(page)).toHaveCount(9);
  await expect(
    taskRow(page, 'fit_1_lr=0.1,seed=1').locator('[data-column="config:opt"]')
  ).toHaveText('adam');
  await page.getByRole('button', { name: 'Views', exact: true }).click();
  await page.getByRole('button', { name: 'dead', exact: true }).click();
  await expect(taskRows(page)).toHaveCount(3);

  // Rename, and new tasks from one.
  await search.fill('');
  await taskRow(page, 'fit_1_lr=0.1,seed=1').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Rename…' }).click();
  await page.getByRole('textbox', { name: 'Task name' }).fill('winner');
  await page.keyboard.press('Enter');
  await expect(taskRow(page, 'winner')).toBeVisible();
  expect(fs.existsSync(taskFolder(ROOT, FOLDER, 'fit', 'winner'))).toBe(true);
  await taskRow(page, 'winner').click({ button: 'right' });
  await page
    .getByRole('menuitem', { name: 'New tasks from this configuration' })
    .click();
  await expect(page.getByLabel('seed', { exact: true })).toHaveValue('1');

  // A file of the file browser is a template too; a pinned field stays so.
  await page.getByRole('button', { name: 'Pin lr to the top' }).click();
  await page.sidebar.openTab('filebrowser');
  await page
    .locator('#filebrowser .jp-DirListing-item', { hasText: 'best.yaml' })
    .click({ button: 'right' });
  await page
    .getByRole('menuitem', { name: 'Use as Configuration in Pyruns' })
    .click();
  await expect(page.getByLabel('lr', { exact: true })).toHaveValue('0.05');
  await expect(page.getByText('best.yaml').last()).toBeVisible();
  await pictures(page, 'template');
  await openPage(page, 'Tasks');
});

// It goes on when the test says so.
const STEPS = `
import argparse, pathlib, time
import pyruns_jupyter as pyruns
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--epochs", type=int, default=4)
args = parser.parse_args()
for epoch in range(args.epochs):
    pyruns.track(loss=1 + abs(epoch - 1) + args.seed, epoch=epoch)
while args.seed == 3 and not pathlib.Path("finish").exists():
    time.sleep(0.05)
`;

test('the best value is marked, also of an aggregate, and running tasks show their step', async ({
  page,
  baseURL
}) => {
  const project = path.join(ROOT, 'aggregates');
  fs.rmSync(project, { recursive: true, force: true });
  fs.mkdirSync(project);
  fs.writeFileSync(path.join(project, 'steps.py'), STEPS);
  await openLab(page, baseURL as string, 'aggregates');
  await openInPyruns(page, 'steps.py');
  await page.getByLabel('seed', { exact: true }).fill('1 | 2 | 3');
  await page.getByLabel('Parallel tasks').fill('3');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(
    page.getByRole('button', { name: 'Completed 2', exact: true })
  ).toBeVisible({ timeout: 90000 });
  const cell = (seed: number, column: string) =>
    taskRow(page, `steps_${seed}_seed=${seed}`).locator(
      `[data-column="${column}"]`
    );
  await expect(cell(3, 'progress')).toHaveText('3 of 4', { timeout: 90000 });

  // The last loss is 3 + seed, the lowest 1 + seed.
  const best = (column: string) =>
    taskRows(page).locator(`[data-column="${column}"] .pyr-is-best`);
  await expect(best('figure:loss')).toHaveText('4(best)');
  const grid = page.getByRole('grid', { name: 'Tasks' });
  await grid
    .getByRole('columnheader', { name: /^loss/ })
    .first()
    .click({ button: 'right' });
  await page
    .getByRole('menuitemcheckbox', { name: 'Show column min(loss)' })
    .click();
  await expect(cell(2, 'figure:min(loss)')).toHaveText('3');
  await expect(best('figure:min(loss)')).toHaveText('2(best)');
  await expect(best('figure:min(loss)')).toHaveAttribute(
    'title',
    /lower is better, judging by the name/
  );

  // Only tasks that match the filter count.
  const query = page.getByRole('textbox', { name: 'Filter tasks' });
  await query.fill('min(loss)>=3');
  await expect(taskRows(page)).toHaveCount(2);
  await expect(best('figure:min(loss)')).toHaveText('3(best)');

  // The goal can be defined, for all workspaces of the project.
  await grid
    .getByRole('columnheader', { name: /^min\(loss\)/ })
    .click({ button: 'right' });
  await page.getByRole('menuitemradio', { name: /Maximize$/ }).click();
  await expect(best('figure:min(loss)')).toHaveText('4(best)');
  const settings = path.join(project, '_pyruns_', '_pyruns_settings.yaml');
  await expect
    .poll(() => fs.readFileSync(settings, 'utf8'))
    .toContain('metrics: {"loss": "maximize"}');
  await grid
    .getByRole('columnheader', { name: /^min\(loss\)/ })
    .click({ button: 'right' });
  await page.getByRole('menuitemradio', { name: /Automatic/ }).click();
  await expect(best('figure:min(loss)')).toHaveText('3(best)');
  fs.writeFileSync(path.join(project, 'finish'), '');
  await query.fill('');
  await expect(
    page.getByRole('button', { name: 'Completed 3', exact: true })
  ).toBeVisible();
});
