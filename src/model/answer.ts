import type { ClientError } from '../client/errors';
import { Model } from './model';

export interface IAnswerState<T> {
  /** The last answer, also while it is asked for again. */
  readonly value: T | null;
  /** Why the last request failed; `value` is older then. */
  readonly error: ClientError | null;
}

/** The answer to one question. */
export class AnswerModel<T> extends Model<IAnswerState<T>> {
  /** @param _question - null to ask nothing */
  constructor(private readonly _question: (() => Promise<T>) | null) {
    super({ value: null, error: null });
  }

  readonly ask = async (): Promise<void> => {
    if (this._question) {
      await this.fetch(
        'answer',
        this._question,
        value => this.update({ value, error: null }),
        error => this.update({ error })
      );
    }
  };
}
