import type { IChannel } from './comm';

/** What a worker of the demo sends (`demo/worker.mjs`). */
interface IMessage {
  content?: unknown;
  buffers?: Uint8Array[];
  state?: 'loading' | 'ready' | 'failed';
  message?: string;
}

/** The part of a `Worker` that is used. */
export interface IWorker {
  /** Why it failed before anybody listened. */
  readonly problem?: string;
  postMessage(content: object): void;
  addEventListener(
    type: 'message' | 'error',
    listener: (event: MessageEvent<IMessage>) => void
  ): void;
  removeEventListener(
    type: 'message' | 'error',
    listener: (event: MessageEvent<IMessage>) => void
  ): void;
}

/** A worker with the Python of Pyruns as a channel, and a promise of its start. */
export function workerChannel(worker: IWorker): {
  channel: IChannel;
  ready: Promise<void>;
} {
  const gone = new Set<() => void>();
  const ready = new Promise<void>((resolve, reject) => {
    const fail = (message: string): void => {
      reject(new Error(message));
      [...gone].forEach(listener => listener());
    };
    worker.addEventListener('message', ({ data: { state, message = '' } }) => {
      if (state === 'ready') {
        resolve();
      } else if (state === 'failed') {
        fail(message);
      }
    });
    worker.addEventListener('error', event =>
      fail((event as unknown as ErrorEvent).message)
    );
    // It may have started, or failed, before the page listened.
    const { problem } = worker;
    if (problem !== undefined) {
      queueMicrotask(() => fail(problem));
    }
    worker.postMessage({ type: 'state' });
  });
  const channel: IChannel = {
    send: content => worker.postMessage(content),
    listen: onMessage => {
      const listener = ({ data }: MessageEvent<IMessage>): void => {
        if (data.content !== undefined) {
          onMessage(data.content, data.buffers ?? []);
        }
      };
      worker.addEventListener('message', listener);
      return () => worker.removeEventListener('message', listener);
    },
    onGone: onGone => {
      gone.add(onGone);
      return () => void gone.delete(onGone);
    }
  };
  return { channel, ready };
}
