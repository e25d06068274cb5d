import type { FailureGroup } from '../../client/types';
import type { ITrans } from './context';
import { exactValue } from './format';

/** Causes in a sentence; more are counted. */
const MAX_CAUSES = 3;

/** Characters of an error. */
const MAX_CAUSE_LENGTH = 60;

/**
 * Return failures as one sentence: "14 of 500 tasks failed: 11 CUDA out of
 * memory, all with bs=512; 3 ValueError: loss is nan".
 *
 * @param tasks - how many tasks ended
 */
export function failuresSentence(
  trans: ITrans,
  groups: readonly FailureGroup[],
  tasks: number
): string {
  const count = (some: readonly FailureGroup[]) =>
    some.reduce((sum, group) => sum + group.names.length, 0);
  const rest = count(groups.slice(MAX_CAUSES));
  const causes = groups
    .slice(0, MAX_CAUSES)
    .map(group => causeOf(trans, group));
  if (rest > 0) {
    causes.push(trans._n('%1 other', '%1 others', rest));
  }
  return trans.__(
    '%1 of %2 tasks failed: %3',
    count(groups),
    tasks,
    causes.join('; ')
  );
}

function causeOf(trans: ITrans, group: FailureGroup): string {
  const { message, names, others, shared } = group;
  const whole = message.replace(/\.$/, '') || trans.__('unknown reason');
  const cause =
    whole.length > MAX_CAUSE_LENGTH
      ? `${whole.slice(0, MAX_CAUSE_LENGTH - 1)}…`
      : whole;
  const [first] = shared;
  // A value that half of the other tasks have too explains nothing.
  return first && 2 * first.others < others
    ? trans.__(
        '%1 %2, all with %3',
        names.length,
        cause,
        `${first.key}=${exactValue(first.value)}`
      )
    : `${names.length} ${cause}`;
}
