import type { IClient, ImportRequest, ImportResult } from '../client/types';
import { Model } from './model';

type Client = Pick<IClient, 'importRuns'>;

/** Create tasks from the runs of another program. */
export function importRuns(
  client: Client,
  ws: string,
  request: ImportRequest
): Promise<ImportResult> {
  return client.importRuns(ws, request);
}

/** Previews an import of the runs of another program. */
export class ImportPreviewModel extends Model<object> {
  constructor(
    private readonly _client: Client,
    private readonly _ws: string
  ) {
    super({});
  }

  /**
   * Return what an import would create; null if another preview replaced it or
   * the model was disposed.
   */
  preview(request: ImportRequest): Promise<ImportResult | null> {
    const wanted = { ...request, dry_run: true };
    return this.request('preview', signal =>
      this._client.importRuns(this._ws, wanted, signal)
    );
  }
}
