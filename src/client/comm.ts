import { ClientError } from './errors';
import { CommConnection, exactBuffer } from './commconnection';
import { abortError } from './commsocket';
import { checkReadable, EventStream, LogStream, SystemStream } from './streams';
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

/** Why the kernel refused something. */
type IRefusal = Partial<ClientError.IDetails> & { message?: string };

const UNSEARCHED = 'The kernel did not search this log to its end.';

/**
 * A kernel over a comm, where no server extension can be reached.
 *
 * A workspace's id is the absolute path of its folder.
 */
export class CommClient extends CommConnection implements IClient {
  getStatus(): Promise<Status> {
    return this.json('getStatus', {});
  }

  async listWorkspaces(): Promise<Workspace[]> {
    const found = await this.json<{ items: Workspace[] }>('listWorkspaces', {});
    return found.items;
  }

  openWorkspace(path: string): Promise<Workspace> {
    return this.json('openWorkspace', { path }, { changes: true });
  }

  getWorkspace(ws: string): Promise<Workspace> {
    return this.json('getWorkspace', { ws });
  }

  getParameters(ws: string): Promise<Parameters> {
    return this.json('getParameters', { ws });
  }

  getTemplate(ws: string, task?: string): Promise<Template> {
    return this.json('getTemplate', { ws, task });
  }

  previewSweep(
    ws: string,
    request: PreviewRequest,
    signal?: AbortSignal
  ): Promise<Preview> {
    return this.json('previewSweep', { ws, body: request }, { signal });
  }

  listTasks(
    ws: string,
    query: TaskListQuery = {},
    signal?: AbortSignal
  ): Promise<TaskPage> {
    return this.json('listTasks', { ws, ...query }, { signal });
  }

  createTasks(ws: string, request: CreateRequest): Promise<Created> {
    return this.json('createTasks', { ws, body: request }, { changes: true });
  }

  actOnTasks(ws: string, request: ActionRequest): Promise<ActionResult> {
    return this.json('actOnTasks', { ws, body: request }, { changes: true });
  }

  async listTrash(ws: string): Promise<TrashedTask[]> {
    const found = await this.json<{ items: TrashedTask[] }>('listTrash', {
      ws
    });
    return found.items;
  }

  async exportResults(ws: string, query: ExportQuery = {}): Promise<IDownload> {
    const answer = await this.call('exportResults', { ws, ...query }, {});
    return fileOf(answer.value, answer.buffers);
  }

  getTask(ws: string, task: string): Promise<TaskDetail> {
    return this.json('getTask', { ws, task });
  }

  changeTask(ws: string, task: string, patch: TaskPatch): Promise<TaskDetail> {
    return this.json(
      'changeTask',
      { ws, task, body: patch },
      { changes: true }
    );
  }

  async deleteTask(ws: string, task: string): Promise<void> {
    await this.json('deleteTask', { ws, task }, { changes: true });
  }

  async readLog(
    ws: string,
    task: string,
    query: LogQuery = {},
    signal?: AbortSignal
  ): Promise<ILogRange> {
    const answer = await this.call(
      'readLog',
      { ws, task, ...query },
      { signal }
    );
    const range = answer.value as { offset: number; size: number };
    return { ...range, bytes: answer.buffers[0] ?? new Uint8Array() };
  }

  searchLog(
    ws: string,
    task: string,
    query: LogSearch,
    onHits: (hits: LogHits) => void,
    signal?: AbortSignal
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(abortError());
        return;
      }
      const socket = this.open('search', { ws, task, ...query });
      const end = (settle: () => void): void => {
        signal?.removeEventListener('abort', onAbort);
        socket.close();
        settle();
      };
      const onAbort = (): void => end(() => reject(abortError()));
      signal?.addEventListener('abort', onAbort);
      socket.onmessage = ({ data }) => {
        const line = JSON.parse(String(data)) as LogHits & { error?: IRefusal };
        const { error } = line;
        if (error) {
          end(() =>
            reject(new ClientError(error.message ?? UNSEARCHED, error))
          );
          return;
        }
        onHits(line);
        if (line.done) {
          end(resolve);
        }
      };
      socket.onclose = () =>
        end(() =>
          reject(new ClientError(UNSEARCHED, { code: 'not_searched' }))
        );
    });
  }

  listLogTimes(
    ws: string,
    task: string,
    query: LogTimesQuery = {}
  ): Promise<LogTimes> {
    return this.json('listLogTimes', { ws, task, ...query });
  }

  logUrl(): string | null {
    return null;
  }

  getTracks(ws: string, task: string, run?: number): Promise<Tracks> {
    return this.json('getTracks', { ws, task, run });
  }

  getRunInput(ws: string, task: string, run: number): Promise<RunInput> {
    return this.json('getRunInput', { ws, task, run });
  }

  listArtifacts(ws: string, task: string, run: number): Promise<Artifacts> {
    return this.json('listArtifacts', { ws, task, run });
  }

  async readArtifact(
    ws: string,
    task: string,
    run: number,
    path: string,
    most?: number
  ): Promise<Blob> {
    const parameters = { ws, task, run, path, most };
    const answer = await this.call('readArtifact', parameters, {});
    return fileOf(answer.value, answer.buffers).blob;
  }

  getQueue(ws: string): Promise<Queue> {
    return this.json('getQueue', { ws });
  }

  pauseQueue(ws: string, paused: boolean): Promise<Queue> {
    const parameters = { ws, body: { paused } };
    return this.json('changeQueue', parameters, { changes: true });
  }

  requeueForeign(ws: string): Promise<Queue> {
    const parameters = { ws, body: { requeue: true } };
    return this.json('changeQueue', parameters, { changes: true });
  }

  listColumns(ws: string): Promise<Columns> {
    return this.json('listColumns', { ws });
  }

  groupTasks(
    ws: string,
    query: GroupQuery,
    signal?: AbortSignal
  ): Promise<Groups> {
    return this.json('groupTasks', { ws, ...query }, { signal });
  }

  listCurves(
    ws: string,
    names: readonly string[],
    keys: readonly string[],
    points: number,
    run?: number
  ): Promise<Curves> {
    const parameters = { ws, name: names, key: keys, points, run };
    return this.json('listCurves', parameters);
  }

  compareTasks(ws: string, names: readonly string[]): Promise<Comparison> {
    return this.json('compareManyTasks', { ws, body: { names } });
  }

  listStudies(ws: string): Promise<Studies> {
    return this.json('listStudies', { ws });
  }

  getStudy(ws: string, name: string): Promise<StudyDetail> {
    return this.json('getStudy', { ws, study: name });
  }

  previewSearch(
    ws: string,
    request: StudyRequest,
    signal?: AbortSignal
  ): Promise<SearchPreview> {
    return this.json('previewSearch', { ws, body: request }, { signal });
  }

  beginStudy(ws: string, request: StudyRequest): Promise<Study> {
    return this.json('beginStudy', { ws, body: request }, { changes: true });
  }

  changeStudy(ws: string, name: string, change: StudyChange): Promise<Study> {
    return this.json(
      'changeStudy',
      { ws, study: name, body: change },
      { changes: true }
    );
  }

  async removeStudy(ws: string, name: string): Promise<void> {
    await this.json('removeStudy', { ws, study: name }, { changes: true });
  }

  getSystem(): Promise<SystemSample> {
    return this.json('getSystem', {});
  }

  streamEvents(
    ws: string,
    handlers: IEventHandlers,
    since?: IEventPosition
  ): IEventStream {
    return new EventStream(
      {
        open: known =>
          this.open('events', {
            ws,
            epoch: known?.epoch,
            since: known?.revision
          }),
        probe: () => this.getWorkspace(ws)
      },
      handlers,
      since
    );
  }

  streamLog(
    ws: string,
    task: string,
    start: ILogStart,
    handlers: ILogHandlers
  ): ILogStream {
    return new LogStream(
      {
        open: where => this.open('log', { ws, task, ...where }),
        probe: async () => checkReadable(await this.getTask(ws, task))
      },
      start,
      handlers
    );
  }

  streamSystem(handlers: ISystemHandlers): ISystemStream {
    return new SystemStream(
      {
        open: () => this.open('system', {}),
        probe: () => this.getStatus()
      },
      handlers
    );
  }
}

function fileOf(value: unknown, buffers: Uint8Array[]): IDownload {
  const { name, type } = value as { name: string; type: string };
  return { blob: new Blob(buffers.map(exactBuffer), { type }), name };
}
