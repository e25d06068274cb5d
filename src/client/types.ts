/**
 * What every front end needs from the server side, whatever carries it.
 *
 * Data types are aliases of the ones generated from `openapi.yaml`. An
 * operation that fails rejects with a `ClientError`.
 */
import type { Methods, Query } from './operations';
import type { components } from './schema';

type Schemas = components['schemas'];

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
export type PreviewRequest = Schemas['PreviewRequest'];
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
export type TaskListQuery = Query<'listTasks'>;
export type TrashedTask = Schemas['TrashedTask'];
export type ExportQuery = Query<'exportResults'>;
export type Queue = Schemas['Queue'];
export type QueuedBatch = Schemas['QueuedBatch'];
export type RunInput = Schemas['RunInput'];
export type Artifacts = Schemas['Artifacts'];
export type Artifact = Artifacts['items'][number];
export type Columns = Schemas['Columns'];
export type Groups = Schemas['Groups'];
export type Group = Schemas['Group'];
export type GroupQuery = Query<'groupTasks'>;
export type Summary = Schemas['Summary'];
export type Curves = Schemas['Curves'];
export type Curve = Schemas['Curve'];
export type Comparison = Schemas['Comparison'];
export type FailureGroup = Schemas['FailureGroup'];
export type LogQuery = Query<'readLog'>;

export type LogHits = Schemas['LogHits'];
export type LogSearch = Query<'searchLog'>;
export type LogTimes = Schemas['LogTimes'];
export type LogTimesQuery = Query<'listLogTimes'>;

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

/** Methods that are more convenient to call than their operation. */
export interface IShorthands {
  listWorkspaces(): Promise<Workspace[]>;
  /** Open a script or folder, creating its workspace when there is none. */
  openWorkspace(path: string): Promise<Workspace>;
  getTemplate(ws: string, task?: string): Promise<Template>;
  listTrash(ws: string): Promise<TrashedTask[]>;
  pauseQueue(ws: string, paused: boolean): Promise<Queue>;
  /** Requeue here the tasks that were queued elsewhere. */
  requeueForeign(ws: string): Promise<Queue>;
  /**
   * Curves of several tasks, with at most `points` values each.
   *
   * @param keys - which curves; all of them when it is empty
   * @param run - which run, from 1; by default the latest
   */
  listCurves(
    ws: string,
    names: readonly string[],
    keys: readonly string[],
    points: number,
    run?: number
  ): Promise<Curves>;
  compareTasks(ws: string, names: readonly string[]): Promise<Comparison>;
}

/** What is not answered with one JSON value. */
export interface IDownloads {
  exportResults(ws: string, query?: ExportQuery): Promise<IDownload>;
  readLog(
    ws: string,
    task: string,
    query?: LogQuery,
    signal?: AbortSignal
  ): Promise<ILogRange>;
  /** Search a log from end to end; hits are reported as they are found. */
  searchLog(
    ws: string,
    task: string,
    query: LogSearch,
    onHits: (hits: LogHits) => void,
    signal?: AbortSignal
  ): Promise<void>;
  /** The address at which the browser itself can fetch a log, if any. */
  logUrl(ws: string, task: string, run?: number): string | null;
  /** A file that a run left, or its first `most` bytes. */
  readArtifact(
    ws: string,
    task: string,
    run: number,
    path: string,
    most?: number
  ): Promise<Blob>;
}

export interface IStreams {
  streamEvents(ws: string, handlers: IEventHandlers): IStream;
  streamLog(
    ws: string,
    task: string,
    start: ILogStart,
    handlers: ILogHandlers
  ): IStream;
  streamSystem(handlers: ISystemHandlers): IStream;
}

/**
 * All requests to a server, whatever carries them: a method for each operation
 * of `openapi.yaml`, and streams. `ws` is the id of a workspace.
 */
export interface IClient
  extends Omit<Methods, keyof IShorthands>, IShorthands, IDownloads, IStreams {}
