/**
 * How the pages feel in Chromium: sizes, first content, long tasks, layout shifts, work of the page, memory, sockets.
 *
 * usage: node bench/feel.mjs [--minutes 2] [--tasks 10000] [--only sizes,content,...]
 *
 * A real server on workspaces with many tasks, with finished runs to compare, and with a script of 300 parameters;
 * tasks that print 5 and 20 MB a second, and one that rewrites its line. What is told beside some figures is the same
 * for something that needs nothing of ours, in the same run: Lab's own settings, a page at rest.
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
const only = process.argv[process.argv.indexOf('--only') + 1];
const isWanted = part =>
  !process.argv.includes('--only') || only.split(',').includes(part);
const MINUTES = option('minutes', 2);
const TASKS = option('tasks', 10000);
const PORT = 8931;
const TOKEN = 'feel';
const URL = `http://localhost:${PORT}`;
const COMPARED = 500;
const PARAMETERS = 300;

const SCRIPT = `
import argparse, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("--n", type=int, default=0)
parser.add_argument("--rate", type=float, default=0)
parser.add_argument("--rewrites", action="store_true")
args = parser.parse_args()
block = "".join(f"a line of the log with some words and the number {n}\\n" for n in range(1000))
if args.rewrites:
    block = block.replace("\\n", "\\r")
begun, written = time.time(), 0
while args.rate:
    sys.stdout.write(block)
    written += len(block)
    time.sleep(max(0, begun + written / (args.rate * 1e6) - time.time()))
`;

const FORM = [
  'import argparse',
  'parser = argparse.ArgumentParser()',
  ...Array.from(
    { length: PARAMETERS },
    (_, n) => `parser.add_argument("--p${n}", default="a", help="What for.")`
  ),
  'parser.parse_args()'
].join('\n');

const MAKE = `
from pyruns_jupyter import Workspace
Workspace.open("form.py")
# The last one is that of the status bar, too.
workspace = Workspace.open("work.py")
for first in range(0, ${TASKS}, 10_000):  # as many as a sweep may have
    workspace.create(f"n: ({first}:{min(first + 10_000, ${TASKS})}:1)", name=f"t{first}")
workspace.create("rate: 5.0", name="flood")
workspace.create("rate: 20.0", name="torrent")
workspace.create("rate: 5.0\\nrewrites: true", name="bar")
`;

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-feel-'));
fs.writeFileSync(path.join(root, 'work.py'), SCRIPT);
fs.writeFileSync(path.join(root, 'form.py'), FORM);
execFileSync(
  'python',
  ['tools/seed.py', path.join(root, 'seed'), '--tasks', `${COMPARED}`],
  { stdio: 'ignore' }
);
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
  executablePath:
    process.env.PYRUNS_CHROMIUM ||
    ['/usr/bin/chromium', '/usr/bin/chromium-headless-shell'].find(
      fs.existsSync
    ),
  args: ['--no-sandbox', '--disable-gpu']
});
let page;
let session;
/** The scripts that the page has loaded, the addresses of those that came before Lab was restored, and its open websockets. */
let loaded = [];
let early = new Set();
const sockets = new Set();

const WORK = '_pyruns_/work';
const SEEDED = 'seed/_pyruns_/train';
const names = Array.from(
  { length: 6 },
  (_, n) => `t_${String(n + 1).padStart(5, '0')}_n=${n}`
);
const PAGES = [
  ['Dashboard', 'pyruns:open-dashboard', {}, '.pyr-dashboard .pyr-card'],
  ['New tasks', 'pyruns:open-generator', {}, '.pyr-generator .pyr-field'],
  ['Tasks', 'pyruns:open-manager', {}, '.pyr-grid .pyr-cell-name'],
  [
    'Logs',
    'pyruns:open-monitor',
    { task: 'flood' },
    '.pyr-monitor [data-task=flood]'
  ],
  ['Compare', 'pyruns:open-compare', { names }, '.pyr-compare-table td']
];

const PARTS = {
  sizes: tellSizes,
  content: tellFirstContent,
  sockets: tellSockets,
  scrolling: tellScrolling,
  form: tellForm,
  compare: tellCompare,
  logs: tellLogs,
  rewriting: tellRewriting
};
try {
  await openLab();
  for (const [part, tell] of Object.entries(PARTS)) {
    if (isWanted(part)) {
      await tell();
      await closePages();
    }
  }
} finally {
  await act('cancel', ['flood', 'torrent', 'bar']);
  await browser.close();
  server.kill('SIGTERM');
  await new Promise(resolve => setTimeout(resolve, 3000));
  fs.rmSync(root, { recursive: true, force: true });
}

/** Open JupyterLab in a new tab, whose requests are remembered. */
async function openLab() {
  await page?.close();
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  loaded = [];
  sockets.clear();
  page.on('response', response => {
    if (/\.js(\?|$)/.test(response.url())) {
      loaded.push(response);
    }
  });
  page.on('websocket', socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await page.addInitScript(() =>
    performance.setResourceTimingBufferSize(10000)
  );
  await page.goto(`${URL}/lab?reset&token=${TOKEN}`);
  await page.waitForFunction(() => window.jupyterapp?.restored !== undefined);
  const came = await page.evaluate(async () => {
    await window.jupyterapp.restored;
    return performance.getEntriesByType('resource').map(({ name }) => name);
  });
  early = new Set(came);
  await page.waitForTimeout(3000);
}

/** Open a page without waiting for what its command returns. */
async function open(command, args, selector) {
  await page.evaluate(
    ([command, args]) => {
      void window.jupyterapp.commands.execute(command, args);
    },
    [command, { workspace: WORK, ...args }]
  );
  await page.locator(selector).first().waitFor();
}

async function closePages() {
  await page.evaluate(() =>
    [...window.jupyterapp.shell.widgets('main')]
      .filter(widget => !/launcher/.test(widget.id))
      .forEach(widget => widget.close())
  );
  await page.waitForTimeout(500);
}

/** The size of scripts, gzipped, in KiB: ours, and all. */
async function sizeOf(responses) {
  const sizes = { ours: 0, all: 0 };
  for (const response of responses) {
    const size = gzipSync(await response.body()).length / 1024;
    sizes.all += size;
    sizes.ours += response.url().includes('pyruns-jupyter') ? size : 0;
  }
  return sizes;
}

/** JavaScript that came before Lab was restored, in the 3 s after that, and for each page when it is the first, gzipped. */
async function tellSizes() {
  const isEarly = response => early.has(response.url());
  const scripts = [...loaded];
  const { ours, all } = await sizeOf(scripts.filter(isEarly));
  const late = await sizeOf(scripts.filter(each => !isEarly(each)));
  console.log(
    `JavaScript until Lab is restored, gzipped: ours ${ours.toFixed(1)} KiB of ${all.toFixed(0)} KiB (${((100 * ours) / all).toFixed(1)} %), and ours ${late.ours.toFixed(1)} KiB soon after`
  );
  for (const [name, command, args, selector] of PAGES) {
    await openLab();
    const before = loaded.length;
    await open(command, args, selector);
    await page.waitForTimeout(2000);
    const added = await sizeOf(loaded.slice(before));
    console.log(
      `JavaScript of a page, gzipped: ${name} ${added.ours.toFixed(1)} KiB`
    );
  }
}

/** The websockets of all pages of a workspace together. */
async function tellSockets() {
  for (const [, command, args, selector] of PAGES) {
    await open(command, args, selector);
  }
  await page.waitForTimeout(2000);
  const counts = new Map();
  for (const socket of sockets) {
    const kind = /pyruns.*\/(events|system|log)\b/.exec(socket.url())?.[1];
    if (kind) {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
  }
  console.log(
    `websockets of ${PAGES.length} pages: ${[...counts].map(([kind, count]) => `${kind} ${count}`).join(', ')}`
  );
}

/** From the command to the first content of each page, after it was seen once. */
async function tellFirstContent() {
  const settings = [
    'Lab’s own settings',
    'settingeditor:open',
    {},
    '.jp-PluginList .jp-PluginList-entry'
  ];
  const pages = [settings, ...PAGES];
  for (const [name, command, args, selector] of pages) {
    const times = [];
    for (let turn = 0; turn < 6; turn++) {
      times.push(
        await page.evaluate(
          async ([command, args, selector]) => {
            const begun = performance.now();
            void window.jupyterapp.commands.execute(command, args);
            while (!document.querySelector(selector)?.getClientRects().length) {
              if (performance.now() - begun > 60000) {
                throw new Error(`nothing is ${selector}`);
              }
              await new Promise(resolve => requestAnimationFrame(resolve));
            }
            return performance.now() - begun;
          },
          [command, { workspace: WORK, ...args }, selector]
        )
      );
      await closePages();
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
  await browser.startTracing(page, { categories: ['toplevel', '__metadata'] });
  await doing();
  const seen = await page.evaluate(() => {
    const { long, frames, shift, since } = window.seen;
    window.seen = null;
    return {
      frames: frames / ((performance.now() - since) / 1000),
      long: long.length,
      longest: Math.max(0, ...long),
      shift
    };
  });
  return { ...seen, cpuTime: maxCpuTime(await browser.stopTracing()) };
}

/** The most CPU time of one task of the page, in ms: a long task may only have waited for a core. */
function maxCpuTime(trace) {
  const { traceEvents } = JSON.parse(trace.toString());
  const threadOf = ({ pid, tid }) => `${pid} ${tid}`;
  const mains = new Set(
    traceEvents
      .filter(
        ({ name, args }) =>
          name === 'thread_name' && args.name === 'CrRendererMain'
      )
      .map(threadOf)
  );
  const longest = traceEvents.reduce(
    (most, event) =>
      event.tdur > most && mains.has(threadOf(event)) ? event.tdur : most,
    0
  );
  if (longest === 0) {
    throw new Error('The trace has no CPU time of the page.');
  }
  return longest / 1000;
}

function told({ frames, long, longest, cpuTime, shift }) {
  return `${frames.toFixed(0)} frames/s, ${long} tasks above 50 ms, the longest ${longest.toFixed(0)} ms, at most ${cpuTime.toFixed(0)} ms of CPU time in one, layout shift ${shift.toFixed(4)}`;
}

/** The time that the page worked for each turn of a deed, in ms. */
async function workOf(turns, deed) {
  const worked = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
  };
  const before = await worked();
  for (let turn = 0; turn < turns; turn++) {
    await deed(turn);
  }
  await page.waitForTimeout(500);
  return (await worked()) / turns - before / turns;
}

/** Through the tasks with the wheel; the same page at rest beside it. */
async function tellScrolling() {
  const [, , [, command, args, selector]] = PAGES;
  await open(command, args, selector);
  await page.waitForTimeout(3000);
  console.log(
    `Tasks at rest: ${told(await watching(() => page.waitForTimeout(4000)))}`
  );
  await page.mouse.move(800, 500);
  const scrolling = async () => {
    for (let step = 0; step < 120; step++) {
      await page.mouse.wheel(0, 300);
      await page.waitForTimeout(33);
    }
  };
  console.log(
    `Tasks, ${TASKS} of them, scrolling: ${told(await watching(scrolling))}`
  );
}

/** Type in the first of 300 fields: how many fields change, and how long the page works for a key. */
async function tellForm() {
  const args = { workspace: '_pyruns_/form' };
  await open('pyruns:open-generator', args, '.pyr-generator .pyr-field');
  const fields = page.locator('.pyr-generator .pyr-field');
  await page.waitForTimeout(1000);
  await fields.locator('input').first().focus();
  await page.evaluate(() => {
    window.changed = [];
    window.addEventListener('keydown', () => window.changed.push(new Set()), {
      capture: true
    });
    new MutationObserver(records =>
      records.forEach(({ target }) => {
        const element =
          target instanceof Element ? target : target.parentElement;
        const field = element?.closest('.pyr-field');
        if (field) {
          window.changed.at(-1)?.add(field);
        }
      })
    ).observe(document.querySelector('.pyr-form'), {
      attributes: true,
      characterData: true,
      childList: true,
      subtree: true
    });
  });
  let work = 0;
  const seen = await watching(async () => {
    work = await workOf(30, async turn => {
      await page.keyboard.press('bcdefg'[turn % 6]);
      await page.waitForTimeout(150);
    });
  });
  const most = await page.evaluate(() =>
    Math.max(...window.changed.map(({ size }) => size))
  );
  console.log(
    `New tasks, ${await fields.count()} parameters: at most ${most} fields change with a key, ${work.toFixed(1)} ms of work; ${told(seen)}`
  );
}

/** Compare runs: from the command to the table, the pointer over its rows and over curves. */
async function tellCompare() {
  const id = encodeURIComponent(SEEDED);
  const answer = await fetch(
    `${URL}/pyruns/api/workspaces/${id}/tasks?limit=${COMPARED}`,
    { headers }
  );
  const all = (await answer.json()).items.map(({ name }) => name);
  const table = '.pyr-compare-table';
  const opening = await watching(() =>
    open(
      'pyruns:open-compare',
      { workspace: SEEDED, names: all },
      `${table} td`
    )
  );
  const nodes = () =>
    page.evaluate(() => document.querySelectorAll('.pyr-compare *').length);
  console.log(
    `Compare, ${all.length} runs: ${await nodes()} elements; ${told(opening)}`
  );
  const hovering = async (selector, name) => {
    const box = await page.locator(selector).first().boundingBox();
    let work = 0;
    const seen = await watching(async () => {
      work = await workOf(60, turn =>
        page.mouse.move(
          box.x + box.width * (0.2 + turn / 100),
          box.y + Math.min(box.height, 500) * (0.3 + 0.1 * (turn % 6))
        )
      );
    });
    console.log(
      `Compare, the pointer over ${name}: ${work.toFixed(1)} ms of work a move; ${told(seen)}`
    );
  };
  await hovering(table, 'the table');
  await hovering('.pyr-compared-tasks', 'the list');
  await page.mouse.move(900, 600);
  const scrolling = await watching(async () => {
    for (let step = 0; step < 60; step++) {
      await page.mouse.wheel(0, 200);
      await page.waitForTimeout(33);
    }
  });
  console.log(`Compare, scrolling the table: ${told(scrolling)}`);
  await page.getByRole('tab', { name: 'Curves' }).click();
  await page.locator('.pyr-curve-cell canvas').first().waitFor();
  await page.waitForTimeout(5000);
  await hovering('.pyr-curve-cell', 'curves');
}

/** Memory of the page after its garbage is collected, in MiB. */
async function heap() {
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  // Collecting all garbage is a long task of its own.
  await page.waitForTimeout(3000);
  return usedSize / 2 ** 20;
}

/** Run a task and follow its log; tells how smooth the page is and what memory it takes, and stops the task. */
async function follow(task, text) {
  await act('run', [task]);
  await open(
    'pyruns:open-monitor',
    { task },
    `.pyr-monitor [data-task=${task}]`
  );
  await page.waitForTimeout(10000);
  const before = await heap();
  const streaming = await watching(() => page.waitForTimeout(60000 * MINUTES));
  const size = await page.locator('.pyr-log-fact.pyr-faint').textContent();
  console.log(`Logs, ${text} for ${MINUTES} min (${size}): ${told(streaming)}`);
  console.log(
    `memory: ${before.toFixed(1)} MiB before, ${(await heap()).toFixed(1)} MiB after`
  );
  await act('cancel', [task]);
}

/** Logs that grow by 5 and by 20 MB a second; whether what can be scrolled to has no gaps and reaches the end. */
async function tellLogs() {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  for (const [task, rate] of [
    ['flood', 5],
    ['torrent', 20]
  ]) {
    await follow(task, `${rate} MB/s`);
    const begun = Date.now();
    let text = '';
    while (!text.includes('cancelled') && Date.now() - begun < 60000) {
      await page.waitForTimeout(500);
      text = await page.evaluate(async () => {
        await window.jupyterapp.commands.execute('pyruns:copy-log', {});
        return navigator.clipboard.readText();
      });
    }
    const numbers = [...text.matchAll(/the number (\d+)$/gm)].map(match =>
      Number(match[1])
    );
    // A writer that is stopped may leave half a line.
    numbers.pop();
    const gaps = numbers.filter(
      (number, at) => at > 0 && number !== (numbers[at - 1] + 1) % 1000
    ).length;
    console.log(
      `its end ${text.includes('cancelled') ? `is on the screen ${((Date.now() - begun) / 1000).toFixed(1)} s after it was stopped` : 'is missing'}, ${gaps} gaps in ${numbers.length} lines`
    );
    await closePages();
  }
}

/** A line that is rewritten 5 MB a second: two minutes are more than a day of a progress bar. */
async function tellRewriting() {
  await follow('bar', 'one line rewritten, 5 MB/s');
}
