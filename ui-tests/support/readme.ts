import { expect } from '@playwright/test';
import type { Page } from '@playwright/test';
import * as fs from 'fs';
import * as path from 'path';

/** A button in Markdown that has JupyterLab execute a command. */
export function commandButton(
  label: string,
  command: string,
  args: object
): string {
  const text = JSON.stringify(args).replace(/"/g, '&quot;');
  return `<button data-commandlinker-command="${command}" data-commandlinker-args="${text}">${label}</button>`;
}

/**
 * Click on a button of a document. JupyterLab 4.5.7 and newer ask first, about
 * any command; the user agrees.
 */
export async function clickCommand(page: Page, label: string): Promise<void> {
  await page
    .locator('.jp-MarkdownViewer')
    .getByRole('button', { name: label, exact: true })
    .click();
  const labs = page.locator('.jp-Dialog', { hasText: 'Run Command?' });
  const ours = page.locator('.jp-Dialog', { hasText: 'Run this script?' });
  await expect(labs.or(ours)).toBeVisible();
  if (await labs.isVisible()) {
    await labs.locator('.jp-mod-accept').click();
  }
}

/**
 * Look at a README.md whose buttons want to run `project`'s script `train.py`;
 * each is asked about, and nothing runs.
 */
export async function tryReadme(
  page: Page,
  url: string,
  project: { folder: string; path: string }
): Promise<void> {
  const script = path.posix.join(project.path, 'train.py');
  fs.writeFileSync(
    path.join(project.folder, 'README.md'),
    [
      '# Hello',
      commandButton('By path', 'pyruns:run-file', { path: script }),
      commandButton('Selected', 'pyruns:run-file', { context: true })
    ].join('\n\n')
  );
  const tree = project.path && `/tree/${project.path}`;
  await page.goto(`${url}/lab${tree}?reset`);
  await page.waitForFunction(() => Boolean(window.jupyterapp?.restored));
  await page.evaluate(() => window.jupyterapp.restored);
  const entry = (name: string) => page.getByRole('listitem', { name });
  await expect(entry('README.md')).toBeVisible();
  await page.evaluate(
    async file => {
      await window.jupyterapp.commands.execute('docmanager:open', {
        path: file,
        factory: 'Markdown Preview'
      });
    },
    path.posix.join(project.path, 'README.md')
  );
  // What our own menus would act on. Lab selects a file that it has opened,
  // some time later, in the place of what is selected then.
  await expect(entry('README.md')).toHaveClass(/jp-mod-selected/);
  await entry('train.py').click();
  await expect(entry('train.py')).toHaveClass(/jp-mod-selected/);
  for (const label of ['By path', 'Selected']) {
    await clickCommand(page, label);
    const dialog = page.locator('.jp-Dialog', { hasText: 'Run this script?' });
    await expect(dialog).toContainText(script);
    await expect(dialog).toContainText('_pyruns_/train (will be created)');
    await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
    expect(fs.existsSync(path.join(project.folder, '_pyruns_'))).toBe(false);
    await page.keyboard.press('Enter');
    await expect(dialog).toBeHidden();
  }
  expect(fs.existsSync(path.join(project.folder, '_pyruns_'))).toBe(false);
}
