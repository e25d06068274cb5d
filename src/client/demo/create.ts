/** From a text to tasks: what it would make, and making it. */
import type {
  Created,
  CreateRequest,
  FieldError,
  Preview,
  PreviewRequest,
  Template
} from '../types';
import { ClientError } from '../errors';
import { misfits } from './fit';
import {
  checkFreeName,
  checkName,
  freeName,
  leftOut,
  sweepNames
} from './naming';
import { readOptions } from './options';
import { allInvalid, asFieldError, beyondDemo } from './refusals';
import { SweepPlan } from './sweep';
import type { ITask } from './task';
import { newTask } from './task';
import type { Workspace } from './workspace';
import type { World } from './world';

const USUAL_ROWS = 200;

/** A text to start from: the default's or a task's, and a free name. */
export function templateOf(workspace: Workspace, task?: string): Template {
  const { project, names } = workspace;
  if (!task) {
    return { text: project.template, name: freeName(project.name, names) };
  }
  const { config, batch } = workspace.task(task);
  return { text: config, name: freeName(batch, names) };
}

/** What would be made of a text. */
interface IProposal {
  readonly names: readonly string[];
  /** Null for a shell script. */
  readonly plan: SweepPlan | null;
}

/** Throws everything that is wrong at once. */
function propose(workspace: Workspace, text: string, name: string): IProposal {
  const { project, names } = workspace;
  if (project.kind === 'shell') {
    const errors: FieldError[] = text.trim()
      ? []
      : [
          {
            code: 'invalid_input',
            message: 'The shell script is empty. Enter at least one command.',
            field: 'yaml',
            line: 1,
            column: 1
          }
        ];
    collect(errors, () => checkFreeName(name, names));
    refuse(errors);
    return { names: [name], plan: null };
  }
  const plan = new SweepPlan(text);
  const errors = [...plan.errors, ...misfits(plan, project.parameters)].sort(
    (a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
  );
  let made: string[] = [];
  collect(errors, () => {
    if (errors.length === 0) {
      made = sweepNames(plan, name, names, project.name);
    } else if (!name.includes('{')) {
      checkName(name);
    }
  });
  refuse(errors);
  return { names: made, plan };
}

function collect(errors: FieldError[], check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof ClientError)) {
      throw error;
    }
    errors.push(asFieldError(error));
  }
}

function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) {
    throw allInvalid(errors);
  }
}

/** What a text would make; mistakes in it are part of the answer. */
export function preview(
  workspace: Workspace,
  request: PreviewRequest
): Preview {
  const name = request.name || templateOf(workspace).name;
  const errors: FieldError[] = [];
  let proposal: IProposal | null = null;
  try {
    proposal = propose(workspace, request.text, name);
  } catch (error) {
    if (!(error instanceof ClientError)) {
      throw error;
    }
    const several = error.errors.length > 0;
    errors.push(...(several ? error.errors : [asFieldError(error)]));
  }
  if (!proposal) {
    return { count: 0, duplicates: 0, axes: [], rows: [], errors, notices: [] };
  }
  const { names, plan } = proposal;
  const offset = request.offset ?? 0;
  const shown = names.slice(offset, offset + (request.limit ?? USUAL_ROWS));
  return {
    count: names.length,
    duplicates: plan?.duplicates ?? 0,
    axes: plan?.axesTold() ?? [],
    rows: shown.map((made, at) => {
      const values = plan?.row(offset + at) ?? {};
      const words = Object.entries(values).map(
        ([key, one]) => `--${key} ${one}`
      );
      const command = ['python', workspace.project.script, ...words].join(' ');
      return { name: made, values, ...(request.commands && { command }) };
    }),
    errors,
    notices: plan ? [...plan.notices, ...nameNotices(plan, name)] : []
  };
}

function nameNotices(plan: SweepPlan, name: string): FieldError[] {
  const keys = leftOut(plan, name);
  if (keys.length === 0) {
    return [];
  }
  const told = [...keys.slice(0, 3), 'n'].map(key => `{${key}}`).join(' or ');
  return [
    {
      code: 'notice',
      message: `The name pattern gives several tasks the same name, so numbers are appended. Add ${told} to the pattern.`,
      field: 'name'
    }
  ];
}

/** Create the tasks of a text, all or none, and queue them when asked. */
export function create(
  world: World,
  workspace: Workspace,
  request: CreateRequest
): Created {
  const { project } = workspace;
  if (request.check) {
    throw beyondDemo('it has no scripts to check command lines.', 'check');
  }
  const options =
    request.run && readOptions(request.run, project.usesGpu ? 1 : 0);
  const { names, plan } = propose(workspace, request.text, request.name);
  const tasks = names.map((name, at): ITask => {
    const text = plan ? plan.configText(at) : request.text;
    return newTask({
      name,
      kind: project.taskKind,
      config: text.endsWith('\n') || !text ? text : `${text}\n`,
      createdAt: world.time,
      swept: plan?.row(at) ?? {},
      batch: request.name
    });
  });
  if (options) {
    workspace.queue.checkAfter(tasks, options);
  }
  tasks.forEach(task => workspace.add(task));
  if (options) {
    workspace.queue.submit(tasks, options);
    world.settle();
  }
  return { names: [...names], queued: Boolean(options), message: null };
}
