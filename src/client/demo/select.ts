/** Which tasks a search means, in which order, and what is to be said of it. */
import type { FieldError, TaskListQuery, TaskPage } from '../types';
import { closest } from './alike';
import { configOf, Fields } from './fields';
import { Matcher } from './matching';
import { parseQuery } from './query';
import { beyondDemo, invalid } from './refusals';
import type { ITask } from './task';
import { GOALS } from './training';
import { rowOf, STATUSES, taskFigures } from './task';
import { strict, textOf } from './values';
import type { Workspace } from './workspace';
import type { World } from './world';

const USUAL_LIMIT = 200;

/** What a listing, a grouping and an export ask for alike. */
export type Selecting = Pick<
  TaskListQuery,
  'query' | 'status' | 'sort' | 'order'
>;

interface ISelection {
  readonly tasks: readonly ITask[];
  readonly notices: FieldError[];
}

/** The tasks that a search finds, in order. */
export function select(
  world: World,
  workspace: Workspace,
  { query = '', status = '', sort = 'created', order = 'desc' }: Selecting
): ISelection {
  const all = [...workspace.tasks.values()];
  const fields = new Fields(all, world.time);
  const matcher = new Matcher(query, fields);
  const term = parseQuery(query);
  const check = term ? matcher.check(term) : () => true;
  const statuses = statusesOf(status);
  const found = all.filter(
    task =>
      (statuses.length === 0 || statuses.includes(task.status)) && check(task)
  );
  const notices = all.length > 0 ? matcher.notices : [];
  const tasks = inOrder(found, fields, sort, order === 'desc', notices);
  return { tasks, notices };
}

function statusesOf(text: string): string[] {
  const words = text.split(',').map(word => word.trim().toLowerCase());
  return words.filter(Boolean).map(word => {
    if (!STATUSES.some(status => status === word)) {
      const [near] = closest(word, STATUSES);
      const hint = near
        ? `Did you mean ${near}?`
        : `Use one of ${STATUSES.join(', ')}.`;
      throw invalid(`Unknown status '${word}'. ${hint}`, {
        field: 'status'
      });
    }
    return word;
  });
}

function byName(a: ITask, b: ITask): number {
  return (
    a.name.localeCompare(b.name, 'en', { numeric: true }) ||
    (a.name < b.name ? -1 : 1)
  );
}

/** Sort by several keys, pinned tasks first; what has no value comes last. */
function inOrder(
  tasks: readonly ITask[],
  fields: Fields,
  sort: string,
  isDescending: boolean,
  notices: FieldError[]
): ITask[] {
  let found = [...tasks].sort(byName);
  const keys = sort
    .split(',')
    .map(key => key.trim())
    .filter(key => key.replace('-', '') !== '');
  const aggregate = keys.find(isAggregate);
  if (aggregate !== undefined) {
    throw beyondDemo(`it has no aggregates such as ${aggregate}.`, 'sort');
  }
  for (const key of keys.reverse()) {
    const isTurned = key.startsWith('-');
    const name = key.replace(/^-/, '');
    const [field, ...others] = fields.find(name);
    if (others.length > 0) {
      const told = [field, ...others].map(one => `\`${one.name}\``);
      throw invalid(
        `\`${name}\` is ambiguous and can be ${told.join(' or ')}. Sort by one of them.`,
        { field: 'sort' }
      );
    }
    if (!field) {
      const message = `Unknown field \`${name}\` in the sort order.`;
      notices.push({ code: 'unknown_field', message, field: 'sort' });
      continue;
    }
    const get =
      field.name === 'status'
        ? (task: ITask) => STATUSES.indexOf(task.status)
        : field.get;
    const turn = isDescending !== isTurned ? -1 : 1;
    const [having, missing] = parted(found, task => rankOf(get(task)) !== null);
    having.sort((a, b) => turn * compareRanks(rankOf(get(a)), rankOf(get(b))));
    found = [...having, ...missing];
  }
  const [pinned, others] = parted(found, task => task.pinned);
  return [...pinned, ...others];
}

type Rank = number | string | null;

function rankOf(value: unknown): Rank {
  if (typeof value === 'number') {
    return Number.isNaN(value) ? null : value;
  }
  return value === null || value === undefined ? null : textOf(value);
}

/** Numbers before texts, and numbers within texts as numbers. */
export function compareRanks(a: Rank, b: Rank): number {
  if (typeof a === 'number' && typeof b === 'number') {
    return a - b;
  }
  if (typeof a === 'string' && typeof b === 'string') {
    return a.localeCompare(b, 'en', { numeric: true });
  }
  return typeof a === 'number' ? -1 : 1;
}

/** Those for which something is true, and the others. */
export function parted<T>(
  items: readonly T[],
  isFirst: (item: T) => boolean
): [T[], T[]] {
  return [items.filter(isFirst), items.filter(item => !isFirst(item))];
}

/** Whether a key is `min(loss)` or the like, which would need all curves. */
function isAggregate(key: string): boolean {
  return /^-?(figure\.)?(last|best|min|max|mean|at)\(/i.test(key);
}

/** A page of tasks. */
export function pageOf(
  world: World,
  workspace: Workspace,
  query: TaskListQuery
): TaskPage {
  // Their columns stay empty.
  const fields = query.fields?.filter(key => !isAggregate(key));
  const { tasks, notices } = select(world, workspace, query);
  const offset = query.offset ?? 0;
  const shown = tasks.slice(offset, offset + (query.limit ?? USUAL_LIMIT));
  const all = [...workspace.tasks.values()];
  const keysOf = (read: (task: ITask) => object) => [
    ...new Set(all.flatMap(task => Object.keys(read(task))))
  ];
  return {
    items: shown.map(task => {
      const row = rowOf(task, world.time);
      return fields?.length ? { ...row, values: told(task, fields) } : row;
    }),
    total: tasks.length,
    counts: workspace.counts,
    revision: workspace.revision,
    epoch: world.epoch,
    columns: {
      swept: keysOf(task => task.swept),
      figures: keysOf(task => taskFigures(task, world.time))
    },
    typical_duration: workspace.typicalDuration,
    goals: Object.fromEntries(
      Object.entries(GOALS).map(([key, direction]) => [
        key,
        { direction, origin: 'name' as const, automatic: direction }
      ])
    ),
    notices
  };
}

function told(task: ITask, keys: readonly string[]): Record<string, unknown> {
  const config = configOf(task);
  return Object.fromEntries(
    keys.flatMap(key => (key in config ? [[key, strict(config[key])]] : []))
  );
}
