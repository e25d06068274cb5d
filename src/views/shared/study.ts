/** Adaptive sweeps in words. */
import type { Study } from '../../client/types';
import type { ITrans } from './context';
import { formatNumber } from './format';
import { serverSentence } from './serversentences';

/** How a search ended. */
export function studySentence(trans: ITrans, study: Study): string {
  const { name, objective, best, message } = study;
  if (study.state === 'failed') {
    return trans.__(
      'Study %1 stopped: %2',
      name,
      serverSentence(trans, message)
    );
  }
  return best === null || best.value === null
    ? trans.__('Study %1 finished', name)
    : trans.__(
        'Study %1 finished: best %2 %3',
        name,
        objective,
        formatNumber(best.value)
      );
}
