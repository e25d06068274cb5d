/** What runs were given, and the files that they left. */
import type { Artifacts, Media, RunInput } from '../types';
import { loggedRun, stamp } from './logs';
import { notFound } from './refusals';
import type { IRun } from './run';
import { statusOf } from './run';
import type { ITask } from './task';
import { variablesOf } from './task';
import type { Workspace } from './workspace';

const encoder = new TextEncoder();

export function inputOf(
  { project }: Workspace,
  task: ITask,
  number: number
): RunInput {
  const run = loggedRun(task, number);
  const isShell = task.kind === 'shell';
  return {
    run: run.index,
    captured_at: stamp(run.startedAt),
    kind: task.kind,
    config_file: isShell ? 'config.sh' : 'config.yaml',
    config: run.config,
    script: isShell ? null : `/home/demo/${project.script}`,
    workdir: `/home/demo/${project.path}`,
    shell: isShell ? run.command[0] : null,
    command: [...run.command],
    env: variablesOf(run.env)
  };
}

/** A run leaves its files when it completes. */
function filesOf(run: IRun) {
  return statusOf(run) === 'completed' ? run.course.files : [];
}

export function artifactsOf(task: ITask, number: number): Artifacts {
  const run = loggedRun(task, number);
  return {
    run: run.index,
    items: filesOf(run).map(file => ({
      path: file.path,
      size: encoder.encode(file.text()).length,
      modified_at: run.ending.at
    })),
    cut: false
  };
}

/** The pictures that the latest runs of some tasks left. */
export function mediaOf({ tasks }: Workspace, names: readonly string[]): Media {
  const items = names.flatMap(name => {
    const task = tasks.get(name);
    const run = task?.runs.length ?? 0;
    const files = task && run > 0 ? artifactsOf(task, run).items : [];
    return files
      .filter(({ path }) => path.endsWith('.svg'))
      .map(file => ({
        ...file,
        task: name,
        run,
        kind: 'image' as const,
        name: file.path.replace(/\.svg$/, ''),
        step: null,
        source: null,
        offset: null
      }));
  });
  return { items, cut: false, pending: false };
}

/** One of the files, or its first `most` bytes. */
export function artifactOf(
  task: ITask,
  number: number,
  path: string,
  most?: number
): Blob {
  const run = loggedRun(task, number);
  const file = filesOf(run).find(one => one.path === path);
  if (!file) {
    throw notFound(
      `Run ${number} of '${task.name}' has no artifact '${path}'.`
    );
  }
  const blob = new Blob([file.text()], { type: file.type });
  return most === undefined ? blob : blob.slice(0, most, file.type);
}
