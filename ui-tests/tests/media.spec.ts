import type { Locator } from '@playwright/test';

import {
  makeProject,
  openInPyruns,
  openLab,
  pictures,
  taskRows
} from '../support/journey';
import { expect, test } from '../support/test';

const ROOT = process.env.PYRUNS_UI_ROOT as string;

// Images without a library, and a figure where matplotlib is installed.
const NET = `
import argparse, math, random, struct, wave, zlib
from pathlib import Path
import pyruns_jupyter as pyruns

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()

def png(pixels):
    rows = b"".join(b"\\0" + bytes(row) for row in pixels)
    part = lambda kind, data: (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
    size = struct.pack(">IIBBBBB", len(pixels[0]), len(pixels), 8, 0, 0, 0, 0)
    return (b"\\x89PNG\\r\\n\\x1a\\n" + part(b"IHDR", size)
            + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b""))

def sample(quality):
    chance = random.Random(args.lr)
    def pixel(x, y):
        ring = math.exp(-((math.hypot(x - 13.5, (y - 13.5) * 0.8) - 8) / 2) ** 2)
        return int(255 * min(1, quality * ring + (1 - quality) * chance.random()))
    return [[pixel(x, y) for x in range(28)] for y in range(28)]

def boundary(step, quality):
    try:
        import matplotlib
    except ImportError:
        return
    matplotlib.use("agg")
    from matplotlib import pyplot as plt
    import numpy as np
    chance = np.random.default_rng(1)
    turn = chance.uniform(0, math.pi, 120)
    noise = chance.normal(0, 0.12, (4, 120))
    upper = np.cos(turn) + noise[0], np.sin(turn) + noise[1]
    lower = 1 - np.cos(turn) + noise[2], 0.5 - np.sin(turn) + noise[3]
    x, y = np.meshgrid(np.linspace(-1.6, 2.6, 80), np.linspace(-1.2, 1.7, 60))
    value = y - 0.25 + quality * 0.9 * np.sin((x - 0.5) * 2.6) - (1 - quality) * 0.4 * x
    figure, axes = plt.subplots(figsize=(4, 3), layout="constrained")
    axes.contourf(x, y, np.tanh(2 * value), 16, cmap="RdBu", alpha=0.7)
    axes.scatter(*upper, s=12, color="#2166ac")
    axes.scatter(*lower, s=12, color="#b2182b")
    axes.set_title(f"step {step}, accuracy {0.7 + 0.28 * quality:.2f}", fontsize=10)
    pyruns.track(boundary=figure, step=step)
    plt.close(figure)

folder = Path(pyruns.artifact_dir())
best = {0.1: 0.95, 0.01: 0.8, 0.001: 0.45}[args.lr]
for step in range(0, 401, 200 if args.lr == 0.001 else 100):
    quality = best * (1 - math.exp(-step / 150))
    pyruns.track(loss=1 - quality, step=step)
    (folder / f"samples_{step:06d}.png").write_bytes(png(sample(quality)))
    boundary(step, quality)
(folder / "report.html").write_text(
    f"<h2>lr={args.lr}</h2><p>accuracy <b>{best}</b>"
    "<script>parent.caught = top.caught = 1; alert(1)</script><img src=x onerror='top.caught = 1'>")
(folder / "errors.csv").write_text("class,count\\n" + "".join(
    f"{name},{int((1 - best) * 90 + number)}\\n" for number, name in enumerate("abcdefgh")))
if args.lr == 0.1:
    with wave.open(str(folder / "tone.wav"), "wb") as tone:
        tone.setnchannels(1), tone.setsampwidth(1), tone.setframerate(8000)
        tone.writeframes(bytes(int(127 + 100 * math.sin(at / 4)) for at in range(8000)))
`;

/** The pixels of an image, once it is loaded. */
async function pixelsOf(image: Locator): Promise<string> {
  await expect
    .poll(() => image.evaluate((each: HTMLImageElement) => each.naturalWidth))
    .toBe(28);
  return image.evaluate((each: HTMLImageElement) => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 28;
    canvas.getContext('2d')!.drawImage(each, 0, 0);
    return canvas.toDataURL();
  });
}

test('media of three tasks over steps', async ({ page, baseURL }) => {
  makeProject(ROOT, 'media', 'net.py', NET);
  await openLab(page, baseURL as string, 'media');
  await openInPyruns(page, 'net.py');
  await page.getByLabel('lr', { exact: true }).fill('0.1 | 0.01 | 0.001');
  await page.getByLabel('Parallel tasks').fill('3');
  await page.getByRole('button', { name: 'Create and run' }).click();
  await expect(taskRows(page).getByText('Completed')).toHaveCount(3, {
    timeout: 120000
  });
  await page.getByRole('checkbox', { name: 'Select all tasks' }).click();
  await page
    .getByRole('toolbar', { name: 'Task actions' })
    .getByRole('button', { name: 'Compare' })
    .click();
  const panel = page.getByRole('tabpanel', { name: 'media/net: Compare' });
  await panel.getByRole('tab', { name: 'Media' }).click();

  const task = (lr: number) => new RegExp(`^samples of net_\\d_lr=${lr} `);
  const image = (lr: number, step: number) =>
    panel.getByRole('img', {
      name: new RegExp(`${task(lr).source}at step ${step}$`)
    });
  const last = await pixelsOf(image(0.1, 400));
  await pixelsOf(image(0.001, 400));
  await pictures(page, 'compare-media');

  // The arrow keys move over the steps; a task shows its last one before.
  const slider = panel.getByRole('slider', { name: 'Step' });
  await slider.focus();
  await page.keyboard.press('ArrowLeft');
  await expect(slider).toHaveAttribute('aria-valuetext', 'Step 300');
  // The name changes before the browser has loaded the image.
  await expect.poll(() => pixelsOf(image(0.1, 300))).not.toBe(last);
  await pixelsOf(image(0.001, 200));
  await expect(panel.getByText('Step 200 (earlier)').first()).toBeVisible();
  await page.keyboard.press('Home');
  await pixelsOf(image(0.01, 0));
  await page.keyboard.press('End');
  await expect.poll(() => pixelsOf(image(0.1, 400))).toBe(last);

  // Names are filtered; what a task has not logged is said.
  const filter = panel.getByRole('searchbox', { name: 'Filter names' });
  await filter.fill('tone');
  await expect(panel.getByText('Not logged')).toHaveCount(2);
  await expect(panel.locator('audio')).toHaveCount(1);
  await filter.fill('errors');
  await expect(panel.getByRole('cell', { name: 'h', exact: true })).toHaveCount(
    3
  );

  // An HTML page is shown, but runs nothing.
  await filter.fill('report');
  const frame = panel.locator('iframe').first();
  await expect(frame).toHaveAttribute('sandbox', '');
  await expect(
    frame.contentFrame().getByRole('heading', { name: 'lr=0.1' })
  ).toBeVisible();
  expect(
    await page.evaluate(() => (window as { caught?: number }).caught)
  ).toBeUndefined();
  await filter.fill('nothing');
  await expect(panel.getByText('No matching names')).toBeVisible();
  await filter.fill('');

  await page.setViewportSize({ width: 1000, height: 700 });
  await panel.getByRole('radio', { name: 'Small' }).check();
  await pixelsOf(image(0.1, 400));
});
