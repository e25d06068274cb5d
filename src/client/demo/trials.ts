/** The trials of a study: what became of the tasks that were made for it. */
import type { Study, Trial } from '../types';
import type { IRun } from './run';
import type { ITask } from './task';
import { taskFigures } from './task';
import { strictValues } from './values';

/** Trials that complete before any is stopped early, and points of each. */
const BEFORE_PRUNING = 5;
const WARM_UP = 12;

/** The trial that a task is, null if it is not a trial. */
export function trialOf(
  task: ITask,
  objective: string,
  now: number
): Trial | null {
  if (!task.study) {
    return null;
  }
  const { number, pruned } = task.study;
  const figure = taskFigures(task, now)[objective];
  const value = Number.isFinite(figure) ? figure : null;
  return {
    number,
    task: task.name,
    state: stateOf(task, value, pruned),
    status: task.status,
    value,
    pruned,
    values: strictValues(task.swept)
  };
}

function stateOf(
  task: ITask,
  value: number | null,
  pruned: number | null
): Trial['state'] {
  switch (task.status) {
    case 'completed':
      return value === null ? 'failed' : 'complete';
    case 'cancelled':
      return pruned === null ? 'failed' : 'pruned';
    case 'failed':
      return 'failed';
    default:
      return 'open';
  }
}

/**
 * The point of its curve, from 1, at which a run will promise less than the
 * best part of the others did there; null when it never will.
 */
export function pruningStep(
  run: IRun,
  others: readonly IRun[],
  study: Pick<Study, 'objective' | 'direction' | 'prune'>
): number | null {
  if (others.length < BEFORE_PRUNING) {
    return null;
  }
  const part = study.prune === 'median' ? 0.5 : 0.25;
  const curves = others.map(other => curveOf(other, study));
  const curve = curveOf(run, study);
  const place = curve.findIndex((_, at) => {
    const there = curves
      .map(other => other[Math.min(at, other.length - 1)])
      .sort((a, b) => b - a);
    const bar = there[Math.floor(part * (there.length - 1))];
    return at >= WARM_UP && Math.max(...curve.slice(0, at + 1)) < bar;
  });
  return place < 0 ? null : place + 1;
}

/** The objective over the points of a run, turned so that more is better. */
function curveOf(
  run: IRun,
  { objective, direction }: Pick<Study, 'objective' | 'direction'>
): number[] {
  const sign = direction === 'maximize' ? 1 : -1;
  return run.course.points.map(point => {
    const value = point.values[objective];
    return Number.isFinite(value) ? sign * value : -Infinity;
  });
}

export function trialName(study: string, n: number, number: number): string {
  return `${study}_${String(number).padStart(String(n).length, '0')}`;
}
