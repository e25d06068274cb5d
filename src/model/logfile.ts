import type { IClient, IDownload } from '../client/types';

/** Bytes per request. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * Download the whole log of a run, up to its length at the first request.
 *
 * @returns the address if the browser can fetch the log itself, else a file
 * @throws ClientError if it cannot be read
 */
export async function downloadLog(
  client: Pick<IClient, 'logUrl' | 'readLog'>,
  ws: string,
  task: string,
  run?: number
): Promise<string | IDownload> {
  const url = client.logUrl(ws, task, run);
  if (url !== null) {
    return url;
  }
  const chunks: Uint8Array[] = [];
  let offset = 0;
  let size = Infinity;
  while (offset < size) {
    const limit = Math.min(CHUNK_BYTES, size - offset);
    const chunk = await client.readLog(ws, task, { run, offset, limit });
    size = Math.min(size, chunk.size);
    if (chunk.bytes.length === 0) {
      break;
    }
    offset = chunk.offset + chunk.bytes.length;
    chunks.push(chunk.bytes);
  }
  const blob = new Blob(chunks as BlobPart[], {
    type: 'text/plain;charset=utf-8'
  });
  return { blob, name: `${task}-run${run ?? 1}.log` };
}
