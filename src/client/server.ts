import { runPath, studyPath, taskPath, withQuery, wsPath } from './addresses';
import { ClientError, errorFrom, isAbort } from './errors';
import { brokenOff, linesOf } from './lines';
import { Sharing } from './sharing';
import { checkReadable, EventStream, LogStream, SystemStream } from './streams';
import type { ITransport } from './transport';
import type {
  ActionRequest,
  ActionResult,
  Artifacts,
  Columns,
  Comparison,
  CreateRequest,
  Created,
  Curves,
  ExportQuery,
  GroupQuery,
  Groups,
  IClient,
  IDownload,
  IEventHandlers,
  IEventPosition,
  IEventStream,
  ILogHandlers,
  ILogRange,
  ILogStart,
  ILogStream,
  ISystemHandlers,
  ISystemStream,
  LogHits,
  LogQuery,
  LogSearch,
  LogTimes,
  LogTimesQuery,
  Parameters,
  Preview,
  PreviewRequest,
  Queue,
  RunInput,
  SearchPreview,
  Status,
  Studies,
  Study,
  StudyChange,
  StudyDetail,
  StudyRequest,
  SystemSample,
  TaskDetail,
  TaskListQuery,
  TaskPage,
  TaskPatch,
  Template,
  Tracks,
  TrashedTask,
  Workspace
} from './types';

/** Where the server extension answers, below the base URL. */
const API = 'pyruns/api/';

/**
 * The server extension over REST and websockets. All users of a client share
 * its event and system streams.
 */
export class ServerClient implements IClient {
  constructor(transport: ITransport) {
    this._transport = transport;
  }

  getStatus(): Promise<Status> {
    return this._json('GET', 'status');
  }

  async listWorkspaces(): Promise<Workspace[]> {
    const found = await this._json<{ items: Workspace[] }>('GET', 'workspaces');
    return found.items;
  }

  openWorkspace(path: string): Promise<Workspace> {
    return this._json('POST', 'workspaces', { path });
  }

  getWorkspace(ws: string): Promise<Workspace> {
    return this._json('GET', wsPath(ws));
  }

  getParameters(ws: string): Promise<Parameters> {
    return this._json('GET', `${wsPath(ws)}/parameters`);
  }

  getTemplate(ws: string, task?: string): Promise<Template> {
    return this._json('GET', withQuery(`${wsPath(ws)}/templates`, { task }));
  }

  previewSweep(
    ws: string,
    request: PreviewRequest,
    signal?: AbortSignal
  ): Promise<Preview> {
    return this._json('POST', `${wsPath(ws)}/preview`, request, signal);
  }

  listTasks(
    ws: string,
    query: TaskListQuery = {},
    signal?: AbortSignal
  ): Promise<TaskPage> {
    const path = withQuery(`${wsPath(ws)}/tasks`, query);
    return this._json('GET', path, undefined, signal);
  }

  createTasks(ws: string, request: CreateRequest): Promise<Created> {
    return this._json('POST', `${wsPath(ws)}/tasks`, request);
  }

  actOnTasks(ws: string, request: ActionRequest): Promise<ActionResult> {
    return this._json('POST', `${wsPath(ws)}/actions`, request);
  }

  async listTrash(ws: string): Promise<TrashedTask[]> {
    const found = await this._json<{ items: TrashedTask[] }>(
      'GET',
      `${wsPath(ws)}/trash`
    );
    return found.items;
  }

  async exportResults(ws: string, query: ExportQuery = {}): Promise<IDownload> {
    const path = withQuery(`${wsPath(ws)}/export`, query);
    const response = await this._fetch('GET', path);
    let blob: Blob;
    try {
      blob = await response.blob();
    } catch {
      throw brokenOff();
    }
    const told = response.headers.get('Content-Disposition') ?? '';
    const name = /filename="([^"]+)"/.exec(told)?.[1];
    return { blob, name: name ?? `results.${query.format ?? 'csv'}` };
  }

  getTask(ws: string, task: string): Promise<TaskDetail> {
    return this._json('GET', taskPath(ws, task));
  }

  changeTask(ws: string, task: string, patch: TaskPatch): Promise<TaskDetail> {
    return this._json('PATCH', taskPath(ws, task), patch);
  }

  async deleteTask(ws: string, task: string): Promise<void> {
    await this._fetch('DELETE', taskPath(ws, task));
  }

  async readLog(
    ws: string,
    task: string,
    query: LogQuery = {},
    signal?: AbortSignal
  ): Promise<ILogRange> {
    const path = withQuery(`${taskPath(ws, task)}/logs`, query);
    const response = await this._fetch('GET', path, undefined, signal);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const offset = Number(response.headers.get('X-Pyruns-Log-Offset') ?? 0);
    const size = response.headers.get('X-Pyruns-Log-Size');
    return {
      bytes,
      offset,
      size: size === null ? offset + bytes.length : Number(size)
    };
  }

  async searchLog(
    ws: string,
    task: string,
    query: LogSearch,
    onHits: (hits: LogHits) => void,
    signal?: AbortSignal
  ): Promise<void> {
    const path = withQuery(`${taskPath(ws, task)}/logs/search`, query);
    const response = await this._fetch('GET', path, undefined, signal);
    for await (const line of linesOf(response)) {
      onHits(JSON.parse(line) as LogHits);
    }
  }

  listLogTimes(
    ws: string,
    task: string,
    query: LogTimesQuery = {}
  ): Promise<LogTimes> {
    return this._json(
      'GET',
      withQuery(`${taskPath(ws, task)}/logs/times`, query)
    );
  }

  logUrl(ws: string, task: string, run?: number): string | null {
    const path = withQuery(`${taskPath(ws, task)}/logs/download`, { run });
    const url = new URL(
      this._transport.baseUrl + API + path,
      window.location.href
    );
    // Elsewhere the browser would come without what it is known by.
    return url.origin === window.location.origin ? url.href : null;
  }

  getTracks(ws: string, task: string, run?: number): Promise<Tracks> {
    return this._json(
      'GET',
      withQuery(`${taskPath(ws, task)}/tracks`, { run })
    );
  }

  getRunInput(ws: string, task: string, run: number): Promise<RunInput> {
    return this._json('GET', `${runPath(ws, task, run)}/input`);
  }

  listArtifacts(ws: string, task: string, run: number): Promise<Artifacts> {
    return this._json('GET', `${runPath(ws, task, run)}/artifacts`);
  }

  async readArtifact(
    ws: string,
    task: string,
    run: number,
    path: string,
    most?: number
  ): Promise<Blob> {
    const parts = path.split('/').map(encodeURIComponent).join('/');
    const response = await this._fetch(
      'GET',
      `${runPath(ws, task, run)}/artifacts/${parts}`,
      undefined,
      undefined,
      most === undefined ? {} : { Range: `bytes=0-${most - 1}` }
    );
    try {
      return await response.blob();
    } catch {
      throw brokenOff();
    }
  }

  getQueue(ws: string): Promise<Queue> {
    return this._json('GET', `${wsPath(ws)}/queue`);
  }

  pauseQueue(ws: string, paused: boolean): Promise<Queue> {
    return this._json('POST', `${wsPath(ws)}/queue`, { paused });
  }

  requeueForeign(ws: string): Promise<Queue> {
    return this._json('POST', `${wsPath(ws)}/queue`, { requeue: true });
  }

  listColumns(ws: string): Promise<Columns> {
    return this._json('GET', `${wsPath(ws)}/columns`);
  }

  groupTasks(
    ws: string,
    query: GroupQuery,
    signal?: AbortSignal
  ): Promise<Groups> {
    const path = withQuery(`${wsPath(ws)}/groups`, query);
    return this._json('GET', path, undefined, signal);
  }

  listCurves(
    ws: string,
    names: readonly string[],
    keys: readonly string[],
    points: number,
    run?: number
  ): Promise<Curves> {
    const query = { key: keys, points, run, name: names };
    return this._json('GET', withQuery(`${wsPath(ws)}/curves`, query));
  }

  compareTasks(ws: string, names: readonly string[]): Promise<Comparison> {
    return this._json('POST', `${wsPath(ws)}/compare`, { names });
  }

  listStudies(ws: string): Promise<Studies> {
    return this._json('GET', `${wsPath(ws)}/studies`);
  }

  getStudy(ws: string, name: string): Promise<StudyDetail> {
    return this._json('GET', studyPath(ws, name));
  }

  previewSearch(
    ws: string,
    request: StudyRequest,
    signal?: AbortSignal
  ): Promise<SearchPreview> {
    return this._json('POST', `${wsPath(ws)}/searches`, request, signal);
  }

  beginStudy(ws: string, request: StudyRequest): Promise<Study> {
    return this._json('POST', `${wsPath(ws)}/studies`, request);
  }

  changeStudy(ws: string, name: string, change: StudyChange): Promise<Study> {
    return this._json('POST', studyPath(ws, name), change);
  }

  async removeStudy(ws: string, name: string): Promise<void> {
    await this._fetch('DELETE', studyPath(ws, name));
  }

  getSystem(): Promise<SystemSample> {
    return this._json('GET', 'system');
  }

  streamEvents(
    ws: string,
    handlers: IEventHandlers,
    since?: IEventPosition
  ): IEventStream {
    const open = (everybody: IEventHandlers): IEventStream =>
      new EventStream(
        {
          open: known =>
            this._socket(
              withQuery(`${wsPath(ws)}/events`, {
                epoch: known?.epoch,
                since: known?.revision
              })
            ),
          probe: () => this.getWorkspace(ws)
        },
        everybody,
        since
      );
    // Only who knows nothing yet can be told what others know.
    return since
      ? open(handlers)
      : this._sharing.events(ws, open).join(handlers);
  }

  streamLog(
    ws: string,
    task: string,
    start: ILogStart,
    handlers: ILogHandlers
  ): ILogStream {
    return new LogStream(
      {
        open: where =>
          this._socket(withQuery(`${taskPath(ws, task)}/logs/stream`, where)),
        probe: async () => checkReadable(await this.getTask(ws, task))
      },
      start,
      handlers
    );
  }

  streamSystem(handlers: ISystemHandlers): ISystemStream {
    const open = (everybody: ISystemHandlers): ISystemStream =>
      new SystemStream(
        {
          open: () => this._socket('system/stream'),
          probe: () => this.getStatus()
        },
        everybody
      );
    return this._sharing.system(open).join(handlers);
  }

  private _socket(path: string) {
    return this._transport.openSocket(this._transport.wsUrl + API + path);
  }

  private async _json<T>(
    method: string,
    path: string,
    body?: object,
    signal?: AbortSignal
  ): Promise<T> {
    const response = await this._fetch(method, path, body, signal);
    try {
      return (await response.json()) as T;
    } catch (error) {
      if (isAbort(error)) {
        throw error;
      }
      // A login page or a proxy answered in place of the extension.
      throw new ClientError(`${response.url || path}: the answer is not JSON`, {
        status: response.status,
        code: 'not_json'
      });
    }
  }

  private async _fetch(
    method: string,
    path: string,
    body?: object,
    signal?: AbortSignal,
    headers: Record<string, string> = {}
  ): Promise<Response> {
    const init: RequestInit = { method, cache: 'no-store', headers };
    if (body) {
      init.body = JSON.stringify(body);
      init.headers = { ...headers, 'Content-Type': 'application/json' };
    }
    if (signal) {
      init.signal = signal;
    }
    let response: Response;
    try {
      response = await this._transport.request(
        this._transport.baseUrl + API + path,
        init
      );
    } catch (error) {
      if (isAbort(error)) {
        throw error;
      }
      // What the browser says ("Failed to fetch") tells people nothing.
      throw new ClientError('The server does not answer.', {
        status: 0,
        code: 'unreachable'
      });
    }
    if (!response.ok) {
      throw await errorFrom(response);
    }
    return response;
  }

  private readonly _sharing = new Sharing();
  private _transport: ITransport;
}
