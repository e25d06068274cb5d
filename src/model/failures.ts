import type { Failures, IClient } from '../client/types';

/** Load why some tasks failed; null if that is not possible. */
export function readFailures(
  client: Pick<IClient, 'listFailures'>,
  ws: string,
  names: readonly string[]
): Promise<Failures | null> {
  return client.listFailures(ws, { names: [...names] }).catch(() => null);
}
