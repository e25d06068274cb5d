import type { IJupyterLabPageFixture } from '@jupyterlab/galata';
import type { Page } from '@playwright/test';
import * as fs from 'fs';
import * as path from 'path';

import {
  logBytes,
  makeProject,
  openInPyruns,
  openLab,
  openPage,
  taskFolder,
  taskInfo,
  taskRow,
  taskRows,
  terminal
} from '../support/journey';
import type { LabServer } from '../support/server';
import { expect, test } from '../support/test';

// A server, Lab and runs start in each test, in one of them the server twice.
test.setTimeout(400 * 1000);

// Each server has a port of its own: what is left of a connection to one that
// was killed must not be taken for one to the next.
let port = 20;

/** A script that counts until the test has seen what it needs. */
const counter = (enough: string) => `
import argparse, itertools, os, time
import pyruns_jupyter
parser = argparse.ArgumentParser()
parser.add_argument("--voice", default="a")
args = parser.parse_args()
for number in itertools.count():
    print(f"{args.voice} counts {number} " + "." * 60, flush=True)
    pyruns_jupyter.track(step=number, loss=1 / (number + 1))
    if os.path.exists(${JSON.stringify(enough)}):
        break
    time.sleep(0.1)
`;

let server: LabServer;

test.beforeEach(async ({ serve }) => {
  server = await serve(
    root =>
      makeProject(
        root,
        'count',
        'count.py',
        counter(path.join(root, 'enough'))
      ),
    { port: port++ }
  );
});

const folder = (name: string) =>
  taskFolder(server.root, 'count', 'count', name);

/** Let the tasks complete that count. */
function endRuns(): void {
  fs.writeFileSync(path.join(server.root, 'enough'), '');
}

/** Two tasks that count until `endRuns`, and the log of the first one. */
async function counting(page: IJupyterLabPageFixture) {
  await openLab(page, server.url, 'count');
  await openInPyruns(page, 'count.py');
  await page.getByLabel('voice', { exact: true }).fill('left | right');
  await page.getByLabel('Parallel tasks').fill('2');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page).getByText('Running')).toHaveCount(2, {
    timeout: 90000
  });
  await taskRow(page, 'count_1_voice=left').dblclick();
  await expect(terminal(page)).toContainText(/left\scounts\s\d+\s/);
}

/** The last lines of the screen are those of the file, when the run is over. */
async function isWhole(page: Page, name: string) {
  endRuns();
  await expect
    .poll(() => taskInfo(folder(name)).status, { timeout: 90000 })
    .toBe('completed');
  const tail = logBytes(folder(name))
    .toString()
    .trimEnd()
    .split('\n')
    .slice(-25);
  await expect
    .poll(async () =>
      (await terminal(page).locator('> div').allTextContents())
        .map(line => line.replace(/\u00a0/g, ' ').trimEnd())
        .filter(line => line !== '')
        .slice(-25)
    )
    .toEqual(tail);
}

test('the network goes in the middle of a log, and comes back', async ({
  page
}) => {
  // Every socket can be cut, and new ones refused.
  await page.addInitScript(() => {
    const sockets = new Set<WebSocket>();
    const Native = window.WebSocket;
    const net = { isUp: true };
    class Watched extends Native {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(net.isUp ? url : 'ws://127.0.0.1:9/', protocols);
        sockets.add(this);
      }
    }
    window.WebSocket = Watched;
    Object.assign(window, {
      cutNetwork: (isUp: boolean) => {
        net.isUp = isUp;
        sockets.forEach(socket => socket.close());
        sockets.clear();
      }
    });
  });
  await counting(page);
  const cut = (isUp: boolean) =>
    page.evaluate(
      up =>
        (window as unknown as { cutNetwork: (up: boolean) => void }).cutNetwork(
          up
        ),
      isUp
    );
  await page.context().setOffline(true);
  await cut(false);
  await expect(page.getByText(/Reconnecting…/).first()).toBeVisible();
  const before = logBytes(folder('count_1_voice=left')).length;
  await expect
    .poll(() => logBytes(folder('count_1_voice=left')).length)
    .toBeGreaterThan(before + 2000);
  // Pages connect again when they are told that the network is back.
  await cut(true);
  await page.context().setOffline(false);
  await expect(page.getByText(/Reconnecting…/)).toHaveCount(0, {
    timeout: 60000
  });
  await isWhole(page, 'count_1_voice=left');
});

test('the server is killed and started again in the middle of a log', async ({
  page
}) => {
  await counting(page);
  const before = logBytes(folder('count_1_voice=left')).length;
  await server.kill();
  await expect(page.getByText(/Reconnecting…/).first()).toBeVisible();
  await expect
    .poll(() => logBytes(folder('count_1_voice=left')).length)
    .toBeGreaterThan(before + 1000);
  await server.start();
  await expect(page.getByText(/Reconnecting…/)).toHaveCount(0, {
    timeout: 90000
  });
  await isWhole(page, 'count_1_voice=left');
  // Lab itself says so, too, when it misses the server for long enough.
  const lost = page.getByRole('dialog', { name: 'Server Connection Error' });
  await expect(async () => {
    if (await lost.isVisible()) {
      await lost.getByRole('button', { name: 'Close' }).click();
    }
    await page
      .getByRole('tab', { name: 'count/count: Tasks' })
      .click({ timeout: 1000 });
  }).toPass();
  await expect(taskRows(page).getByText('Completed')).toHaveCount(2);
});

test('a laptop sleeps and wakes up: the page shows what is', async ({
  page
}) => {
  await counting(page);
  // Galata's page stands for the real one, which the protocol asks for.
  const [real] = page.context().pages();
  const session = await page.context().newCDPSession(real);
  await session.send('Page.setWebLifecycleState', { state: 'frozen' });
  // While it sleeps the runs end, and another program changes things.
  endRuns();
  for (const voice of ['left', 'right']) {
    const number = voice === 'left' ? 1 : 2;
    await expect
      .poll(() => taskInfo(folder(`count_${number}_voice=${voice}`)).status, {
        timeout: 90000
      })
      .toBe('completed');
  }
  fs.rmSync(folder('count_2_voice=right'), { recursive: true });
  await session.send('Page.setWebLifecycleState', { state: 'active' });
  await isWhole(page, 'count_1_voice=left');
  await page.getByRole('tab', { name: 'count/count: Tasks' }).click();
  await expect(taskRows(page)).toHaveCount(1);
  await expect(
    taskRow(page, 'count_1_voice=left').getByText('Completed')
  ).toBeVisible();
});

test('two windows on one workspace, and a program beside them', async ({
  page
}) => {
  await counting(page);
  const other = await page.context().newPage();
  await other.goto(`${server.url}/lab/workspaces/other/tree/count?reset`);
  await openInPyruns(other, 'count.py');
  await expect(
    other.getByRole('button', { name: 'Create and run' })
  ).toBeVisible({ timeout: 60000 });
  await openPage(other, 'Tasks');
  await expect(taskRows(other)).toHaveCount(2);

  // What one window does, the other one shows.
  await taskRow(other, 'count_2_voice=right').getByRole('checkbox').check();
  await other
    .getByRole('toolbar', { name: 'Task actions' })
    .getByRole('button', { name: 'Stop' })
    .click();
  await other
    .getByRole('dialog')
    .getByRole('button', { name: 'Stop', exact: true })
    .click();
  await page.getByRole('tab', { name: 'count/count: Tasks' }).click();
  await expect(
    taskRow(page, 'count_2_voice=right').getByText('Cancelled')
  ).toBeVisible();

  // What another program writes, both show.
  const info = path.join(folder('count_2_voice=right'), 'task_info.json');
  const changed = { ...taskInfo(folder('count_2_voice=right')), pinned: true };
  fs.writeFileSync(`${info}.new`, JSON.stringify(changed, null, 2));
  fs.renameSync(`${info}.new`, info);
  for (const window of [page, other]) {
    await expect(
      taskRow(window, 'count_2_voice=right').getByRole('img', {
        name: 'Pinned'
      })
    ).toBeVisible();
  }

  await page.getByRole('tab', { name: 'count/count: Logs' }).click();
  await isWhole(page, 'count_1_voice=left');
  await page.locator('.pyr-monitor [data-task="count_2_voice=right"]').click();
  await expect(terminal(page)).toContainText('Final status: cancelled');
  await other.close();
});
