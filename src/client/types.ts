/**
 * The interface of a client, and the types of its data: those of `openapi.yaml`
 * are generated. A failed operation rejects with a `ClientError`.
 */
import type { Methods, Query } from './operations';
import type {
  ActionRequest,
  Artifacts,
  Comparison,
  Curves,
  EventMessage,
  LogHits,
  LogMessage,
  Queue,
  SystemSample,
  Template,
  TrashedTask,
  Workspace
} from './schema';

export type * from './schema';

export type Action = ActionRequest['action'];
export type Artifact = Artifacts['items'][number];
export type TaskListQuery = Query<'listTasks'>;
export type ExportQuery = Query<'exportResults'>;
export type GroupQuery = Query<'groupTasks'>;
export type LogQuery = Query<'readLog'>;
export type LogSearch = Query<'searchLog'>;
export type LogTimesQuery = Query<'listLogTimes'>;

/** Bytes of a log and their place. */
export interface ILogRange {
  bytes: Uint8Array;
  /** Absolute offset of the first byte. */
  offset: number;
  /** Size of the whole log at that moment. */
  size: number;
}

/** A downloaded file and its name. */
export interface IDownload {
  blob: Blob;
  name: string;
}

/**
 * `connecting` until the first connection is open, `lost` while a broken one
 * is opened again.
 */
export type ConnectionState = 'connecting' | 'open' | 'lost';

/** A connection that is opened again when it breaks, until it is disposed. */
export interface IStream {
  readonly state: ConnectionState;
  readonly isDisposed: boolean;
  /** Connect now instead of waiting for the next attempt. */
  retry(): void;
  dispose(): void;
}

export interface IStreamHandlers {
  onState?(state: ConnectionState): void;
  /** The server refused the connection; attempts continue, slowly. */
  onError?(error: Error): void;
}

/** Changes of a workspace are reported in order and never twice. */
export interface IEventHandlers extends IStreamHandlers {
  /** Every connection begins with it; `counts` is missing if unchanged. */
  onHello?(message: EventMessage): void;
  onChanges(message: EventMessage): void;
  /** The server cannot report what changed meanwhile: list again. */
  onReset(message: EventMessage): void;
}

/** The last known revision of a workspace. */
export interface IEventPosition {
  epoch: string;
  revision: number;
}

export interface ILogChunk {
  /** Absolute offset of the first byte. */
  offset: number;
  bytes: Uint8Array;
  /** To be called once the bytes are shown, so that more are sent. */
  done(): void;
}

/** Bytes are in order and complete, and never repeated after a loss. */
export interface ILogHandlers extends IStreamHandlers {
  /** Every connection begins with it. */
  onHeader(message: LogMessage): void;
  onData(chunk: ILogChunk): void;
  /** The file was cut or replaced: it is sent again from `message.offset`. */
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
  /** All earlier samples, oldest first. */
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
interface IDownloads {
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

interface IStreams {
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
