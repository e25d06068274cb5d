const jestJupyterLab = require('@jupyterlab/testutils/lib/jest-config');

const esModules = [
  '@codemirror',
  '@jupyter/',
  '@jupyterlab/',
  '@marijn',
  '@microsoft/',
  '@rjsf/',
  '@xterm/',
  'd3-',
  'exenv-es6',
  'internmap',
  'lib0',
  'marked',
  'nanoid',
  'vscode-ws-jsonrpc',
  'y-protocols',
  'y-websocket',
  'yaml/',
  'yjs'
].join('|');

const baseConfig = jestJupyterLab(__dirname);

module.exports = {
  ...baseConfig,
  collectCoverageFrom: ['src/**/*.{ts,tsx}', '!src/**/*.d.ts'],
  coverageReporters: ['lcov', 'text'],
  modulePathIgnorePatterns: [
    '<rootDir>/pyruns_jupyter/labextension',
    '<rootDir>/lib',
    '<rootDir>/.venv',
    '<rootDir>/dist'
  ],
  reporters: ['default'],
  setupFilesAfterEnv: ['<rootDir>/jest.setup.js'],
  // In ms: ends a test that hangs. Machines differ in speed by more than tests may.
  testTimeout: 60_000,
  testRegex: 'src/.*/__tests__/.*\\.spec\\.tsx?$',
  // Types are checked by tsc; here each file is only transpiled.
  transform: {
    ...baseConfig.transform,
    '^.+\\.jsx?$': '<rootDir>/jest.transform.js',
    '^.+\\.tsx?$': '<rootDir>/jest.transform.js',
    '\\.mjs$': '<rootDir>/jest.transform.js'
  },
  transformIgnorePatterns: [`/node_modules/(?!${esModules}).+`]
};
