import type { IClient } from '../client/types';

/** Bytes of one request. */
const PIECE = 4 * 1024 * 1024;

/**
 * The whole log of a run in pieces, as long as it was when asked for.
 *
 * @throws ClientError when it cannot be read
 */
export async function* readWhole(
  client: Pick<IClient, 'readLog'>,
  ws: string,
  task: string,
  run: number | null
): AsyncGenerator<Uint8Array> {
  let offset = 0;
  let size = 1;
  for (let first = true; offset < size; first = false) {
    const piece = await client.readLog(ws, task, {
      run: run ?? undefined,
      offset,
      limit: first ? PIECE : Math.min(PIECE, size - offset)
    });
    size = first ? piece.size : Math.min(size, piece.size);
    if (piece.bytes.length === 0) {
      return;
    }
    offset = piece.offset + piece.bytes.length;
    yield piece.bytes;
  }
}
