/** Adaptive sweeps in words. */
import type { Study } from '../../client/types';
import type { ITrans } from './context';
import { figure } from './format';

export function stateWord(trans: ITrans, state: Study['state']): string {
  switch (state) {
    case 'active':
      return trans.__('Searching');
    case 'stopped':
      return trans.__('Stopped');
    case 'finished':
      return trans.__('Finished');
    case 'failed':
      return trans.__('Gave up');
  }
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
        figure(best.value)
      );
}
