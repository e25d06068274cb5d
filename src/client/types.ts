/**
 * The interface of a client, and the types of its data, most of which are
 * generated from `openapi.yaml`. A failed operation rejects with a `ClientError`.
 */
import type { Methods, Query } from './operations';
import type {
  ActionRequest,
  Artifacts,
  Counts,
  EventMessage,
  LogHits,
  LogMessage,
  Medium,
  SystemSample
} from './schema';

export type * from './schema';

export type Action = ActionRequest['action'];
export type Artifact = Artifacts['items'][number];
/** The status of a task, or that its file cannot be read. */
export type ShownStatus = keyof Counts;
export type TaskListQuery = Query<'listTasks'>;
export type ExportQuery = Query<'exportResults'>;
export type LogQuery = Query<'readLog'>;
export type LogSearch = Query<'searchLog'>;

/** Bytes of a log and their offset. */
export interface ILogRange {
  bytes: Uint8Array;
  /** Absolute offset of the first byte. */
  offset: number;
  /** Current size of the whole log. */
  size: number;
}

/** A downloaded file and its name. */
export interface IDownload {
  blob: Blob;
  name: string;
}

/** `connecting` before the first connection is open, `lost` while reconnecting. */
export type ConnectionState = 'connecting' | 'open' | 'lost';

/** A connection that reconnects when it breaks, until it is disposed. */
export interface IStream {
  readonly state: ConnectionState;
  readonly isDisposed: boolean;
  /** Reconnect now instead of waiting for the next attempt. */
  retry(): void;
  dispose(): void;
}

export interface IStreamHandlers {
  onState?(state: ConnectionState): void;
  /** The server refused the connection; there will be more attempts. */
  onError?(error: Error): void;
}

/** Changes of a workspace are reported in order, each once. */
export interface IEventHandlers extends IStreamHandlers {
  /** The first message of a connection; without `counts` if unchanged. */
  onHello?(message: EventMessage): void;
  onChanges(message: EventMessage): void;
  /** The server cannot report the changes: list again. */
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
  /** To be called when the bytes are shown, so that more are sent. */
  done(): void;
}

/** Bytes are delivered in order, each once, unless some may be left out. */
export interface ILogHandlers extends IStreamHandlers {
  /** The first message of a connection. */
  onHeader(message: LogMessage): void;
  onData(chunk: ILogChunk): void;
  /** The file was truncated or replaced: it is sent again from `message.offset`. */
  onReset(message: LogMessage): void;
  /** Whether bytes may be left out when the client is far behind the end. */
  mayJump(): boolean;
  /** Bytes were left out: `message.offset` follows, near the end. */
  onJump(message: LogMessage): void;
  /** The run has finished and all bytes were delivered; the stream ends. */
  onEnd(message: LogMessage): void;
}

/** Where a log stream starts: at an offset, or `tail` bytes before the end. */
export interface ILogStart {
  run?: number;
  offset?: number;
  tail?: number;
}

export interface ISystemHandlers extends IStreamHandlers {
  /** All earlier samples, the oldest first. */
  onHistory(samples: SystemSample[]): void;
  onSample(sample: SystemSample): void;
}

/** Operations that do not return JSON. */
interface IDownloads {
  exportResults(ws: string, query?: ExportQuery): Promise<IDownload>;
  readLog(
    ws: string,
    task: string,
    query?: LogQuery,
    signal?: AbortSignal
  ): Promise<ILogRange>;
  /** Search a whole log; matches are reported as they are found. */
  searchLog(
    ws: string,
    task: string,
    query: LogSearch,
    onHits: (hits: LogHits) => void,
    signal?: AbortSignal
  ): Promise<void>;
  /** The address at which the browser can fetch a log, if any. */
  logUrl(ws: string, task: string, run?: number): string | null;
  /** Load an artifact of a run, or its first `most` bytes. */
  readArtifact(
    ws: string,
    task: string,
    run: number,
    path: string,
    most?: number
  ): Promise<Blob>;
  /** Load an image or another medium of a run, or its first `most` bytes. */
  readMedium(ws: string, medium: Medium, most?: number): Promise<Blob>;
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
 * All requests to a server or kernel: a method for each operation of
 * `openapi.yaml`, downloads and streams. `ws` is the id of a workspace.
 */
export interface IClient extends Methods, IDownloads, IStreams {}
