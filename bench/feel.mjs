/**
 * How the pages feel in Chromium: first content, long tasks, layout shifts, size at the start, memory.
 *
 * usage: node bench/feel.mjs [--minutes 2] [--tasks 10000]
 *
 * A real server on a workspace with so many tasks, and a task that prints 5 MB a second. What is told beside each
 * figure is the same for something that needs nothing of ours, in the same run: Lab's own settings, a page at rest.
 */
import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { gzipSync } from 'node:zlib';

import { chromium } from '@playwright/test';

const option = (name, usual) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? usual : Number(process.argv[at + 1]);
};
const MINUTES = option('minutes', 2);
const TASKS = option('tasks', 10000);
const PORT = 8931;
const TOKEN = 'feel';
const URL = `http://localhost:${PORT}`;

const SCRIPT = `
import argparse, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--n", type=int, default=0)
parser.add_argument("--rate", type=float, default=0)
args = parser.parse_args()
block = "".join(f"a line of the log with some words and the number {n}\\n" for n in range(1000))
begun, written = time.time(), 0
while args.rate:
    sys.stdout.write(block)
    written += len(block)
    time.sleep(max(0, begun + written / (args.rate * 1e6) - time.time()))
`;

const MAKE = `
import sys
from pyruns_jupyter import Workspace
workspace = Workspace.open("work.py")
workspace.create("n: (0:${TASKS}:1)", name="t")
workspace.create("rate: 5.0", name="flood")
`;

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-feel-'));
fs.writeFileSync(path.join(root, 'work.py'), SCRIPT);
execFileSync('python', ['-c', MAKE], { cwd: root, stdio: 'inherit' });

const server = spawn(
  'jupyter',
  [
    'lab',
    '--allow-root',
    '--no-browser',
    `--port=${PORT}`,
    `--ServerApp.root_dir=${root}`,
    `--IdentityProvider.token=${TOKEN}`,
    '--LabApp.expose_app_in_browser=True',
    `--LabApp.workspaces_dir=${path.join(root, '.workspaces')}`
  ],
  { stdio: 'ignore' }
);
const headers = { Authorization: `token ${TOKEN}` };
for (let attempt = 0; attempt < 120; attempt++) {
  try {
    if ((await fetch(`${URL}/pyruns/api/status`, { headers })).ok) {
      break;
    }
  } catch {
    // Not listening yet.
  }
  await new Promise(resolve => setTimeout(resolve, 250));
}
const api = (place, init = {}) =>
  fetch(`${URL}/pyruns/api/workspaces/_pyruns_%2Fwork/${place}`, {
    ...init,
    headers: { ...headers, 'Content-Type': 'application/json' }
  });
const act = (action, names) =>
  api('actions', { method: 'POST', body: JSON.stringify({ action, names }) });

const browser = await chromium.launch({
  executablePath: process.env.PYRUNS_CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu']
});
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
const loaded = [];
page.on('response', response => {
  if (/\.js(\?|$)/.test(response.url())) {
    loaded.push(response);
  }
});

try {
  await page.goto(`${URL}/lab?reset&token=${TOKEN}`);
  await page.waitForFunction(() => window.jupyterapp?.restored !== undefined);
  await page.evaluate(() => window.jupyterapp.restored.then(() => undefined));
  await page.waitForTimeout(3000);
  await tellSizes();
  await tellFirstContent();
  await tellScrolling();
  await tellStreaming();
} finally {
  await act('cancel', ['flood']);
  await browser.close();
  server.kill('SIGTERM');
  await new Promise(resolve => setTimeout(resolve, 3000));
  fs.rmSync(root, { recursive: true, force: true });
}

/** Open a page without waiting for what its command returns. */
async function open(command, args) {
  await page.evaluate(
    ([command, args]) => {
      void window.jupyterapp.commands.execute(command, args);
    },
    [command, { workspace: '_pyruns_/work', ...args }]
  );
}

/** JavaScript that was loaded at Lab's start, gzipped. */
async function tellSizes() {
  const sizes = { ours: 0, all: 0 };
  for (const response of [...loaded]) {
    const size = gzipSync(await response.body()).length;
    sizes.all += size;
    sizes.ours += response.url().includes('pyruns-jupyter') ? size : 0;
  }
  const [ours, all] = [sizes.ours, sizes.all].map(size => size / 1024);
  console.log(
    `JavaScript at the start, gzipped: ours ${ours.toFixed(1)} KiB of ${all.toFixed(0)} KiB (${((100 * ours) / all).toFixed(1)} %)`
  );
}

/** From the command to the first content of each page, after it was seen once. */
async function tellFirstContent() {
  const names = Array.from(
    { length: 6 },
    (_, n) => `t_${String(n + 1).padStart(5, '0')}_n=${n}`
  );
  const pages = [
    [
      'Lab’s own settings',
      'settingeditor:open',
      {},
      '.jp-PluginList .jp-PluginList-entry'
    ],
    ['Dashboard', 'pyruns:open-dashboard', {}, '.pyr-dashboard .pyr-card'],
    ['Generator', 'pyruns:open-generator', {}, '.pyr-generator .pyr-field'],
    ['Manager', 'pyruns:open-manager', {}, '.pyr-manager [role=row] .pyr-cell'],
    [
      'Monitor',
      'pyruns:open-monitor',
      { task: 'flood' },
      '.pyr-monitor .pyr-task'
    ],
    ['Compare', 'pyruns:open-compare', { names }, '.pyr-compare-table td']
  ];
  for (const [name, command, args, selector] of pages) {
    const times = [];
    for (let turn = 0; turn < 6; turn++) {
      times.push(
        await page.evaluate(
          async ([command, args, selector]) => {
            const begun = performance.now();
            void window.jupyterapp.commands.execute(command, args);
            while (!document.querySelector(selector)?.getClientRects().length) {
              await new Promise(resolve => requestAnimationFrame(resolve));
            }
            return performance.now() - begun;
          },
          [command, { workspace: '_pyruns_/work', ...args }, selector]
        )
      );
      await page.evaluate(() =>
        [...window.jupyterapp.shell.widgets('main')]
          .filter(widget => !/launcher/.test(widget.id))
          .forEach(widget => widget.close())
      );
      await page.waitForTimeout(500);
    }
    const [first, ...warm] = times;
    warm.sort((a, b) => a - b);
    console.log(
      `first content, ${name}: ${Math.round(warm[2])} ms warm (median of 5), ${Math.round(first)} ms the first time`
    );
  }
}

/** Watch for long tasks, pictures and what moves by itself. */
async function watching(doing) {
  await page.evaluate(() => {
    const seen = { long: [], frames: 0, shift: 0, since: performance.now() };
    window.seen = seen;
    const heard = list =>
      list.getEntries().forEach(entry => {
        if (entry.entryType === 'longtask') {
          seen.long.push(entry.duration);
        } else if (!entry.hadRecentInput) {
          seen.shift += entry.value;
        }
      });
    window.observer?.disconnect();
    window.observer = new PerformanceObserver(heard);
    window.observer.observe({ entryTypes: ['longtask', 'layout-shift'] });
    const count = () => {
      seen.frames++;
      if (window.seen === seen) {
        requestAnimationFrame(count);
      }
    };
    requestAnimationFrame(count);
  });
  await doing();
  return page.evaluate(() => {
    const { long, frames, shift, since } = window.seen;
    window.seen = null;
    return {
      frames: frames / ((performance.now() - since) / 1000),
      long: long.length,
      longest: Math.max(0, ...long),
      shift
    };
  });
}

function told({ frames, long, longest, shift }) {
  return `${frames.toFixed(0)} frames/s, ${long} tasks above 50 ms, the longest ${longest.toFixed(0)} ms, layout shift ${shift.toFixed(4)}`;
}

/** Through 10,000 tasks with the wheel; the same page at rest beside it. */
async function tellScrolling() {
  await open('pyruns:open-manager', {});
  await page.waitForSelector('.pyr-manager [role=row] .pyr-cell');
  await page.waitForTimeout(3000);
  console.log(
    `Manager at rest: ${told(await watching(() => page.waitForTimeout(4000)))}`
  );
  await page.mouse.move(800, 500);
  const scrolling = async () => {
    for (let step = 0; step < 120; step++) {
      await page.mouse.wheel(0, 300);
      await page.waitForTimeout(33);
    }
  };
  console.log(
    `Manager, ${TASKS} tasks, scrolling: ${told(await watching(scrolling))}`
  );
}

/** A log that grows by 5 MB a second; memory after the garbage is collected. */
async function tellStreaming() {
  await act('run', ['flood']);
  await open('pyruns:open-monitor', { task: 'flood' });
  await page.waitForTimeout(10000);
  const session = await page.context().newCDPSession(page);
  const heap = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    return usedSize / 2 ** 20;
  };
  const before = await heap();
  // Collecting all garbage is a long task of its own.
  await page.waitForTimeout(3000);
  const streaming = await watching(() => page.waitForTimeout(60000 * MINUTES));
  const size = await page.locator('.pyr-log-fact.pyr-faint').textContent();
  console.log(
    `Monitor, 5 MB/s for ${MINUTES} min (${size}): ${told(streaming)}`
  );
  console.log(
    `memory: ${before.toFixed(1)} MiB before, ${(await heap()).toFixed(1)} MiB after`
  );
}
