import * as React from 'react';

import { asClientError } from '../../client/errors';

export interface IAttempt {
  /** Why the last one failed, '' if it did not. */
  readonly failure: string;
  readonly isBusy: boolean;
  readonly setFailure: (failure: string) => void;
  /** Do something; null is returned if that failed. */
  readonly attempt: <T>(action: () => T | Promise<T>) => Promise<T | null>;
}

/** Something that the user asks for, and why it did not work. */
export function useAttempt(): IAttempt {
  const [failure, setFailure] = React.useState('');
  const [isBusy, setBusy] = React.useState(false);
  return {
    failure,
    isBusy,
    setFailure,
    attempt: async action => {
      setBusy(true);
      setFailure('');
      try {
        return await action();
      } catch (error) {
        setFailure(asClientError(error).message);
        return null;
      } finally {
        setBusy(false);
      }
    }
  };
}
