import { expect, test } from '@jupyterlab/galata';
import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';

import { openInPyruns, openLab, picture } from '../support/journey';
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
let library: string;

/** Devices as the fake NVML library reads them, at each call anew. */
function setGpus(...loads: number[]): void {
  const line = (load: number, index: number) =>
    `Fake GPU ${index};81920;${8192 * (index + 1)};${load};${load};50;120000;`;
  fs.writeFileSync(
    path.join(library, 'gpus'),
    `${loads.map(line).join('\n')}\n`
  );
}

test.beforeAll(async () => {
  library = fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-nvml-'));
  execFileSync('gcc', [
    '-shared',
    '-fPIC',
    '-Wl,-soname,libnvidia-ml.so.1',
    '-o',
    path.join(library, 'libnvidia-ml.so.1'),
    path.join(__dirname, '../../tests/fakenvml/fakenvml.c')
  ]);
  setGpus(10, 90);
  server = new LabServer(
    Number(process.env.PYRUNS_UI_PORT || 8895) + 2,
    fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-gauges-')),
    {
      LD_LIBRARY_PATH: library,
      FAKE_NVML_STATE: path.join(library, 'gpus')
    }
  );
  await server.start();
});

test.afterAll(async () => {
  await server.kill();
  fs.rmSync(server.root, { recursive: true, force: true });
  fs.rmSync(library, { recursive: true, force: true });
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
