/** The operations of `openapi.yaml`, for all clients. */
import type { operations } from './schema';

type Routes = { [Id in keyof operations]?: `${string} ${string}` };

/** Method and path of each operation that returns JSON. */
export const OPERATIONS = {
  getStatus: 'GET status',
  getSystem: 'GET system',
  listWorkspaces: 'GET workspaces',
  openWorkspace: 'POST workspaces',
  getWorkspace: 'GET workspaces/{ws}',
  getParameters: 'GET workspaces/{ws}/parameters',
  askScript: 'POST workspaces/{ws}/ask',
  getTemplate: 'GET workspaces/{ws}/templates',
  joinConfigurations: 'POST workspaces/{ws}/templates',
  previewSweep: 'POST workspaces/{ws}/preview',
  listTasks: 'GET workspaces/{ws}/tasks',
  defineMetric: 'PATCH workspaces/{ws}/metrics',
  getAlertRules: 'GET workspaces/{ws}/alerts',
  changeAlertRules: 'PATCH workspaces/{ws}/alerts',
  createTasks: 'POST workspaces/{ws}/tasks',
  importRuns: 'POST workspaces/{ws}/imports',
  actOnTasks: 'POST workspaces/{ws}/actions',
  listTrash: 'GET workspaces/{ws}/trash',
  listColumns: 'GET workspaces/{ws}/columns',
  groupTasks: 'GET workspaces/{ws}/groups',
  listCurves: 'GET workspaces/{ws}/curves',
  compareManyTasks: 'POST workspaces/{ws}/compare',
  listFailures: 'POST workspaces/{ws}/failures',
  listMedia: 'POST workspaces/{ws}/media',
  getQueue: 'GET workspaces/{ws}/queue',
  changeQueue: 'POST workspaces/{ws}/queue',
  listStudies: 'GET workspaces/{ws}/studies',
  beginStudy: 'POST workspaces/{ws}/studies',
  previewSearch: 'POST workspaces/{ws}/searches',
  getStudy: 'GET workspaces/{ws}/studies/{study}',
  changeStudy: 'POST workspaces/{ws}/studies/{study}',
  removeStudy: 'DELETE workspaces/{ws}/studies/{study}',
  getStudyImportance: 'GET workspaces/{ws}/studies/{study}/importance',
  getTask: 'GET workspaces/{ws}/tasks/{task}',
  changeTask: 'PATCH workspaces/{ws}/tasks/{task}',
  deleteTask: 'DELETE workspaces/{ws}/tasks/{task}',
  getTracks: 'GET workspaces/{ws}/tasks/{task}/tracks',
  previewLogMetrics: 'GET workspaces/{ws}/tasks/{task}/logs/metrics',
  listLogTimes: 'GET workspaces/{ws}/tasks/{task}/logs/times',
  getStacks: 'GET workspaces/{ws}/tasks/{task}/stacks',
  requestStacks: 'POST workspaces/{ws}/tasks/{task}/stacks',
  getRunInput: 'GET workspaces/{ws}/tasks/{task}/runs/{run}/input',
  listArtifacts: 'GET workspaces/{ws}/tasks/{task}/runs/{run}/artifacts'
} as const satisfies Routes;

/** Method and path of each operation that returns a file or lines. */
export const DOWNLOADS = {
  exportResults: 'GET workspaces/{ws}/export',
  readLog: 'GET workspaces/{ws}/tasks/{task}/logs',
  searchLog: 'GET workspaces/{ws}/tasks/{task}/logs/search',
  downloadLog: 'GET workspaces/{ws}/tasks/{task}/logs/download',
  downloadArtifact:
    'GET workspaces/{ws}/tasks/{task}/runs/{run}/artifacts/{path}',
  downloadMedium: 'GET workspaces/{ws}/tasks/{task}/runs/{run}/media'
} as const satisfies Routes;

export type OperationId = keyof typeof OPERATIONS;

/** Operations that change nothing, but have parameters too long for an address. */
const POST_QUERIES: readonly OperationId[] = [
  'compareManyTasks',
  'joinConfigurations',
  'listFailures',
  'listMedia',
  'previewSearch',
  'previewSweep'
];

/** Return whether an operation changes anything. */
export function isChange(id: OperationId): boolean {
  return !OPERATIONS[id].startsWith('GET') && !POST_QUERIES.includes(id);
}

type InPath<Id extends keyof operations> =
  operations[Id]['parameters'] extends { path: infer P } ? P : object;

export type Query<Id extends keyof operations> = NonNullable<
  operations[Id]['parameters']['query']
>;

export type Body<Id extends keyof operations> = operations[Id] extends {
  requestBody: { content: { 'application/json': infer B } };
}
  ? B
  : undefined;

/** The parameters in the path and the query of an operation. */
export type Parameters<Id extends keyof operations> = InPath<Id> &
  ([Query<Id>] extends [never] ? object : Query<Id>);

type Json<Response> = Response extends {
  content: { 'application/json': infer J };
}
  ? J
  : void;

/** The result of an operation. */
export type Answer<Id extends keyof operations> = {
  [Status in keyof operations[Id]['responses']]: Status extends 200 | 201 | 204
    ? Json<operations[Id]['responses'][Status]>
    : never;
}[keyof operations[Id]['responses']];

/** The parameters in a path, in their order. */
type PathArguments<
  Route extends string,
  Path
> = Route extends `${string}{${infer Name}}${infer Rest}`
  ? [Path[Name & keyof Path], ...PathArguments<Rest, Path>]
  : [];

type InputArguments<Id extends keyof operations> =
  Body<Id> extends undefined
    ? operations[Id]['parameters'] extends { query: object }
      ? [query: Query<Id>]
      : [query?: Query<Id>]
    : [body: Body<Id>];

/**
 * A method for each operation. Its arguments are the parameters in the path, the
 * body or the query, and a signal to abort the request.
 */
export type Methods = {
  [Id in OperationId]: (
    ...given: [
      ...PathArguments<(typeof OPERATIONS)[Id], InPath<Id>>,
      ...InputArguments<Id>,
      signal?: AbortSignal
    ]
  ) => Promise<Answer<Id>>;
};

export interface IRequest {
  /** The parameters in the path and the query. */
  parameters: object;
  body?: object;
  signal?: AbortSignal;
}

/** Make the methods from a function that performs an operation. */
export function methodsOver(
  perform: (id: OperationId, request: IRequest) => Promise<unknown>
): Methods {
  const methodOf = (id: OperationId) => {
    const route = OPERATIONS[id];
    const names = [...route.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    return (...given: unknown[]) => {
      const path = Object.fromEntries(
        names.map((name, at) => [name, given[at]])
      );
      const input = given[names.length] as object | undefined;
      const signal = given[names.length + 1] as AbortSignal | undefined;
      return route.startsWith('GET')
        ? perform(id, { parameters: { ...path, ...input }, signal })
        : perform(id, { parameters: path, body: input, signal });
    };
  };
  const ids = Object.keys(OPERATIONS) as OperationId[];
  return Object.fromEntries(ids.map(id => [id, methodOf(id)])) as Methods;
}

type Value = string | number | boolean | null | undefined;

/**
 * Return an address with its parameters. Those that the path does not name are in
 * the query, in which a list repeats its key.
 */
export function addressOf(path: string, parameters: object): string {
  const { ...query } = parameters as Record<string, Value | readonly Value[]>;
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(query[name]);
    delete query[name];
    // The path of a file keeps its slashes.
    const segments = name === 'path' ? value.split('/') : [value];
    return segments.map(encodeURIComponent).join('/');
  });
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    for (const each of [value].flat()) {
      if (each !== undefined && each !== null && each !== '') {
        search.append(key, String(each));
      }
    }
  }
  const text = search.toString();
  return text ? `${filled}?${text}` : filled;
}
