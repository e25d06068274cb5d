/** One action on many tasks. */
import type { ActionRequest, ActionResult, TaskPatch } from '../types';
import { ClientError } from '../errors';
import { configOf } from './fields';
import { checkName, freeName } from './naming';
import { readOptions } from './options';
import { placeBeside } from './placing';
import { select } from './select';
import { conflict, invalid, notFound } from './refusals';
import type { ITask } from './task';
import { isActive, newTask } from './task';
import { identityOf } from './values';
import type { ITrashed, Workspace } from './workspace';
import type { World } from './world';

/** Do something to tasks; some may be refused. */
export function act(
  world: World,
  workspace: Workspace,
  request: ActionRequest
): ActionResult {
  const names = namesOf(world, workspace, request);
  switch (request.action) {
    case 'run':
      return run(world, workspace, names, request);
    case 'move':
      placeBeside(workspace, names, request.before, request.after);
      return { done: names, refused: [], made: [] };
    default:
      return each(names, name => one(world, workspace, name, request));
  }
}

function namesOf(
  world: World,
  workspace: Workspace,
  request: ActionRequest
): string[] {
  const { action, names, query } = request;
  const isEmptying = action === 'purge' && !names && !query;
  if (isEmptying) {
    const since = world.time - (request.older_than ?? 0);
    return workspace.trash.filter(one => one.at <= since).map(one => one.name);
  }
  if ((names === undefined) === (typeof query !== 'string')) {
    throw invalid("Specify either 'names' or 'query', not both.", {
      field: 'names'
    });
  }
  if (request.as_name && names?.length !== 1) {
    throw invalid("'as_name' is only allowed with a single task.", {
      field: 'as_name'
    });
  }
  if (names) {
    return [...new Set(names)];
  }
  if (action === 'purge' || action === 'restore') {
    throw invalid(
      `The action '${action}' requires 'names', because queries do not find deleted tasks.`,
      { field: 'query' }
    );
  }
  const found = select(world, workspace, { query: query ?? '', order: 'asc' });
  const [serious] = found.notices.filter(one => one.code === 'unknown_field');
  if (serious) {
    throw invalid(serious.message, serious);
  }
  return found.tasks.map(task => task.name);
}

/** Do it to each; what is refused is told with its reason. */
function each(
  names: readonly string[],
  work: (name: string) => string | null
): ActionResult {
  const result: ActionResult = { done: [], refused: [], made: [] };
  for (const name of names) {
    try {
      const made = work(name);
      result.done.push(name);
      if (made !== null) {
        result.made.push(made);
      }
    } catch (error) {
      if (!(error instanceof ClientError)) {
        throw error;
      }
      result.refused.push({ name, message: error.message });
    }
  }
  return result;
}

/** Do it to one task; returns the name of a task that there is because of it. */
function one(
  world: World,
  workspace: Workspace,
  name: string,
  request: ActionRequest
): string | null {
  switch (request.action) {
    case 'restore':
      return restore(workspace, name, request.as_name ?? null);
    case 'purge':
      workspace.trash = without(workspace, trashed(workspace, name));
      return null;
    case 'delete':
      moveToTrash(world, workspace, name);
      return null;
    case 'duplicate':
      return duplicate(world, workspace, name, request);
    case 'cancel':
      workspace.queue.cancel(workspace.task(name));
      return null;
    default:
      mark(workspace.task(name), request);
      workspace.touch(workspace.task(name));
      return null;
  }
}

function mark(task: ITask, { action, tags = [] }: ActionRequest): void {
  if ((action === 'tag' || action === 'untag') && tags.length === 0) {
    throw invalid("Missing field 'tags'.", { field: 'tags' });
  }
  if (action === 'tag') {
    task.tags = checkTags([...task.tags, ...tags]);
  } else if (action === 'untag') {
    task.tags = task.tags.filter(tag => !tags.includes(tag));
  } else {
    task.pinned = action === 'pin';
  }
}

function run(
  world: World,
  workspace: Workspace,
  names: readonly string[],
  request: ActionRequest
): ActionResult {
  const options = readOptions(request.run, workspace.project.usesGpu ? 1 : 0);
  const result = each(names, name => {
    const task = workspace.task(name);
    const done = request.skip_done && completedLike(workspace, task);
    if (done) {
      const what = done === task ? 'it' : `'${done.name}' with the same values`;
      throw conflict(
        `'${name}' is skipped because ${what} has already completed.`
      );
    }
    return null;
  });
  const { queued, refused } = workspace.queue.submit(
    result.done.map(name => workspace.task(name)),
    options
  );
  world.settle();
  const told = [...refused].map(([name, message]) => ({ name, message }));
  return { done: queued, refused: [...result.refused, ...told], made: [] };
}

/** A task that completed with the same values, this one before others. */
function completedLike(workspace: Workspace, task: ITask): ITask | undefined {
  const wanted = contentOf(task);
  return [task, ...workspace.tasks.values()].find(
    other => other.status === 'completed' && contentOf(other) === wanted
  );
}

/** What counts of a configuration: values, not comments or their order. */
function contentOf(task: ITask): string {
  return task.kind === 'shell'
    ? task.config.trim()
    : identityOf(Object.entries(configOf(task)).sort());
}

/** Move a task to the trash; throws while it waits or runs. */
export function moveToTrash(
  world: World,
  workspace: Workspace,
  name: string
): void {
  const task = workspace.task(name);
  checkIdle(task);
  const taken = new Set(workspace.trash.map(trashed => trashed.name));
  const kept = freeName(name, taken);
  workspace.remove(task);
  workspace.trash = [{ name: kept, task, at: world.time }, ...workspace.trash];
}

function checkIdle(task: ITask): void {
  if (isActive(task)) {
    throw conflict(`The task '${task.name}' is ${task.status}. Stop it first.`);
  }
}

/** A task in the trash, by its name there or the one that it had. */
function trashed(workspace: Workspace, name: string): ITrashed {
  const found =
    workspace.trash.find(one => one.name === name) ??
    workspace.trash.find(one => one.task.name === name);
  if (!found) {
    throw notFound(
      `The task '${name}' is not in the trash of ${workspace.project.id}.`
    );
  }
  return found;
}

function without(workspace: Workspace, gone: ITrashed): ITrashed[] {
  return workspace.trash.filter(one => one !== gone);
}

function restore(
  workspace: Workspace,
  name: string,
  asName: string | null
): string {
  const found = trashed(workspace, name);
  const back = asName ?? found.task.name;
  checkName(back);
  if (workspace.tasks.has(back)) {
    throw conflict(
      `A task named '${back}' already exists. Restore the task under another name, or rename the existing task first.`
    );
  }
  workspace.trash = without(workspace, found);
  found.task.name = back;
  workspace.add(found.task);
  return back;
}

function duplicate(
  world: World,
  workspace: Workspace,
  name: string,
  { as_name, runs, artifacts }: ActionRequest
): string {
  const task = workspace.task(name);
  const copied = as_name ?? freeName(name, workspace.names);
  checkName(copied);
  if (workspace.tasks.has(copied)) {
    throw conflict(
      `A task named '${copied}' already exists. Choose another name.`,
      'name'
    );
  }
  const withRuns = runs || artifacts;
  if (withRuns) {
    checkIdle(task);
  }
  const { kind, config, swept, batch, notes, tags, env } = task;
  const facts = { kind, config, swept, batch, notes, tags, env };
  workspace.add(
    newTask({
      ...facts,
      name: copied,
      createdAt: world.time,
      ...(withRuns ? { runs: [...task.runs], status: task.status } : {})
    })
  );
  return copied;
}

/** Change what is given of a task, all of it or nothing; returns its name. */
export function change(
  workspace: Workspace,
  name: string,
  patch: TaskPatch
): string {
  const task = workspace.task(name);
  const tags = patch.tags && checkTags(patch.tags);
  checkVariables(Object.keys(patch.env ?? {}));
  checkExpected(task, patch.expected ?? {});
  const renamed = patch.name !== undefined && patch.name !== name;
  if (renamed) {
    checkName(patch.name ?? '');
    checkIdle(task);
    if (workspace.tasks.has(patch.name ?? '')) {
      throw conflict(
        `A task named '${patch.name}' already exists. Choose another name.`
      );
    }
  }
  task.notes = patch.notes ?? task.notes;
  task.pinned = patch.pinned ?? task.pinned;
  task.tags = tags ?? task.tags;
  task.order = patch.order ?? task.order;
  const env = Object.entries({ ...task.env, ...patch.env });
  task.env = Object.fromEntries(
    env.flatMap(([key, value]) => (value === null ? [] : [[key, value]]))
  );
  if (renamed) {
    workspace.remove(task);
    task.name = patch.name ?? name;
    workspace.add(task);
  } else {
    workspace.touch(task);
  }
  return task.name;
}

/** Throws when something is not as whoever changes it saw it. */
function checkExpected(task: ITask, expected: Record<string, unknown>): void {
  const { name, notes, pinned, tags, order, env } = task;
  const now: Record<string, unknown> = { name, notes, pinned, tags, order };
  for (const [key, value] of Object.entries(expected)) {
    const same =
      key === 'env'
        ? Object.entries(value as Record<string, string | null>).every(
            ([variable, text]) => (env[variable] ?? null) === text
          )
        : identityOf(now[key]) === identityOf(value);
    if (!same) {
      const what = { env: 'environment', pinned: 'pin' }[key] ?? key;
      const were = key === 'notes' || key === 'tags' ? 'were' : 'was';
      throw conflict(
        `The ${what} of '${name}' ${were} changed elsewhere. Reload the task and try again.`
      );
    }
  }
}

function checkTags(tags: readonly string[]): string[] {
  for (const tag of tags) {
    const problem = !tag
      ? 'it is empty'
      : tag !== tag.trim()
        ? 'it begins or ends with a space'
        : /[,"]/.test(tag)
          ? 'commas and quotation marks are not allowed'
          : null;
    if (problem) {
      throw invalid(`Invalid tag '${tag}': ${problem}.`, {
        field: 'tags'
      });
    }
  }
  return [...new Set(tags)];
}

function checkVariables(names: readonly string[]): void {
  const wrong = names.find(name => !/^[^\s=]+$/.test(name));
  if (wrong !== undefined) {
    throw invalid(
      `Invalid variable name '${wrong}': it must not be empty, or contain spaces or '='.`,
      { field: 'env' }
    );
  }
}
