/**
 * Galata's defaults on the system's chromium: no browser is downloaded. The
 * server keeps its token and the XSRF check, and its Lab opens a temporary copy
 * of examples/ (see jupyter_server_test_config.py). PYRUNS_UI_WORKERS specs run
 * side by side, at ports from PYRUNS_UI_PORT.
 */
const fs = require('fs');
const os = require('os');
const path = require('path');
const baseConfig = require('@jupyterlab/galata/lib/playwright-config');

const port = Number(process.env.PYRUNS_UI_PORT || 8895);
const workers = Number(process.env.PYRUNS_UI_WORKERS || 1);
const token = 'ui-tests';
const chromium =
  process.env.PYRUNS_CHROMIUM ||
  // Without windows, it takes a sixth less of the processor's time.
  [
    '/usr/bin/chromium-headless-shell',
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser'
  ].find(fs.existsSync);

// Made once, by the process that starts the servers; its workers inherit the variable.
if (!process.env.PYRUNS_UI_FOLDER) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pyruns-ui-'));
  process.env.PYRUNS_UI_FOLDER = folder;
  process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  for (let worker = 0; worker < workers; worker++) {
    // Else each Lab that opens asks the server, which starts Node.js, whether it has to be built.
    const lab = path.join(environment(worker).JUPYTER_CONFIG_DIR, 'labconfig');
    fs.mkdirSync(lab, { recursive: true });
    fs.writeFileSync(
      path.join(lab, 'page_config.json'),
      '{"buildCheck": false}'
    );
  }
}

/**
 * What a worker and its server share. The keys of the tests' projects stay out
 * of the user's home, and Jupyter's settings there out of the tests.
 */
function environment(worker) {
  const folder = path.join(process.env.PYRUNS_UI_FOLDER, String(worker));
  return {
    PYRUNS_UI_PORT: String(port + 300 * worker),
    PYRUNS_UI_ROOT: path.join(folder, 'root'),
    PYRUNS_STATE_DIR: path.join(folder, 'state'),
    JUPYTER_CONFIG_DIR: path.join(folder, 'config')
  };
}

// Specs look at the files themselves, and start servers of their own beside it.
if (process.env.TEST_WORKER_INDEX && !process.env.PYRUNS_UI_ROOT) {
  const worker = Number(process.env.TEST_PARALLEL_INDEX);
  Object.assign(process.env, environment(worker));
}

module.exports = {
  ...baseConfig,
  testDir: path.join(__dirname, 'tests'),
  outputDir: path.join(__dirname, 'test-results', `port-${port}`),
  reporter: [['list']],
  workers,
  retries: 0,
  // Lab alone may need 90 s to start while other suites keep the cores busy.
  timeout: 300 * 1000,
  expect: { ...baseConfig.expect, timeout: 30 * 1000 },
  use: {
    ...baseConfig.use,
    baseURL: `http://localhost:${process.env.PYRUNS_UI_PORT || port}`,
    extraHTTPHeaders: { Authorization: `token ${token}` },
    viewport: { width: 1440, height: 900 },
    // The browser keeps what it has loaded and compiled, and forgets the rest between tests.
    reuseContext: true,
    // Answers of Galata's own would turn that cache off (see support/test.ts).
    autoGoto: false,
    mockConfig: false,
    mockSettings: false,
    mockState: false,
    mockUser: false,
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
  // Each worker has a server, so that its settings and layouts are its own.
  webServer: Array.from({ length: workers }, (_, worker) => {
    const env = environment(worker);
    return {
      command:
        'jupyter lab --allow-root --config ' +
        path.join(__dirname, 'jupyter_server_test_config.py'),
      env,
      url: `http://localhost:${env.PYRUNS_UI_PORT}/lab?token=${token}`,
      timeout: 240 * 1000,
      reuseExistingServer: !process.env.CI
    };
  })
};
