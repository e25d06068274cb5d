/**
 * Galata's defaults on the system's chromium: no browser is downloaded. The
 * server keeps its token and the XSRF check, and its Lab opens a temporary copy
 * of examples/ (see jupyter_server_test_config.py).
 */
const fs = require('fs');
const os = require('os');
const path = require('path');
const baseConfig = require('@jupyterlab/galata/lib/playwright-config');

const port = Number(process.env.PYRUNS_UI_PORT || 8895);
const token = 'ui-tests';
const chromium =
  process.env.PYRUNS_CHROMIUM ||
  ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(fs.existsSync);

// Made once, by the process that starts the server; its workers inherit the
// variable, so that specs can look at the files themselves.
if (!process.env.PYRUNS_UI_ROOT) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-ui-'));
  process.env.PYRUNS_UI_ROOT = root;
  process.on('exit', () => fs.rmSync(root, { recursive: true, force: true }));
}

// The keys of the tests' projects stay out of the user's home, and Jupyter's
// settings there (language, theme, extensions that are off) out of the tests.
if (!process.env.TEST_WORKER_INDEX) {
  for (const variable of ['PYRUNS_STATE_DIR', 'JUPYTER_CONFIG_DIR']) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-ui-'));
    process.env[variable] = folder;
    process.on('exit', () =>
      fs.rmSync(folder, { recursive: true, force: true })
    );
  }
  // Else each Lab that opens asks the server, which starts Node.js, whether it has to be built.
  const lab = path.join(process.env.JUPYTER_CONFIG_DIR, 'labconfig');
  fs.mkdirSync(lab);
  fs.writeFileSync(path.join(lab, 'page_config.json'), '{"buildCheck": false}');
}

module.exports = {
  ...baseConfig,
  testDir: path.join(__dirname, 'tests'),
  // Parts of the suite may run side by side, each with a port of its own.
  outputDir: path.join(__dirname, 'test-results', `port-${port}`),
  reporter: [['list']],
  workers: 1,
  retries: 0,
  timeout: 180 * 1000,
  expect: { ...baseConfig.expect, timeout: 30 * 1000 },
  use: {
    ...baseConfig.use,
    baseURL: `http://localhost:${port}`,
    extraHTTPHeaders: { Authorization: `token ${token}` },
    video: 'off', // would need playwright's own ffmpeg
    // Recording traces takes a third of the time; --trace retain-on-failure turns it on.
    trace: 'off',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: chromium,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync'
      ]
    }
  },
  webServer: {
    command:
      'jupyter lab --allow-root --config ' +
      path.join(__dirname, 'jupyter_server_test_config.py'),
    url: `http://localhost:${port}/lab?token=${token}`,
    timeout: 120 * 1000,
    reuseExistingServer: !process.env.CI
  }
};
