import * as React from 'react';

import type { ClientError } from '../../client/errors';
import { asClientError } from '../../client/errors';

export interface IAnswer<T> {
  /** The last answer, also while it is asked for again. */
  readonly value: T | null;
  readonly error: ClientError | null;
  readonly ask: () => void;
}

/**
 * What a question brings, asked anew when `keys` change; answers to older
 * questions are passed over.
 *
 * @param question - null while there is nothing to ask
 */
export function useAnswer<T>(
  question: (() => Promise<T>) | null,
  keys: React.DependencyList
): IAnswer<T> {
  const [state, setState] = React.useState<Omit<IAnswer<T>, 'ask'>>({
    value: null,
    error: null
  });
  const [turn, setTurn] = React.useState(0);
  React.useEffect(() => {
    let isStale = false;
    setState({ value: null, error: null });
    question?.().then(
      value => {
        if (!isStale) {
          setState({ value, error: null });
        }
      },
      error => {
        if (!isStale) {
          setState({ value: null, error: asClientError(error) });
        }
      }
    );
    return () => {
      isStale = true;
    };
  }, [...keys, turn]);
  return { ...state, ask: () => setTurn(turn + 1) };
}
