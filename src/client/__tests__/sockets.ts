/** Sockets whose other end is the test. */
import type { ISocket } from '../socket';

export class TestSocket implements ISocket {
  constructor(readonly url: string) {}

  binaryType: BinaryType = 'blob';
  onopen: ISocket['onopen'] = null;
  onmessage: ISocket['onmessage'] = null;
  onclose: ISocket['onclose'] = null;
  /** What the client sent. */
  sent: unknown[] = [];
  isClosed = false;

  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }

  close(): void {
    this.isClosed = true;
  }

  /** A query parameter of the address. */
  asked(name: string): string | null {
    return new URL(this.url).searchParams.get(name);
  }

  accept(): void {
    this.onopen?.(new Event('open'));
  }

  text(message: object): void {
    this._tell(JSON.stringify(message));
  }

  bytes(text: string): void {
    this._tell(new TextEncoder().encode(text).buffer);
  }

  /** The network or the server goes away. */
  break(): void {
    this.onclose?.(new Event('close') as CloseEvent);
  }

  private _tell(data: unknown): void {
    this.onmessage?.(new MessageEvent('message', { data }));
  }
}

/** All sockets that a client opens, in order. */
export class TestSockets {
  readonly all: TestSocket[] = [];

  readonly open = (url: string): TestSocket => {
    const socket = new TestSocket(url);
    this.all.push(socket);
    return socket;
  };

  get last(): TestSocket {
    return this.all[this.all.length - 1];
  }
}
