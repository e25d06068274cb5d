import * as fs from 'fs';
import * as path from 'path';

import { expectAccessible } from '../support/accessibility';
import {
  makeProject,
  openInPyruns,
  openLab,
  openPage,
  pictures,
  taskRow,
  taskRows
} from '../support/journey';
import { expect, test } from '../support/test';

test.setTimeout(300 * 1000);

const ROOT = process.env.PYRUNS_UI_ROOT as string;

// A run that diverges goes on until it is stopped, the other one until the test has seen that.
const SCRIPT = `\
import argparse
import math
import os
import time

import pyruns_jupyter as pyruns

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
lr = parser.parse_args().lr
weight = 5.0
for epoch in range(40):
    weight -= lr * 2 * weight
    pyruns.track(epoch=epoch, loss=weight**2 if abs(weight) < 1e4 else math.nan)
    time.sleep(0.1)
while os.path.exists("descent.py") and not os.path.exists("go"):
    time.sleep(0.1)
pyruns.alert("Finished", f"weight {weight:.2g}", level="info")
`;

test('a rule stops a run, and the alerts are seen', async ({
  page,
  baseURL
}) => {
  makeProject(ROOT, 'alerts', 'descent.py', SCRIPT);
  await openLab(page, baseURL as string, 'alerts');
  await openInPyruns(page, 'descent.py');
  await page.getByLabel('lr', { exact: true }).fill('0.1 | 3');
  await page.getByLabel('Parallel tasks').fill('2');
  await page.getByText('More options').click();
  const rules = page.getByLabel('Alert rules');
  await rules.fill('loss is high -> stop');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(page.getByText(/An alert rule must be/)).toBeVisible();
  await expect(rules).toHaveAttribute('aria-invalid', 'true');
  await expectAccessible(page, 'New tasks with an alert rule');

  await rules.fill('loss is nan -> stop');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page)).toHaveCount(2);
  const stopped = taskRow(page, 'descent_2_lr=3');
  await expect(stopped.getByText('Cancelled')).toBeVisible({ timeout: 60_000 });
  await expect(
    stopped.getByRole('img', {
      name: 'Alert (warning): loss is nan: loss = nan.'
    })
  ).toBeVisible();
  await expect(stopped).toContainText(
    "Stopped by the alert rule 'loss is nan'"
  );
  await expect(
    page.getByText('descent_2_lr=3: loss is nan: loss = nan.').first()
  ).toBeAttached();

  fs.writeFileSync(path.join(ROOT, 'alerts', 'go'), '');
  const other = taskRow(page, 'descent_1_lr=0.1');
  await expect(
    other.getByRole('img', { name: /Alert \(information\): Finished/ })
  ).toBeVisible({ timeout: 60_000 });

  await stopped.click();
  await page.getByRole('button', { name: 'Details', exact: true }).click();
  const details = page.getByRole('complementary', { name: 'Details' });
  await details.getByRole('tab', { name: 'Runs' }).click();
  await expect(details).toContainText('Rule: loss is nan -> stop');
  await pictures(page, 'alerts');
});

test('a rule that is added in Lab stops a run', async ({ page, baseURL }) => {
  makeProject(ROOT, 'rules', 'descent.py', SCRIPT);
  await openLab(page, baseURL as string, 'rules');
  await openInPyruns(page, 'descent.py');
  await page.getByLabel('lr', { exact: true }).fill('3');
  await openPage(page, 'Tasks');
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Alert rules…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Alert rules' });
  const condition = dialog.getByLabel('Condition');
  await expect(condition).toBeFocused();
  await page.keyboard.type('loss is high');
  await page.keyboard.press('Enter');
  await expect(dialog.getByText(/An alert rule must be/)).toBeVisible();
  await expect(condition).toHaveAttribute('aria-invalid', 'true');
  await expectAccessible(page, 'Alert rules', '[role="dialog"]');
  await condition.fill('loss is nan');
  await dialog.getByLabel('Action').selectOption('stop');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toBeHidden();
  const settings = path.join(
    ROOT,
    'rules',
    '_pyruns_',
    '_pyruns_settings.yaml'
  );
  expect(fs.readFileSync(settings, 'utf8')).toContain('loss is nan -> stop');

  await openPage(page, 'New tasks');
  await page.getByRole('button', { name: 'Create and run' }).click();
  const stopped = taskRows(page).first();
  await expect(stopped.getByText('Cancelled')).toBeVisible({ timeout: 60_000 });
  await expect(stopped).toContainText(
    "Stopped by the alert rule 'loss is nan'"
  );
});
