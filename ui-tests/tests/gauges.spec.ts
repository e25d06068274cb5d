import { expect, test } from '@jupyterlab/galata';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';

import { openInPyruns, openLab, picture } from '../support/journey';
import { FakeNvml } from '../support/nvml';
import { LabServer } from '../support/server';

test.use({
  mockState: false,
  sessions: null,
  terminals: null,
  kernels: null,
  autoGoto: false,
  viewport: { width: 1440, height: 900 }
});

let server: LabServer;
let nvml: FakeNvml;

/** Two devices with these loads. */
function setGpus(...loads: number[]): void {
  nvml.set(
    ...loads.map(
      (load, index) =>
        `Fake GPU ${index};81920;${8192 * (index + 1)};${load};${load};50;120000;`
    )
  );
}

test.beforeAll(async () => {
  nvml = new FakeNvml();
  setGpus(10, 90);
  server = new LabServer(
    Number(process.env.PYRUNS_UI_PORT || 8895) + 2,
    fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-gauges-')),
    nvml.environment
  );
  await server.start();
});

test.afterAll(async () => {
  await server.remove();
  nvml.remove();
});

test('gauges show CPU, memory and each GPU, and move', async ({ page }) => {
  await openLab(page, server.url, 'digits');
  await openInPyruns(page, 'train.py');
  const machine = page.getByRole('region', { name: 'This machine' });
  const gauge = (name: string) =>
    machine.getByRole('meter', { name, exact: true });
  await expect(gauge('CPU')).toHaveAttribute('aria-valuenow', /\d/);
  await expect(gauge('Memory')).toHaveAttribute('aria-valuenow', /\d/);
  await expect(gauge('GPU 0')).toHaveAttribute('aria-valuenow', '10');
  await expect(gauge('GPU 1')).toHaveAttribute('aria-valuenow', '90');
  await expect(gauge('GPU 0 mem')).toHaveAttribute('aria-valuenow', '10');
  await expect(gauge('GPU 1 mem')).toHaveAttribute('aria-valuenow', '20');
  setGpus(70, 30);
  await expect(gauge('GPU 0')).toHaveAttribute('aria-valuenow', '70');
  await expect(gauge('GPU 1')).toHaveAttribute('aria-valuenow', '30');
  await picture(page, 'gpus-light');
});
