import * as fs from 'fs';
import * as path from 'path';

import {
  makeNotebook,
  makeProject,
  picture,
  taskRows
} from '../support/journey';
import { expect, shutDownKernels, test } from '../support/test';

test.use({
  settings: {
    '@jupyterlab/translation-extension:plugin': { locale: 'zh_CN' }
  }
});

// Lab and a kernel start in it, and each page is looked at.
test.setTimeout(300 * 1000);

const ROOT = process.env.PYRUNS_UI_ROOT as string;

const SCRIPT = `
import argparse
import pyruns_jupyter
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()
pyruns_jupyter.track(loss=args.lr)
`;

test.afterEach(({ request }) => shutDownKernels(request));

test('一切都有中文', async ({ page: galataPage, baseURL }) => {
  // Galata itself waits for words that are English.
  const [page] = galataPage.context().pages();
  makeProject(ROOT, 'zh', 'xun.py', SCRIPT);
  await page.goto(`${baseURL}/lab/tree/zh?reset`);
  await expect(page.locator('#filebrowser')).toBeVisible({ timeout: 90000 });
  await page
    .locator('#filebrowser .jp-DirListing-item', { hasText: 'xun.py' })
    .click({ button: 'right' });
  await page.getByRole('menuitem', { name: '在 Pyruns 中打开' }).click();
  await page.getByLabel('lr', { exact: true }).fill('1 | 2');
  await expect(page.getByText('2 个任务').first()).toBeVisible();
  await page.getByRole('button', { name: '创建并运行' }).click();
  await expect(taskRows(page, '任务').getByText('已完成')).toHaveCount(2, {
    timeout: 60000
  });
  await picture(page, 'chinese-light');

  // No text of ours in the page is English: names of keys and files are the script's.
  const OURS = new Set(
    Object.keys(
      JSON.parse(
        fs.readFileSync(
          path.join(
            __dirname,
            '../../pyruns_jupyter/locale/zh_CN/LC_MESSAGES/pyruns_jupyter.json'
          ),
          'utf-8'
        )
      ) as Record<string, string[]>
    ).filter(key => /[a-z]{3}/.test(key) && key.length > 3)
  );
  for (const name of ['仪表板', '任务', '日志', '新建任务']) {
    await page
      .getByRole('navigation', { name: '页面' })
      .getByRole('button', { name, exact: true })
      .click();
    await page.waitForTimeout(1500);
    const texts = () =>
      page
        .locator(
          '.pyr-page:visible, .pyr-sidebar:visible, .pyr-page-area .jp-Toolbar:visible'
        )
        .evaluateAll(parts =>
          parts.flatMap(part =>
            [...part.querySelectorAll<HTMLElement>('*')].flatMap(element => [
              ...[...element.childNodes]
                .filter(node => node.nodeType === Node.TEXT_NODE)
                .map(node => node.textContent?.trim() ?? ''),
              element.title ?? '',
              element.getAttribute('aria-label') ?? '',
              element.getAttribute('placeholder') ?? ''
            ])
          )
        );
    await expect.poll(async () => (await texts()).length).toBeGreaterThan(50);
    const shown = new Set(await texts());
    expect([...shown].filter(text => OURS.has(text))).toEqual([]);
  }

  // A widget has the language of the page around its notebook.
  makeNotebook(path.join(ROOT, 'zh', 'zu.ipynb'), [
    'import pyruns_jupyter',
    "pyruns_jupyter.TaskTable('xun.py')"
  ]);
  await page.evaluate(
    () =>
      void window.jupyterapp.commands.execute('docmanager:open', {
        path: 'zh/zu.ipynb'
      })
  );
  await expect(page.getByText(/\| 空闲$/)).toBeVisible({ timeout: 60000 });
  await page.evaluate(
    () => void window.jupyterapp.commands.execute('notebook:run-all-cells')
  );
  await expect(
    page.locator('.pyr-widget').getByText('已完成').first()
  ).toBeVisible({ timeout: 60000 });
});
