import type { ClientError } from '../client/errors';
import { Model } from './model';

export interface IAnswerState<T> {
  /** The last answer, also while the request is repeated. */
  readonly value: T | null;
  /** Why the last request failed; `value` is that of an earlier one. */
  readonly error: ClientError | null;
}

/** The answer to one request. */
export class AnswerModel<T> extends Model<IAnswerState<T>> {
  /** @param _request - null for none */
  constructor(
    private readonly _request: ((signal: AbortSignal) => Promise<T>) | null
  ) {
    super({ value: null, error: null });
  }

  readonly ask = async (): Promise<void> => {
    if (this._request) {
      await this.fetch(
        'answer',
        this._request,
        value => this.update({ value, error: null }),
        error => this.update({ error })
      );
    }
  };
}
