import type { IJupyterLabPageFixture } from '@jupyterlab/galata';
import type { Locator, Page } from '@playwright/test';
import { expect } from '@playwright/test';
import * as fs from 'fs';
import * as path from 'path';

const DOCUMENTATION = path.join(__dirname, '..', '..', 'docs', 'images');
const RESULTS = path.join(__dirname, '..', 'test-results', 'pictures');

/**
 * Where a picture goes. `make pictures` renews those that the documentation has;
 * others, and all of a plain test, are only for who looks at the results.
 */
function picturePath(name: string): string {
  const documented = path.join(DOCUMENTATION, `${name}.png`);
  return process.env.PYRUNS_PICTURES && fs.existsSync(documented)
    ? documented
    : path.join(RESULTS, `${name}.png`);
}

/** A project of its own for a test: a folder with one script. */
export function makeProject(
  root: string,
  name: string,
  file: string,
  text: string
): void {
  const folder = path.join(root, name);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, file), text);
}

/** A notebook of code cells. */
export function makeNotebook(file: string, cells: readonly string[]): void {
  fs.writeFileSync(
    file,
    JSON.stringify({
      cells: cells.map((source, index) => ({
        cell_type: 'code',
        id: `cell-${index}`,
        execution_count: null,
        metadata: {},
        outputs: [],
        source
      })),
      metadata: { kernelspec: { name: 'python3', display_name: 'Python 3' } },
      nbformat: 4,
      nbformat_minor: 5
    })
  );
}

/** What a user does with an example, as steps that several journeys share. */

/** Open Lab with a folder in the file browser, without what was open before. */
export async function openLab(
  page: IJupyterLabPageFixture,
  url: string,
  folder: string
): Promise<void> {
  await page.goto(`${url}/lab/tree/${folder}?reset`);
  await expect(page.locator('#filebrowser')).toBeVisible();
}

/** Wait until Lab has saved a layout, which it does a little after a change. */
export async function savedLayout(
  root: string,
  ...expected: readonly RegExp[]
): Promise<void> {
  const folder = path.join(root, '.lab-workspaces');
  const missing = () => {
    const files = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
    const saved = files
      .map(file => fs.readFileSync(path.join(folder, file), 'utf-8'))
      .join();
    return expected.filter(pattern => !pattern.test(saved)).map(String);
  };
  await expect.poll(missing).toEqual([]);
}

/** Load the page anew, when all of `expected` is in the saved layout. */
export async function reload(
  page: IJupyterLabPageFixture,
  root: string,
  ...expected: readonly RegExp[]
): Promise<void> {
  await savedLayout(root, ...expected);
  // Galata would wait for a launcher; its type does not name the option.
  const options = { waitForIsReady: false };
  await page.reload(options as Parameters<typeof page.reload>[0]);
}

/** Right click on a file, *Open in Pyruns*. */
export async function openInPyruns(page: Page, file: string): Promise<void> {
  await page
    .locator('#filebrowser .jp-DirListing-item', { hasText: file })
    .click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Open in Pyruns' }).click();
}

/** The rows of the task table, its header left out. */
export function taskRows(page: Page, name = 'Tasks'): Locator {
  return page
    .getByRole('grid', { name })
    .getByRole('row')
    .filter({
      has: page.getByRole('gridcell')
    });
}

/** The row of one task. */
export function taskRow(page: Page, name: string): Locator {
  return taskRows(page).filter({
    has: page.getByRole('checkbox', { name: `Select ${name}`, exact: true })
  });
}

/**
 * What the terminal of the log view shows on its screen, not the picture that
 * stands before it for a moment while it is written anew.
 */
export function terminal(page: Page): Locator {
  return page.locator('.xterm-rows:not(.pyr-freeze-frame *)');
}

/** Where a task lies on disk. */
export function taskFolder(root: string, ...parts: string[]): string {
  const [project, workspace, task] = parts;
  return path.join(root, project, '_pyruns_', workspace, 'tasks', task);
}

/** A task's file, as any program would read it. */
export function taskInfo(folder: string): {
  status: string;
  exit_codes: (number | null)[];
  run_attempt_ids: string[];
  start_times: string[];
  finish_times: string[];
  records: Record<string, number>[];
} {
  return JSON.parse(
    fs.readFileSync(path.join(folder, 'task_info.json'), 'utf-8')
  );
}

/** The log of a run, byte for byte. */
export function logBytes(folder: string, run = 1): Buffer {
  return fs.readFileSync(path.join(folder, 'run_logs', `run${run}.log`));
}

/** A picture of the page, without what passes. */
export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({
    path: picturePath(name),
    style: '#react-toastify-container { display: none; }'
  });
}

/** Where the frames of the moving picture are kept until `make pictures` joins them. */
const FRAMES = path.join(__dirname, '..', 'test-results', 'frames');
let frames = 0;

/** A frame of the moving picture, shown for so many milliseconds. */
export async function frame(page: Page, duration: number): Promise<void> {
  if (process.env.PYRUNS_PICTURES) {
    const number = String(++frames).padStart(3, '0');
    await page.screenshot({
      path: path.join(FRAMES, `${number}-${duration}.png`)
    });
  }
}

/**
 * Press Alt+Y and then a key. Lab waits only a second for that key, so it is
 * sent before the page has told that it got the first one.
 */
export async function pressAltY(page: Page, key: string): Promise<void> {
  const { keyboard } = page;
  await Promise.all([
    keyboard.down('Alt'),
    keyboard.down('y'),
    keyboard.up('y'),
    keyboard.up('Alt'),
    keyboard.down(key),
    keyboard.up(key)
  ]);
}

/** Open a page of ours from the sidebar, which is shown first. */
export async function openPage(page: Page, name: string): Promise<void> {
  const button = page
    .getByRole('navigation', { name: 'Pages' })
    .getByRole('button', { name, exact: true });
  if (!(await button.isVisible())) {
    const tab = page.locator('.jp-SideBar .lm-TabBar-tab[title^="Pyruns"]');
    // A click would hide a sidebar that is shown, but not drawn yet.
    await expect(async () => {
      const classes = await tab.getAttribute('class');
      if (!classes?.includes('lm-mod-current')) {
        await tab.click();
      }
      await expect(button).toBeVisible({ timeout: 5000 });
    }).toPass();
  }
  await button.click();
}

/** Choose Lab's colours. */
export async function useTheme(
  page: IJupyterLabPageFixture,
  theme: 'light' | 'dark'
): Promise<void> {
  await page.theme.setTheme(
    theme === 'dark' ? 'JupyterLab Dark' : 'JupyterLab Light'
  );
}

/**
 * Pictures of the page as it is in both themes, and back in the light one; for
 * a plain test one is enough.
 */
export async function pictures(
  page: IJupyterLabPageFixture,
  name: string
): Promise<void> {
  if (process.env.PYRUNS_PICTURES) {
    await useTheme(page, 'dark');
    await picture(page, `${name}-dark`);
    await useTheme(page, 'light');
  }
  await picture(page, `${name}-light`);
}
