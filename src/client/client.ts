import type { IRequest, OperationId } from './operations';
import { methodsOver } from './operations';
import { SharedStream, shareEvents, shareSystem } from './sharedstream';
import type { ISocket } from './socket';
import { checkReadable, eventStream, logStream, systemStream } from './streams';
import type { ITrans } from './trans';
import type { IClient, IEventHandlers, ILogRange, LogHits } from './types';

/** Carries operations, files and streams to a server or a kernel. */
export interface ITransport {
  /** The language of error messages. */
  readonly trans: ITrans;
  perform(id: OperationId, request: IRequest): Promise<unknown>;
  download(
    id: 'exportResults' | 'downloadArtifact' | 'downloadMedium',
    parameters: object
  ): Promise<{ blob: Blob; name?: string }>;
  readLog(parameters: object, signal?: AbortSignal): Promise<ILogRange>;
  searchLog(
    parameters: object,
    onHits: (hits: LogHits) => void,
    signal?: AbortSignal
  ): Promise<void>;
  /** The address at which the browser can fetch a log, if any. */
  logUrl(parameters: object): string | null;
  openSocket(stream: 'events' | 'log' | 'system', parameters: object): ISocket;
}

/** Make a client, whose users share its event and system streams. */
export function createClient(transport: ITransport): IClient {
  const methods = methodsOver((id, request) => transport.perform(id, request));
  const events = new Map<string, SharedStream<IEventHandlers>>();
  const openEvents = (ws: string): SharedStream<IEventHandlers> =>
    new SharedStream(shareEvents, handlers =>
      eventStream(
        {
          open: known =>
            transport.openSocket('events', {
              ws,
              epoch: known?.epoch,
              since: known?.revision
            }),
          probe: () => methods.getWorkspace(ws)
        },
        handlers
      )
    );
  const system = new SharedStream(shareSystem, handlers =>
    systemStream(
      {
        open: () => transport.openSocket('system', {}),
        probe: () => methods.getStatus()
      },
      handlers
    )
  );
  return {
    ...methods,

    exportResults: async (ws, query = {}) => {
      const file = await transport.download('exportResults', { ws, ...query });
      return { name: `results.${query.format ?? 'csv'}`, ...file };
    },
    readLog: (ws, task, query, signal) =>
      transport.readLog({ ws, task, ...query }, signal),
    searchLog: (ws, task, query, onHits, signal) =>
      transport.searchLog({ ws, task, ...query }, onHits, signal),
    logUrl: (ws, task, run) => transport.logUrl({ ws, task, run }),
    readArtifact: async (ws, task, run, path, most) => {
      const parameters = { ws, task, run, path, most };
      return (await transport.download('downloadArtifact', parameters)).blob;
    },
    readMedium: async (ws, { task, run, path, source, offset }, most) => {
      const parameters = { ws, task, run, path, source, offset, most };
      return (await transport.download('downloadMedium', parameters)).blob;
    },

    streamEvents: (ws, handlers) => {
      const stream = events.get(ws) ?? openEvents(ws);
      events.set(ws, stream);
      return stream.join(handlers);
    },
    streamLog: (ws, task, start, handlers) =>
      logStream(
        {
          open: place => transport.openSocket('log', { ws, task, ...place }),
          probe: async () =>
            checkReadable(await methods.getTask(ws, task), transport.trans)
        },
        start,
        handlers
      ),
    streamSystem: handlers => system.join(handlers)
  };
}
