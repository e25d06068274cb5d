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

const base = jestJupyterLab(__dirname);

const shared = {
  moduleFileExtensions: base.moduleFileExtensions,
  moduleNameMapper: base.moduleNameMapper,
  resolver: base.resolver,
  // Packages are resolved without it: only here are tests looked for.
  roots: ['<rootDir>/src'],
  // Types are checked by tsc; here each file is only transpiled.
  transform: {
    ...base.transform,
    '^.+\\.jsx?$': '<rootDir>/jest.transform.js',
    '^.+\\.tsx?$': '<rootDir>/jest.transform.js',
    '\\.mjs$': '<rootDir>/jest.transform.js'
  },
  transformIgnorePatterns: [`/node_modules/(?!${esModules}).+`]
};

module.exports = {
  collectCoverageFrom: ['src/**/*.{ts,tsx}', '!src/**/*.d.ts'],
  coverageReporters: ['lcov', 'text'],
  // A page for each file, and what imitates a browser there, takes most of the time of small tests.
  projects: [
    {
      ...shared,
      displayName: 'logic',
      testEnvironment: 'node',
      testRegex: 'src/model/__tests__/.*\\.spec\\.ts$'
    },
    {
      ...shared,
      displayName: 'interface',
      setupFiles: base.setupFiles,
      setupFilesAfterEnv: ['<rootDir>/jest.setup.js'],
      testEnvironment: base.testEnvironment,
      testRegex: 'src/(client|lab|views|widget)/.*__tests__/.*\\.spec\\.tsx?$'
    }
  ],
  reporters: ['default'],
  // In ms: ends a test that hangs. Machines differ in speed by more than tests may.
  testTimeout: 60_000
};
