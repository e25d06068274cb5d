import * as React from 'react';

import type { IAnswerState } from '../../model/answer';
import { AnswerModel } from '../../model/answer';
import { useOwned, useStore } from './store';

/**
 * The answer to a question. It is asked when it changes, and by `ask`.
 *
 * @param question - made by `useMemo` or `useCallback`; null to ask nothing
 */
export function useRequest<T>(
  question: ((signal: AbortSignal) => Promise<T>) | null
): IAnswerState<T> & { ask: () => void } {
  const model = useOwned(() => new AnswerModel(question), [question]);
  React.useEffect(() => void model.ask(), [model]);
  return { ...useStore(model), ask: model.ask };
}
