import type { Page } from '@playwright/test';
import * as fs from 'fs';
import * as path from 'path';

import {
  openInPyruns,
  openLab,
  picture,
  pictures,
  taskRows
} from '../support/journey';
import { expect, test } from '../support/test';

const ROOT = process.env.PYRUNS_UI_ROOT as string;
const SCRIPT = `
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--opt", default="sgd")
args = parser.parse_args()
print("out of memory" if args.opt == "adam" else "fine")
`;

async function sweep(page: Page, url: string, name: string): Promise<void> {
  fs.rmSync(path.join(ROOT, name), { recursive: true, force: true });
  fs.mkdirSync(path.join(ROOT, name));
  fs.writeFileSync(path.join(ROOT, name, 'find.py'), SCRIPT);
  await openLab(page as unknown as Parameters<typeof openLab>[0], url, name);
  await openInPyruns(page, 'find.py');
  await page.getByLabel('lr', { exact: true }).fill('0.1 | 0.01 | 0.001');
  await page.getByLabel('opt', { exact: true }).fill('sgd | adam');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await expect(taskRows(page)).toHaveCount(6);
}

test('a search is told what is wrong, and can be sent as a link', async ({
  page,
  baseURL
}) => {
  await sweep(page, baseURL as string, 'search');
  const box = page.getByRole('textbox', { name: 'Filter tasks' });
  await box.fill('lr<0.05 (opt:adam OR lr:0.01)');
  await expect(taskRows(page)).toHaveCount(3);

  // A mistake, with its place; the rows stay.
  await box.fill('lr<0.05 (opt:adam');
  await expect(page.getByText(/Column 9: This parenthesis/)).toBeVisible();
  await expect(box).toHaveAttribute('aria-invalid', 'true');
  await picture(page, 'search-error');

  // A field that there is not, and what is meant.
  await box.fill('started<2h OR lrr<1');
  await expect(page.getByText(/Unknown field lrr/)).toBeVisible();
  await expect(page.getByText('No matching tasks')).toBeVisible();
  await pictures(page, 'search-suggestion');
  await page.getByRole('button', { name: 'started<2h OR lr<1' }).click();
  await expect(taskRows(page)).toHaveCount(6);
  await expect(box).toHaveValue('started<2h OR lr<1');

  // Two lines.
  await box.fill('lr<0.05\nopt:adam OR opt:sgd');
  await expect(taskRows(page)).toHaveCount(4);

  // The grammar, by keyboard.
  await box.fill('opt:adam');
  await page.getByRole('button', { name: 'Query syntax' }).focus();
  await page.keyboard.press('Enter');
  const help = page.getByRole('dialog', { name: 'Query syntax' });
  await expect(help).toBeVisible();
  await pictures(page, 'search-help');
  await page.keyboard.press('Escape');
  await expect(help).toBeHidden();

  // A link with what could be markup or another parameter in it.
  const query = 'lr:..0.05 opt:adam -"<b>&query=x#"';
  await box.fill(query);
  await expect(taskRows(page)).toHaveCount(2);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy link' }).click();
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await expect
    .poll(async () => (await copied()).startsWith(`${baseURL}/lab?`))
    .toBe(true);
  const link = await copied();
  expect(link).not.toContain('token');
  expect(new URL(link).searchParams.get('query')).toBe(query);

  // Opened where nothing of ours is open, and again where the page is.
  // (Galata's own way waits for a launcher, which is not there.)
  const goto = async (url: string) => {
    // Until the new page comes, the one before it shows the same.
    const opened = page.waitForEvent('domcontentloaded');
    await page.evaluate(to => window.location.assign(to), url);
    await opened;
    await page.waitForURL(now => !now.search.includes('pyruns'));
  };
  await goto(link.replace('?', '?reset&'));
  await expect(box).toHaveValue(query);
  await expect(taskRows(page)).toHaveCount(2);
  expect(page.url()).not.toContain('query=');
  await goto(
    `${baseURL}/lab/tree/search?pyruns=search%2F_pyruns_%2Ffind&query=opt%3Asgd`
  );
  await expect(box).toHaveValue('opt:sgd');
  await expect(taskRows(page)).toHaveCount(3);

  // A link that leads nowhere says so and makes nothing.
  await goto(`${baseURL}/lab?reset&pyruns=..%2F%3Cb%3Enowhere&query=x`);
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText('Couldn’t open this link')).toBeVisible();
  await picture(page, 'search-no-link');
  await dialog.getByRole('button', { name: 'OK' }).click();
  expect(fs.existsSync(path.join(ROOT, 'search', '_pyruns_', 'nowhere'))).toBe(
    false
  );
});
