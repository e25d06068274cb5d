/** Tasks that are alike but for some parameters, as one line each. */
import type { Group, GroupQuery, Groups, Summary } from '../types';
import { configOf } from './fields';
import { beyondDemo, invalid } from './refusals';
import { compareRanks, parted, select } from './select';
import type { ITask } from './task';
import { latestRun, taskFigures } from './task';
import { GOALS } from './training';
import type { Values } from './values';
import { identityOf, strictValues, textOf } from './values';
import type { Workspace } from './workspace';
import { countsOf } from './workspace';
import type { World } from './world';

/** Names of a group that are told. */
const NAMES = 20;
const USUAL_LIMIT = 200;

interface IGroup {
  readonly values: Values;
  readonly tasks: ITask[];
}

/** Gather tasks by `by`, or by all keys that differ but those of `fold`. */
export function groupsOf(
  world: World,
  workspace: Workspace,
  query: GroupQuery
): Groups {
  const { by = [], fold = [] } = query;
  if (by.length > 0 && fold.length > 0) {
    throw invalid("Specify either 'by' or 'fold', not both.", { field: 'by' });
  }
  const { tasks, notices } = select(world, workspace, {
    query: query.query,
    status: query.status,
    sort: 'created',
    order: 'asc'
  });
  const keys = by.length > 0 ? by : differing(tasks, fold);
  const groups = inOrder(world, gather(tasks, keys), query);
  const offset = query.offset ?? 0;
  return {
    by: [...keys],
    total: groups.length,
    tasks: tasks.length,
    items: groups
      .slice(offset, offset + (query.limit ?? USUAL_LIMIT))
      .map(group => told(world, group)),
    goals: GOALS,
    notices
  };
}

function differing(tasks: readonly ITask[], fold: readonly string[]): string[] {
  const configs = tasks.map(configOf);
  const keys = new Set(configs.flatMap(config => Object.keys(config)));
  return [...keys].filter(
    key =>
      !fold.includes(key) &&
      new Set(configs.map(config => identityOf(config[key]))).size > 1
  );
}

function gather(tasks: readonly ITask[], keys: readonly string[]): IGroup[] {
  const groups = new Map<string, IGroup>();
  for (const task of tasks) {
    const config = configOf(task);
    const mark = keys.map(key => identityOf(config[key])).join('\n');
    const group = groups.get(mark) ?? {
      values: Object.fromEntries(keys.map(key => [key, config[key] ?? null])),
      tasks: []
    };
    group.tasks.push(task);
    groups.set(mark, group);
  }
  return [...groups.values()];
}

function inOrder(
  world: World,
  groups: IGroup[],
  { sort = '', order = 'asc' }: GroupQuery
): IGroup[] {
  const turn = order === 'desc' ? -1 : 1;
  if (!sort) {
    return turn < 0 ? [...groups].reverse() : groups;
  }
  const rank = rankBy(world, sort);
  const [having, missing] = parted(groups, group => rank(group) !== null);
  having.sort((a, b) => turn * compareRanks(rank(a), rank(b)));
  return [...having, ...missing];
}

function rankBy(
  world: World,
  sort: string
): (group: IGroup) => number | string | null {
  const [, kind, key] = /^(figure|config)\.(.*)$/s.exec(sort) ?? [];
  if (sort === 'tasks') {
    return group => group.tasks.length;
  }
  if (sort === 'duration') {
    return group => summaryOf(durations(group))?.mean as number | null;
  }
  if (kind === 'figure') {
    return group =>
      (summaryOf(figures(world, group, key))?.mean as number) ?? null;
  }
  if (kind === 'config') {
    return ({ values }) => {
      const value = values[key] ?? null;
      return typeof value === 'number' || value === null
        ? value
        : textOf(value);
    };
  }
  throw beyondDemo(
    `Unknown sort key '${sort}'. Use one of: tasks, duration, config.KEY, figure.KEY.`,
    'sort'
  );
}

function durations(group: IGroup): number[] {
  return group.tasks.flatMap(task => {
    const run = latestRun(task);
    return run?.isOver ? [run.ending.at - run.startedAt] : [];
  });
}

function figures(world: World, group: IGroup, key: string): number[] {
  return group.tasks.flatMap(task => taskFigures(task, world.time)[key] ?? []);
}

/** Statistics of the finite numbers among some values, null without any. */
function summaryOf(values: readonly number[]): Summary | null {
  const numbers = values.filter(Number.isFinite);
  const count = numbers.length;
  if (count === 0) {
    return null;
  }
  const mean = numbers.reduce((sum, value) => sum + value, 0) / count;
  const squares = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    count,
    mean,
    deviation: count > 1 ? Math.sqrt(squares / (count - 1)) : null,
    least: Math.min(...numbers),
    greatest: Math.max(...numbers)
  };
}

function told(world: World, group: IGroup): Group {
  const { values, tasks } = group;
  const keys = new Set(
    tasks.flatMap(task => Object.keys(taskFigures(task, world.time)))
  );
  const summaries = [...keys].flatMap(key => {
    const found = summaryOf(figures(world, group, key));
    return found ? [[key, found] as const] : [];
  });
  return {
    values: strictValues(values),
    tasks: tasks.length,
    names: tasks.slice(0, NAMES).map(task => task.name),
    query: queryOf(values),
    counts: countsOf(tasks),
    figures: Object.fromEntries(summaries),
    duration: summaryOf(durations(group))
  };
}

/** The search that finds the tasks with these values, null without one. */
function queryOf(values: Values): string | null {
  const terms = Object.entries(values).map(([key, value]) => {
    const name = `config.${key}`;
    if (value === null) {
      return `no:${name}`;
    }
    if (typeof value === 'object') {
      return null;
    }
    return `${name}=${typeof value === 'string' ? JSON.stringify(value) : textOf(value)}`;
  });
  return terms.includes(null) ? null : terms.join(' ');
}
