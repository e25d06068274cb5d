import { openInPyruns, openLab, picture } from '../support/journey';
import { FakeNvml } from '../support/nvml';
import { expect, test } from '../support/test';

test.setTimeout(300 * 1000);

/** Two devices with these loads. */
function setGpus(nvml: FakeNvml, ...loads: number[]): void {
  nvml.set(
    ...loads.map(
      (load, index) =>
        `Fake GPU ${index};81920;${8192 * (index + 1)};${load};${load};50;120000;`
    )
  );
}

test('gauges show CPU, memory and each GPU, and move', async ({
  page,
  serve
}) => {
  const nvml = new FakeNvml();
  setGpus(nvml, 10, 90);
  const server = await serve(undefined, { environment: nvml.environment });
  await openLab(page, server.url, 'digits');
  await openInPyruns(page, 'train.py');
  const machine = page.getByRole('region', { name: 'Machine utilization' });
  const gauge = (name: string) =>
    machine.getByRole('meter', { name, exact: true });
  await expect(gauge('CPU')).toHaveAttribute('aria-valuenow', /\d/);
  await expect(gauge('Memory')).toHaveAttribute('aria-valuenow', /\d/);
  await expect(gauge('GPU 0')).toHaveAttribute('aria-valuenow', '10');
  await expect(gauge('GPU 1')).toHaveAttribute('aria-valuenow', '90');
  await expect(gauge('GPU 0 mem')).toHaveAttribute('aria-valuenow', '10');
  await expect(gauge('GPU 1 mem')).toHaveAttribute('aria-valuenow', '20');
  setGpus(nvml, 70, 30);
  await expect(gauge('GPU 0')).toHaveAttribute('aria-valuenow', '70');
  await expect(gauge('GPU 1')).toHaveAttribute('aria-valuenow', '30');
  await picture(page, 'gpus-light');
  nvml.remove();
});
