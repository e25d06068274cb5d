/** Tasks side by side, and what the tasks of a workspace have values of. */
import type { Columns, Comparison, FailureGroup } from '../types';
import { configOf } from './fields';
import { invalid } from './refusals';
import type { ITask } from './task';
import { rowOf, taskFigures } from './task';
import { GOALS } from './training';
import { identityOf, strict } from './values';
import type { Workspace } from './workspace';
import type { World } from './world';

const MOST = 500;
const MOST_SHARED = 20;

type Compared = Comparison['parameters'][number];

export function columnsOf(world: World, workspace: Workspace): Columns {
  const tasks = [...workspace.tasks.values()];
  const configs = tasks
    .map(configOf)
    .filter(config => Object.keys(config).length > 0);
  const swept = new Set(tasks.flatMap(task => Object.keys(task.swept)));
  const keys = new Set(configs.flatMap(config => Object.keys(config)));
  const figures = new Map<string, number>();
  for (const task of tasks) {
    for (const key of Object.keys(taskFigures(task, world.time))) {
      figures.set(key, (figures.get(key) ?? 0) + 1);
    }
  }
  return {
    parameters: [...keys].map(key => {
      const having = configs.filter(config => key in config);
      const values = new Set(having.map(config => identityOf(config[key])));
      // A task without it differs from those that have it.
      const isMissing = having.length < configs.length;
      return {
        key,
        distinct: values.size + (isMissing ? 1 : 0),
        tasks: having.length,
        swept: swept.has(key)
      };
    }),
    figures: [...figures].map(([key, count]) => ({
      key,
      tasks: count,
      goal: GOALS[key]
    }))
  };
}

/** In which parameters tasks differ, and what came of them. */
export function comparisonOf(
  world: World,
  workspace: Workspace,
  names: readonly string[]
): Comparison {
  if (names.length > MOST) {
    throw invalid(
      `At most ${MOST} tasks can be compared, not ${names.length}.`
    );
  }
  const tasks = names.flatMap(name => workspace.tasks.get(name) ?? []);
  const parameters = tableOf(tasks.map(configOf)).filter(
    column => new Set(column.values.map(identityOf)).size > 1
  );
  return {
    tasks: tasks.map(task => rowOf(task, world.time)),
    missing: names.filter(name => !workspace.tasks.has(name)),
    parameters,
    figures: tableOf(tasks.map(task => taskFigures(task, world.time))).map(
      column => ({ ...column, goal: GOALS[column.key] })
    ),
    failures: failuresOf(tasks, parameters, world.time)
  };
}

function tableOf(items: readonly Record<string, unknown>[]): Compared[] {
  const keys = new Set(items.flatMap(item => Object.keys(item)));
  return [...keys].map(key => ({
    key,
    values: items.map(item => strict(item[key] ?? null))
  }));
}

/** The failed ones by what they died of, the largest group first. */
function failuresOf(
  tasks: readonly ITask[],
  parameters: readonly Compared[],
  now: number
): FailureGroup[] {
  const groups = new Map<string, { message: string; places: number[] }>();
  tasks.forEach((task, at) => {
    if (task.status === 'failed') {
      const message = rowOf(task, now).message ?? 'It failed.';
      // What differs between runs that die of the same: the numbers.
      const mark = message.replace(/\d+(?:\.\d+)?/g, '#');
      const group = groups.get(mark) ?? { message, places: [] };
      group.places.push(at);
      groups.set(mark, group);
    }
  });
  return [...groups.values()]
    .map(({ message, places }) => ({
      message,
      names: places.map(at => tasks[at].name),
      others: tasks.length - places.length,
      shared: places.length > 1 ? sharedBy(places, parameters) : []
    }))
    .sort((a, b) => b.names.length - a.names.length);
}

/** The values that all of some tasks have, the most telling ones first. */
function sharedBy(
  places: readonly number[],
  parameters: readonly Compared[]
): FailureGroup['shared'] {
  return parameters
    .flatMap(({ key, values }) => {
      const value = values[places[0]];
      const isSame = (at: number) =>
        identityOf(values[at]) === identityOf(value);
      if (value === null || !places.every(isSame)) {
        return [];
      }
      const all = values.filter((_, at) => isSame(at)).length;
      return [{ key, value, others: all - places.length }];
    })
    .sort((a, b) => a.others - b.others)
    .slice(0, MOST_SHARED);
}
