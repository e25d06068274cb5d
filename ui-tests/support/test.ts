/**
 * The test of specs that open JupyterLab: Galata's page with its helpers, on a
 * server that answers everything itself. Galata would answer for it, which passes
 * each request through Playwright and turns off the browser's cache.
 */
// Not of the package itself, whose report of benchmarks loads thousands of modules.
import { test as galataTest } from '@jupyterlab/galata/lib/fixtures';
import { galata } from '@jupyterlab/galata/lib/galata';
import { JupyterLabPage } from '@jupyterlab/galata/lib/jupyterlabpage';
import type { APIRequestContext } from '@playwright/test';
import { expect } from '@playwright/test';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';

import type { IServerOptions } from './server';
import { LabServer } from './server';

export { expect };

/** Lab starts in 5 s; other suites that keep the cores busy make that longer than Galata's 15 s. */
const START_TIMEOUT = 90 * 1000;

const { waitForCondition } = JupyterLabPage.prototype;
JupyterLabPage.prototype.waitForCondition = (condition, timeout) =>
  waitForCondition(condition, timeout ?? START_TIMEOUT);

interface ILabFixtures {
  /** Settings by plugin, which a user has saved. */
  settings: Record<string, object>;
  savedSettings: void;
  /**
   * Start a server of the test's own, in a new folder that `prepare` may fill.
   * All of it is gone after the test.
   */
  serve: (
    prepare?: (root: string) => void,
    options?: IServerOptions
  ) => Promise<LabServer>;
}

export const test = galataTest.extend<ILabFixtures>({
  kernels: null,
  sessions: null,
  terminals: null,
  tmpPath: '',
  settings: [{}, { option: true }],
  savedSettings: [
    async ({ settings }, use) => {
      saveSettings({ ...galata.DEFAULT_SETTINGS, ...settings });
      await use();
    },
    { auto: true }
  ],
  // eslint-disable-next-line no-empty-pattern -- Playwright reads from it what a fixture needs
  serve: async ({}, use) => {
    const servers: LabServer[] = [];
    await use(async (prepare, options) => {
      const root = fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-own-'));
      prepare?.(root);
      const server = new LabServer(root, options);
      servers.push(server);
      await server.start();
      return server;
    });
    for (const server of servers) {
      await server.remove();
    }
  }
});

/** Write the settings that all servers of the tests read, and no others. */
function saveSettings(settings: Record<string, object>): void {
  const folder = path.join(
    process.env.JUPYTER_CONFIG_DIR as string,
    'lab',
    'user-settings'
  );
  fs.rmSync(folder, { recursive: true, force: true });
  for (const [plugin, values] of Object.entries(settings)) {
    const file = path.join(
      folder,
      `${plugin.replace(':', '/')}.jupyterlab-settings`
    );
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, JSON.stringify(values));
  }
}

/** End the kernels of the shared server, which live on without their page. */
export async function shutDownKernels(
  request: APIRequestContext
): Promise<void> {
  const kernels = await request.get('/api/kernels');
  for (const { id } of (await kernels.json()) as { id: string }[]) {
    await request.delete(`/api/kernels/${id}`);
  }
}
