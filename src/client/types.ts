/**
 * What every front end needs from the server side, whatever carries it.
 *
 * Data types are aliases of the ones generated from `openapi.yaml`. An
 * operation that fails rejects with a `ClientError`.
 */
import type { components, operations } from './schema';

type Schemas = components['schemas'];

/** Properties with a default in the schema may be left out of a request. */
type Loose<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;

export type Status = Schemas['Status'];
export type TaskStatus = Schemas['TaskStatus'];
export type Counts = Schemas['Counts'];
export type Workspace = Schemas['Workspace'];
export type Parameter = Schemas['Parameter'];
export type Parameters = Schemas['Parameters'];
export type DefaultGpus = Schemas['DefaultGpus'];
export type Template = Schemas['Template'];
export type Axis = Schemas['Axis'];
export type Preview = Schemas['Preview'];
export type PreviewRow = Schemas['PreviewRow'];
export type PreviewRequest = Loose<
  Schemas['PreviewRequest'],
  'offset' | 'limit'
>;
export type Studies = Schemas['Studies'];
export type Study = Schemas['Study'];
export type StudyDetail = Schemas['StudyDetail'];
export type StudyRequest = Schemas['StudyRequest'];
export type StudyChange = Schemas['StudyChange'];
export type Trial = Schemas['Trial'];
export type SearchPreview = Schemas['SearchPreview'];
export type Dimension = Schemas['Dimension'];
export type RunOptions = Schemas['RunOptions'];
export type ClusterNeed = Schemas['ClusterNeed'];
export type CreateRequest = Schemas['CreateRequest'];
export type Created = Schemas['Created'];
export type ActionRequest = Schemas['ActionRequest'];
export type Action = ActionRequest['action'];
export type ActionResult = Schemas['ActionResult'];
export type TaskPatch = Schemas['TaskPatch'];
export type TaskRow = Schemas['TaskRow'];
export type TaskPage = Schemas['TaskPage'];
export type TaskDetail = Schemas['TaskDetail'];
export type RunInfo = Schemas['RunInfo'];
export type Tracks = Schemas['Tracks'];
export type EventMessage = Schemas['EventMessage'];
export type LogMessage = Schemas['LogMessage'];
export type Gpu = Schemas['Gpu'];
export type GpuProcess = Schemas['GpuProcess'];
export type SystemSample = Schemas['SystemSample'];
export type SystemMessage = Schemas['SystemMessage'];
export type FieldError = Schemas['FieldError'];
export type TaskListQuery = NonNullable<
  operations['listTasks']['parameters']['query']
>;
export type TrashedTask = Schemas['TrashedTask'];
export type ExportQuery = NonNullable<
  operations['exportResults']['parameters']['query']
>;
export type Queue = Schemas['Queue'];
export type QueuedBatch = Schemas['QueuedBatch'];
export type RunInput = Schemas['RunInput'];
export type Artifacts = Schemas['Artifacts'];
export type Artifact = Artifacts['items'][number];
export type Columns = Schemas['Columns'];
export type Groups = Schemas['Groups'];
export type Group = Schemas['Group'];
export type GroupQuery = NonNullable<
  operations['groupTasks']['parameters']['query']
>;
export type Summary = Schemas['Summary'];
export type Curves = Schemas['Curves'];
export type Curve = Schemas['Curve'];
export type Comparison = Schemas['Comparison'];
export type FailureGroup = Schemas['FailureGroup'];
export type LogQuery = NonNullable<
  operations['readLog']['parameters']['query']
>;

export type LogHits = Schemas['LogHits'];
export type LogSearch = NonNullable<
  operations['searchLog']['parameters']['query']
>;
export type LogTimes = Schemas['LogTimes'];
export type LogTimesQuery = NonNullable<
  operations['listLogTimes']['parameters']['query']
>;

/** Bytes of a log and where they begin. */
export interface ILogRange {
  bytes: Uint8Array;
  /** Absolute offset of the first byte. */
  offset: number;
  /** Length of the whole log at that moment. */
  size: number;
}

/** A file that was asked for, and how it is called. */
export interface IDownload {
  blob: Blob;
  name: string;
}

/**
 * `connecting` until the first connection stands, `open` while it stands,
 * `lost` while a broken one is being renewed.
 */
export type ConnectionState = 'connecting' | 'open' | 'lost';

/** A connection that renews itself until it is disposed. */
export interface IStream {
  readonly state: ConnectionState;
  readonly isDisposed: boolean;
  /** Connect now instead of waiting for the next attempt. */
  retry(): void;
  dispose(): void;
}

export interface IStreamHandlers {
  onState?(state: ConnectionState): void;
  /** The server answered and refused; attempts go on, slowly. */
  onError?(error: Error): void;
}

/** What changed in a workspace is told in order and never twice. */
export interface IEventHandlers extends IStreamHandlers {
  /** Every connection begins with it; without counts when unchanged. */
  onHello?(message: EventMessage): void;
  onChanges(message: EventMessage): void;
  /** The past is not known any more: list again. */
  onReset(message: EventMessage): void;
}

/** How far somebody already knows a workspace. */
export interface IEventPosition {
  epoch: string;
  revision: number;
}

export interface ILogChunk {
  /** Absolute offset of the first byte. */
  offset: number;
  bytes: Uint8Array;
  /** To be called once the bytes are shown, so that more may follow. */
  done(): void;
}

/** Bytes come in order, without gaps and never twice, also after a loss. */
export interface ILogHandlers extends IStreamHandlers {
  /** Every connection begins with it. */
  onHeader(message: LogMessage): void;
  onData(chunk: ILogChunk): void;
  /** The file was cut or replaced: what follows begins at `message.offset`. */
  onReset(message: LogMessage): void;
  /** The run is over and every byte was delivered; the stream has ended. */
  onEnd(message: LogMessage): void;
}

/** Where a log stream begins: at an offset or with the last bytes. */
export interface ILogStart {
  run?: number;
  offset?: number;
  tail?: number;
}

export interface ISystemHandlers extends IStreamHandlers {
  /** The samples before now, oldest first; replaces what was known. */
  onHistory(samples: SystemSample[]): void;
  onSample(sample: SystemSample): void;
}

export type IEventStream = IStream;
export type ILogStream = IStream;
export type ISystemStream = IStream;

/** All that can be asked of the server side. `ws` is a workspace id. */
export interface IClient {
  getStatus(): Promise<Status>;
  listWorkspaces(): Promise<Workspace[]>;
  /** Open a script or folder, creating its workspace when there is none. */
  openWorkspace(path: string): Promise<Workspace>;
  getWorkspace(ws: string): Promise<Workspace>;
  getParameters(ws: string): Promise<Parameters>;
  getTemplate(ws: string, task?: string): Promise<Template>;
  previewSweep(
    ws: string,
    request: PreviewRequest,
    signal?: AbortSignal
  ): Promise<Preview>;
  listTasks(
    ws: string,
    query?: TaskListQuery,
    signal?: AbortSignal
  ): Promise<TaskPage>;
  createTasks(ws: string, request: CreateRequest): Promise<Created>;
  actOnTasks(ws: string, request: ActionRequest): Promise<ActionResult>;
  /** What is in the trash, the last removed first. */
  listTrash(ws: string): Promise<TrashedTask[]>;
  /** Results as a file: a row a run, or the latest run of each task. */
  exportResults(ws: string, query?: ExportQuery): Promise<IDownload>;
  getTask(ws: string, task: string): Promise<TaskDetail>;
  changeTask(ws: string, task: string, patch: TaskPatch): Promise<TaskDetail>;
  deleteTask(ws: string, task: string): Promise<void>;
  readLog(
    ws: string,
    task: string,
    query?: LogQuery,
    signal?: AbortSignal
  ): Promise<ILogRange>;
  /** Search a log from end to end; hits are told as they are found. */
  searchLog(
    ws: string,
    task: string,
    query: LogSearch,
    onHits: (hits: LogHits) => void,
    signal?: AbortSignal
  ): Promise<void>;
  /** When parts of a log were written. */
  listLogTimes(
    ws: string,
    task: string,
    query?: LogTimesQuery
  ): Promise<LogTimes>;
  /**
   * The address at which the browser can fetch a log by itself; null where
   * there is none.
   */
  logUrl(ws: string, task: string, run?: number): string | null;
  getTracks(ws: string, task: string, run?: number): Promise<Tracks>;
  /** What a run was given. */
  getRunInput(ws: string, task: string, run: number): Promise<RunInput>;
  /** The files that a run left. */
  listArtifacts(ws: string, task: string, run: number): Promise<Artifacts>;
  /** One of these files, or its first `most` bytes. */
  readArtifact(
    ws: string,
    task: string,
    run: number,
    path: string,
    most?: number
  ): Promise<Blob>;
  /** What waits in the project of a workspace, and for what. */
  getQueue(ws: string): Promise<Queue>;
  /** Let nothing more start, or go on. */
  pauseQueue(ws: string, paused: boolean): Promise<Queue>;
  /** Queue again here the tasks that were queued elsewhere. */
  requeueForeign(ws: string): Promise<Queue>;
  /** What the tasks have values of. */
  listColumns(ws: string): Promise<Columns>;
  groupTasks(
    ws: string,
    query: GroupQuery,
    signal?: AbortSignal
  ): Promise<Groups>;
  /**
   * Curves of several tasks, with at most `points` values each.
   *
   * @param keys - which curves; all of them when there is none
   * @param run - which run, from 1; the latest when it is not said
   */
  listCurves(
    ws: string,
    names: readonly string[],
    keys: readonly string[],
    points: number,
    run?: number
  ): Promise<Curves>;
  /** In which parameters tasks differ, and what came of them. */
  compareTasks(ws: string, names: readonly string[]): Promise<Comparison>;
  /** The adaptive sweeps of a workspace, the newest first. */
  listStudies(ws: string): Promise<Studies>;
  getStudy(ws: string, name: string): Promise<StudyDetail>;
  /** What an adaptive sweep would search, and what is wrong. */
  previewSearch(
    ws: string,
    request: StudyRequest,
    signal?: AbortSignal
  ): Promise<SearchPreview>;
  beginStudy(ws: string, request: StudyRequest): Promise<Study>;
  /** Stop it, or go on with it. */
  changeStudy(ws: string, name: string, change: StudyChange): Promise<Study>;
  /** Forget it; its tasks stay. */
  removeStudy(ws: string, name: string): Promise<void>;
  getSystem(): Promise<SystemSample>;

  streamEvents(
    ws: string,
    handlers: IEventHandlers,
    since?: IEventPosition
  ): IEventStream;
  streamLog(
    ws: string,
    task: string,
    start: ILogStart,
    handlers: ILogHandlers
  ): ILogStream;
  streamSystem(handlers: ISystemHandlers): ISystemStream;
}
