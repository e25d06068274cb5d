/** Adaptive sweeps in words. */
import type { Study } from '../../client/types';
import type { ITrans } from './context';
import { formatNumber } from './format';

export function stateWord(trans: ITrans, state: Study['state']): string {
  const words: Record<Study['state'], string> = {
    active: trans.__('Searching'),
    stopped: trans.__('Stopped'),
    finished: trans.__('Finished'),
    failed: trans.__('Gave up')
  };
  return words[state];
}

/** How a search ended. */
export function studySentence(trans: ITrans, study: Study): string {
  const { name, objective, best, message } = study;
  if (study.state === 'failed') {
    return trans.__('The search %1 gave up: %2', name, message);
  }
  return best === null || best.value === null
    ? trans.__('The search %1 is finished', name)
    : trans.__(
        'The search %1 is finished: best %2 %3',
        name,
        objective,
        formatNumber(best.value)
      );
}
