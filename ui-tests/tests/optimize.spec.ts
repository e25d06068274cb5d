import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as path from 'path';

import { expectAccessible } from '../support/accessibility';
import {
  makeProject,
  openInPyruns,
  openLab,
  picture,
  pictures,
  terminal
} from '../support/journey';
import { expect, test } from '../support/test';

test.setTimeout(300 * 1000);

const ROOT = process.env.PYRUNS_UI_ROOT as string;

const VALLEY = `
import argparse, math
import pyruns_jupyter as pyruns
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--layers", type=int, default=2)
parser.add_argument("--opt", choices=["adam", "sgd"], default="sgd")
args = parser.parse_args()
loss = (math.log10(args.lr) + 3) ** 2 + abs(args.layers - 4) / 4 + (args.opt == "sgd")
for step in range(20):
    pyruns.track(step=step, val_loss=loss * (1 + math.exp(-step / 4)))
pyruns.record(val_loss=loss)
print("val_loss", loss)
`;

test('a study finds the best values, goes on and is deleted', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'valley', 'valley.py', VALLEY);
  await openLab(page, baseURL as string, 'valley');
  await openInPyruns(page, 'valley.py');
  const side = page.getByRole('complementary', {
    name: 'Preview'
  });
  await side.getByRole('radio', { name: 'Adaptive' }).check();
  await expect(side.getByText('No studies yet')).toBeVisible();
  await expect(
    side.getByRole('button', { name: 'Start study' })
  ).toBeDisabled();
  await page.getByLabel('lr', { exact: true }).fill('log(1e-5, 1e-1)');
  await page.getByLabel('layers', { exact: true }).fill('1:9');
  await page.getByLabel('opt', { exact: true }).fill('adam | sgd');
  await side.getByLabel('Objective').fill('val_loss');
  await side.getByLabel('Direction').selectOption('minimize');
  await side.getByLabel('Trials', { exact: true }).fill('6');
  await side.getByLabel('Parallel tasks').fill('2');
  await expect(side.getByText('6 trials')).toBeVisible();
  const searched = side.getByRole('region', { name: 'Search space' });
  await expect(searched.getByRole('row')).toHaveCount(4);
  await pictures(page, 'optimize-form');
  await expectAccessible(page, 'A study');
  await side.getByRole('button', { name: 'Start study' }).click();

  const panel = page.getByRole('tabpanel', { name: 'valley/valley: Compare' });
  await expect(panel.getByText('Finished', { exact: true })).toBeVisible({
    timeout: 120_000
  });
  // The notification closes after some seconds, and stays in their list.
  await page.locator('.jp-Notification-Status').click();
  await expect(
    page.locator('.jp-Notification-List-Item', {
      hasText: 'Study valley finished: best val_loss'
    })
  ).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(panel.getByText('6 of 6 trials')).toBeVisible();
  const folder = path.join(ROOT, 'valley', '_pyruns_', 'valley');
  expect(studyIn(folder)).toMatchObject({
    objective: 'val_loss',
    direction: 'minimize',
    state: 'finished',
    n: 6
  });
  expect(
    fs
      .readdirSync(path.join(folder, 'tasks'))
      .filter(name => name.startsWith('valley_'))
  ).toHaveLength(6);

  // Its trials are what is compared, and those that come are added.
  await expect(panel.getByText('6 tasks')).toBeVisible();
  await panel.getByLabel('Number of additional trials').fill('2');
  await panel.getByRole('button', { name: 'Resume study' }).click();
  await expect(panel.getByText('8 of 8 trials')).toBeVisible({
    timeout: 120_000
  });
  await expect(panel.getByText('8 tasks')).toBeVisible();
  await panel
    .getByRole('tablist', { name: 'Comparison' })
    .getByRole('tab', { name: 'Parallel' })
    .click();
  await expect(
    panel.getByRole('img', { name: 'Parallel coordinates of 8 tasks' })
  ).toBeVisible();
  await panel.getByRole('tab', { name: 'Study' }).click();

  await page.setViewportSize({ width: 1000, height: 700 });
  await picture(page, 'optimize-narrow');
  await panel.getByRole('button', { name: 'Delete study' }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: 'Delete study' })
    .click();
  await expect(panel.getByText('No studies yet')).toBeVisible();
  expect(fs.existsSync(path.join(folder, 'studies', 'valley.json'))).toBe(
    false
  );
});

test('the plots of a study lead to its trials', async ({ page, baseURL }) => {
  makeProject(ROOT, 'plots', 'valley.py', VALLEY);
  const cwd = path.join(ROOT, 'plots');
  fs.writeFileSync(
    path.join(cwd, 'space.yaml'),
    'lr: log(1e-5, 1e-1)\nlayers: 1:9\nopt: adam | sgd\n'
  );
  const trials = process.env.PYRUNS_PICTURES ? 24 : 10;
  const pyruns = (...words: string[]) =>
    execFileSync('jupyter', ['pyruns', ...words], { cwd });
  pyruns('open', 'valley.py');
  pyruns(
    ...['optimize', 'space.yaml', '--objective', 'val_loss', '--minimize'],
    ...['--trials', String(trials), '-j', '2', '-n', 'valley', '--seed', '1']
  );
  await openLab(page, baseURL as string, 'plots');
  await page.evaluate(() =>
    window.jupyterapp.commands.execute('pyruns:open-compare', {
      workspace: 'plots/_pyruns_/valley',
      study: 'valley'
    })
  );
  const panel = page.getByRole('tabpanel', { name: 'plots/valley: Compare' });
  await expect(panel.getByText('Finished', { exact: true })).toBeVisible({
    timeout: 120_000
  });
  await expect(panel.getByRole('img', { name: /of each trial/ })).toBeVisible();
  await expect(
    panel.getByRole('img', { name: 'val_loss over lr', exact: true })
  ).toBeVisible();
  await pictures(page, 'optimize');
  await expectAccessible(page, 'Study');

  // A plot of each kind, with the parameters that matter most: for these the
  // server imports scikit-learn, which takes some seconds.
  const plots = panel.getByRole('tablist', { name: 'Plots' });
  const plot = (tab: string, label: RegExp) =>
    plots
      .getByRole('tab', { name: tab, exact: true })
      .click()
      .then(() =>
        expect(panel.getByRole('img', { name: label })).toBeVisible({
          timeout: 90_000
        })
      );
  await plot('Importance', /lr \d+%/);
  await plot('Rank', /^Rank of the trials by val_loss over/);
  await plot('Parallel', new RegExp(`of ${trials} trials$`));
  await plot('EDF', /^Fraction of the complete trials/);
  await plot('Timeline', new RegExp(`^Start and end of ${trials} trials$`));
  await plot('Contour', /^val_loss over/);
  await panel.getByLabel('X axis').selectOption('opt');
  await panel.getByLabel('Y axis').selectOption('lr');
  await expect(
    panel.getByRole('img', { name: 'val_loss over opt and lr' })
  ).toBeVisible();

  // From a trial, reached by an arrow key, to its log and back.
  await panel.getByRole('application', { name: /^val_loss over/ }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(
    panel.getByRole('status').filter({ hasText: /^valley_/ })
  ).toContainText(/opt (adam|sgd)/);
  await page.keyboard.press('Enter');
  await expect(terminal(page)).toContainText('val_loss');
  await page.getByRole('tab', { name: 'plots/valley: Compare' }).click();
  await plots.getByRole('tab', { name: 'Overview' }).click();

  // From the best one to its log.
  await panel.locator('.pyr-study-best .pyr-link').click();
  await expect(terminal(page)).toContainText('val_loss');
});

/** The study that tasks of a workspace belong to. */
function studyIn(workspace: string): object {
  const file = path.join(workspace, 'studies', 'valley.json');
  return JSON.parse(fs.readFileSync(file, 'utf-8')) as object;
}
