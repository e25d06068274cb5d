import { ClientError } from './errors';
import { CommSocket, abortError } from './commsocket';
import { checkReadable, EventStream, LogStream, SystemStream } from './streams';
import type {
  ActionRequest,
  ActionResult,
  CreateRequest,
  Created,
  ExportQuery,
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
  LogQuery,
  Parameters,
  Preview,
  PreviewRequest,
  Status,
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

/** How long the kernel may take to answer, in milliseconds. */
const PATIENCE = 10000;

const BUSY =
  'The kernel has not answered yet: it is busy with a cell, or it has died. The table goes on by itself once the kernel is free.';
const BUSY_CHANGE =
  'The kernel has not answered yet: it is busy with a cell, or it has died. What you asked for may still happen once it is free.';
const GONE =
  'The kernel of this widget is gone. Run the cell again to bring the widget back.';

/** Messages to and from one kernel-side object, in order. */
export interface IChannel {
  /** Throws when there is nothing at the other end any more. */
  send(content: object): void;
  /** Hear every message; returns how to stop that. */
  listen(heard: (content: unknown, buffers: Uint8Array[]) => void): () => void;
  /** Hear that the other end is gone; returns how to stop that. */
  onGone(heard: () => void): () => void;
}

/** What the kernel says in answer to a request. */
interface IAnswer {
  /** JSON. */
  text?: string;
  error?: Partial<ClientError.IDetails> & { message?: string };
}

interface IPending {
  resolve(answer: { value: unknown; buffers: Uint8Array[] }): void;
  reject(error: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

/**
 * A kernel over a comm, where no server extension can be reached.
 *
 * A workspace's id is the absolute path of its folder. Requests are answered
 * by the kernel between cells; streams go on while a cell runs.
 *
 * @param channel - the way to the kernel
 * @param patience - how long a request may take, in milliseconds
 */
export class CommClient implements IClient {
  constructor(channel: IChannel, patience: number = PATIENCE) {
    this._channel = channel;
    this._patience = patience;
    this._unlisten = [
      channel.listen((content, buffers) => this._onMessage(content, buffers)),
      channel.onGone(() => this._onGone())
    ];
  }

  /** Close every stream; requests under way are given up. */
  dispose(): void {
    this._unlisten.forEach(end => end());
    this._unlisten = [];
    for (const socket of [...this._sockets.values()]) {
      socket.close();
    }
    this._giveUp(new ClientError(GONE, { code: 'kernel_gone' }));
  }

  getStatus(): Promise<Status> {
    return this._json('getStatus', {});
  }

  async listWorkspaces(): Promise<Workspace[]> {
    const found = await this._json<{ items: Workspace[] }>(
      'listWorkspaces',
      {}
    );
    return found.items;
  }

  openWorkspace(path: string): Promise<Workspace> {
    return this._json('openWorkspace', { path }, { changes: true });
  }

  getWorkspace(ws: string): Promise<Workspace> {
    return this._json('getWorkspace', { ws });
  }

  getParameters(ws: string): Promise<Parameters> {
    return this._json('getParameters', { ws });
  }

  getTemplate(ws: string, task?: string): Promise<Template> {
    return this._json('getTemplate', { ws, task });
  }

  previewSweep(
    ws: string,
    request: PreviewRequest,
    signal?: AbortSignal
  ): Promise<Preview> {
    return this._json('previewSweep', { ws, body: request }, { signal });
  }

  listTasks(
    ws: string,
    query: TaskListQuery = {},
    signal?: AbortSignal
  ): Promise<TaskPage> {
    return this._json('listTasks', { ws, ...query }, { signal });
  }

  createTasks(ws: string, request: CreateRequest): Promise<Created> {
    return this._json('createTasks', { ws, body: request }, { changes: true });
  }

  actOnTasks(ws: string, request: ActionRequest): Promise<ActionResult> {
    return this._json('actOnTasks', { ws, body: request }, { changes: true });
  }

  async listTrash(ws: string): Promise<TrashedTask[]> {
    const found = await this._json<{ items: TrashedTask[] }>('listTrash', {
      ws
    });
    return found.items;
  }

  async exportResults(ws: string, query: ExportQuery = {}): Promise<IDownload> {
    const answer = await this._call('exportResults', { ws, ...query }, {});
    const { name, type } = answer.value as { name: string; type: string };
    return { blob: new Blob(answer.buffers.map(exactBuffer), { type }), name };
  }

  getTask(ws: string, task: string): Promise<TaskDetail> {
    return this._json('getTask', { ws, task });
  }

  changeTask(ws: string, task: string, patch: TaskPatch): Promise<TaskDetail> {
    return this._json(
      'changeTask',
      { ws, task, body: patch },
      { changes: true }
    );
  }

  async deleteTask(ws: string, task: string): Promise<void> {
    await this._json('deleteTask', { ws, task }, { changes: true });
  }

  async readLog(
    ws: string,
    task: string,
    query: LogQuery = {},
    signal?: AbortSignal
  ): Promise<ILogRange> {
    const answer = await this._call(
      'readLog',
      { ws, task, ...query },
      { signal }
    );
    const range = answer.value as { offset: number; size: number };
    return { ...range, bytes: answer.buffers[0] ?? new Uint8Array() };
  }

  getTracks(ws: string, task: string, run?: number): Promise<Tracks> {
    return this._json('getTracks', { ws, task, run });
  }

  getSystem(): Promise<SystemSample> {
    return this._json('getSystem', {});
  }

  streamEvents(
    ws: string,
    handlers: IEventHandlers,
    since?: IEventPosition
  ): IEventStream {
    return new EventStream(
      {
        open: known =>
          this._open('events', {
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
        open: where => this._open('log', { ws, task, ...where }),
        probe: async () => checkReadable(await this.getTask(ws, task))
      },
      start,
      handlers
    );
  }

  streamSystem(handlers: ISystemHandlers): ISystemStream {
    return new SystemStream(
      {
        open: () => this._open('system', {}),
        probe: () => this.getStatus()
      },
      handlers
    );
  }

  private async _json<T>(
    operation: string,
    parameters: object,
    options: CommClient.ICallOptions = {}
  ): Promise<T> {
    return (await this._call(operation, parameters, options)).value as T;
  }

  private _call(
    operation: string,
    parameters: object,
    { signal, changes }: CommClient.ICallOptions
  ): Promise<{ value: unknown; buffers: Uint8Array[] }> {
    return new Promise((resolve, reject) => {
      const busy = new ClientError(changes ? BUSY_CHANGE : BUSY, {
        code: 'kernel_busy'
      });
      if (signal?.aborted) {
        reject(abortError());
        return;
      }
      if (this._isGone) {
        reject(new ClientError(GONE, { code: 'kernel_gone' }));
        return;
      }
      if (this._overdue.size > 0 && !changes) {
        // Another question would only wait behind the one without an answer.
        reject(busy);
        return;
      }
      const request = this._newId();
      const end = (): void => {
        clearTimeout(pending.timer);
        signal?.removeEventListener('abort', onAbort);
        this._pending.delete(request);
      };
      const onAbort = (): void => {
        end();
        reject(abortError());
      };
      const pending: IPending = {
        resolve: answer => {
          end();
          resolve(answer);
        },
        reject: error => {
          end();
          reject(error);
        },
        timer: setTimeout(() => {
          this._overdue.add(request);
          pending.reject(busy);
        }, this._patience)
      };
      this._pending.set(request, pending);
      signal?.addEventListener('abort', onAbort);
      try {
        this._channel.send({
          type: 'request',
          request,
          operation,
          arguments: parameters
        });
      } catch {
        pending.reject(new ClientError(GONE, { code: 'kernel_gone' }));
      }
    });
  }

  private _open(stream: string, parameters: object): CommSocket {
    if (this._isGone) {
      throw new ClientError(GONE, { code: 'kernel_gone' });
    }
    const id = this._newId();
    const socket = new CommSocket(
      text => this._channel.send({ type: 'text', socket: id, text }),
      () => {
        this._sockets.delete(id);
        if (!this._isGone) {
          this._channel.send({ type: 'close', socket: id });
        }
      }
    );
    this._channel.send({
      type: 'open',
      socket: id,
      stream,
      arguments: parameters
    });
    this._sockets.set(id, socket);
    return socket;
  }

  private _onMessage(content: unknown, buffers: Uint8Array[]): void {
    const message = content as {
      type?: string;
      request?: string;
      socket?: string;
      text?: string;
    };
    if (message?.type === 'answer' && message.request !== undefined) {
      // It may be late, but it shows that the kernel is free again.
      if (this._isMine(message.request)) {
        this._overdue.clear();
      }
      const pending = this._pending.get(message.request);
      if (pending) {
        settle(pending, content as IAnswer, buffers);
      }
      return;
    }
    const socket = this._sockets.get(message?.socket ?? '');
    switch (socket && message.type) {
      case 'opened':
        socket?.opened();
        break;
      case 'text':
        socket?.heard(message.text ?? '');
        break;
      case 'binary':
        buffers.forEach(bytes => socket?.heard(exactBuffer(bytes)));
        break;
      case 'closed':
        this._sockets.delete(message.socket ?? '');
        socket?.closed();
        break;
    }
  }

  private _onGone(): void {
    this._isGone = true;
    const sockets = [...this._sockets.values()];
    this._sockets.clear();
    sockets.forEach(socket => socket.closed());
    this._giveUp(new ClientError(GONE, { code: 'kernel_gone' }));
  }

  private _giveUp(error: Error): void {
    for (const pending of [...this._pending.values()]) {
      pending.reject(error);
    }
  }

  /** Several views may share the channel: ids differ between them. */
  private _newId(): string {
    return `${this._prefix}.${this._count++}`;
  }

  private _isMine(id: string): boolean {
    return id.startsWith(`${this._prefix}.`);
  }

  private _channel: IChannel;
  private _patience: number;
  private _unlisten: (() => void)[];
  private _pending = new Map<string, IPending>();
  /** Requests whose answer did not come in time. */
  private _overdue = new Set<string>();
  private _sockets = new Map<string, CommSocket>();
  private _prefix = Math.random().toString(36).slice(2, 12);
  private _count = 0;
  private _isGone = false;
}

export namespace CommClient {
  export interface ICallOptions {
    signal?: AbortSignal;
    /** The operation changes something, so a late answer is no harmless one. */
    changes?: boolean;
  }
}

function settle(
  pending: IPending,
  { text, error }: IAnswer,
  buffers: Uint8Array[]
): void {
  if (error) {
    pending.reject(
      new ClientError(error.message ?? 'The kernel refused the request.', error)
    );
  } else {
    pending.resolve({ value: JSON.parse(text ?? 'null'), buffers });
  }
}

function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer;
}
