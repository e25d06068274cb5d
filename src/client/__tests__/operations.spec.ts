import { parse } from 'yaml';

import {
  addressOf,
  DOWNLOADS,
  isChange,
  methodsOver,
  OPERATIONS
} from '../operations';
import type { OperationId } from '../operations';

// The types of Node are not those of the front end.
const { readFileSync } = jest.requireActual<{
  readFileSync(file: string, encoding: string): string;
}>('fs');

const FILE = 'pyruns_jupyter/server/openapi.yaml';

/** Operations of the API that the front end does not use. */
const UNUSED = ['changeSettings', 'compareTasks', 'getRun', 'getSettings'];

/** Method and path of each operation, as the API describes them. */
function described(): Record<string, string> {
  const { paths } = parse(readFileSync(FILE, 'utf8')) as {
    paths: Record<string, Record<string, { operationId?: string }>>;
  };
  return Object.fromEntries(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { operationId }]) =>
        operationId === undefined
          ? []
          : [[operationId, `${method.toUpperCase()} ${path.slice(1)}`]]
      )
    )
  );
}

describe('the table of operations', () => {
  it('is that of openapi.yaml', () => {
    const api = described();
    UNUSED.forEach(id => {
      expect(api).toHaveProperty(id);
      delete api[id];
    });
    expect({ ...OPERATIONS, ...DOWNLOADS }).toEqual(api);
  });

  it('tells changes from questions', () => {
    const ids = Object.keys(OPERATIONS) as OperationId[];
    expect(ids.filter(id => isChange(id)).sort()).toEqual([
      'actOnTasks',
      'askScript',
      'beginStudy',
      'changeAlertRules',
      'changeQueue',
      'changeStudy',
      'changeTask',
      'createTasks',
      'defineMetric',
      'deleteTask',
      'importRuns',
      'openWorkspace',
      'removeStudy',
      'requestStacks'
    ]);
  });
});

describe('the methods', () => {
  it('take the path, then the body or the query, then a signal', async () => {
    const perform = jest.fn(async () => 'answer');
    const methods = methodsOver(perform);
    const { signal } = new AbortController();
    await methods.listTasks('ws', { query: 'lr<1' }, signal);
    await methods.getRunInput('ws', 'a', 2);
    await methods.changeTask('ws', 'a', { notes: 'n' });
    expect(await methods.getStatus()).toBe('answer');
    expect(perform.mock.calls).toEqual([
      ['listTasks', { parameters: { ws: 'ws', query: 'lr<1' }, signal }],
      ['getRunInput', { parameters: { ws: 'ws', task: 'a', run: 2 } }],
      [
        'changeTask',
        { parameters: { ws: 'ws', task: 'a' }, body: { notes: 'n' } }
      ],
      ['getStatus', { parameters: {} }]
    ]);
  });
});

describe('an address', () => {
  it('has its parameters in the path, and the others in the query', () => {
    const path = 'workspaces/{ws}/artifacts/{path}';
    expect(
      addressOf(path, {
        ws: 'a/_pyruns_/b c',
        path: 'plots/a b#.png',
        key: ['x', 'y&z'],
        offset: 0,
        none: null,
        empty: '',
        missing: undefined
      })
    ).toBe(
      'workspaces/a%2F_pyruns_%2Fb%20c/artifacts/plots/a%20b%23.png?key=x&key=y%26z&offset=0'
    );
    expect(addressOf('system', {})).toBe('system');
  });
});
