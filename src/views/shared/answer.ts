import * as React from 'react';

import type { ClientError } from '../../client/errors';
import { asClientError } from '../../client/errors';

export interface IAnswer<T> {
  /** The last answer to this question, also while it is asked again. */
  readonly value: T | null;
  /** Why the last request failed; `value` is older then. */
  readonly error: ClientError | null;
  readonly ask: () => void;
}

/**
 * The answer to a question. It is asked when it changes, and by `ask`; answers
 * to other questions, and to requests before the last one, are ignored.
 *
 * @param question - made by `useMemo` or `useCallback`; null to ask nothing
 */
export function useAnswer<T>(question: (() => Promise<T>) | null): IAnswer<T> {
  const [last, setLast] = React.useState<
    Omit<IAnswer<T>, 'ask'> & { question: typeof question }
  >({ question, value: null, error: null });
  const [turn, setTurn] = React.useState(0);
  React.useEffect(() => {
    let isStale = false;
    question?.().then(
      value => {
        if (!isStale) {
          setLast({ question, value, error: null });
        }
      },
      (error: unknown) => {
        if (!isStale) {
          setLast(old => ({
            question,
            value: old.question === question ? old.value : null,
            error: asClientError(error)
          }));
        }
      }
    );
    return () => {
      isStale = true;
    };
  }, [question, turn]);
  const isCurrent = last.question === question;
  return {
    value: isCurrent ? last.value : null,
    error: isCurrent ? last.error : null,
    ask: () => setTurn(turn + 1)
  };
}
