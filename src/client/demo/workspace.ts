/** The state of one workspace: its tasks, and what changed in which revision. */
import type { Counts, Workspace as WorkspaceTold } from '../types';
import type { IProject } from './course';
import { Queue } from './queue';
import { notFound } from './refusals';
import { StudyDriver } from './studies';
import type { ITask } from './task';
import { countPoints, latestRun, STATUSES } from './task';
import type { World } from './world';

/** Runs by which it is judged how long one takes. */
const TYPICAL = 100;

/** A task in the trash, and since when. */
export interface ITrashed {
  readonly name: string;
  readonly task: ITask;
  readonly at: number;
}

export class Workspace {
  constructor(project: IProject, world: World) {
    this.project = project;
    this.queue = new Queue(this, world);
    this.studies = new StudyDriver(this, world);
    this._world = world;
  }

  readonly project: IProject;
  readonly queue: Queue;
  readonly studies: StudyDriver;
  readonly tasks = new Map<string, ITask>();
  trash: ITrashed[] = [];
  revision = 0;

  /** The names of all tasks. */
  get names(): ReadonlySet<string> {
    return new Set(this.tasks.keys());
  }

  get counts(): Counts {
    return countsOf(this.tasks.values());
  }

  /** Seconds that a run takes which completes; null before the first. */
  get typicalDuration(): number | null {
    const durations = [...this.tasks.values()]
      .filter(task => task.status === 'completed')
      .flatMap(task => latestRun(task) ?? [])
      .sort((a, b) => b.ending.at - a.ending.at)
      .slice(0, TYPICAL)
      .map(run => run.ending.at - run.startedAt)
      .sort((a, b) => a - b);
    const middle = durations.length >> 1;
    return durations.length === 0
      ? null
      : durations.length % 2
        ? durations[middle]
        : (durations[middle - 1] + durations[middle]) / 2;
  }

  /** A task by its name; throws when there is none. */
  task(name: string): ITask {
    const task = this.tasks.get(name);
    if (!task) {
      throw notFound(
        `The task '${name}' does not exist in ${this.project.id}.`
      );
    }
    return task;
  }

  add(task: ITask): void {
    this.tasks.set(task.name, task);
    this._removed.delete(task.name);
    this.touch(task);
  }

  remove(task: ITask): void {
    this.tasks.delete(task.name);
    this._removed.set(task.name, ++this.revision);
    this._world.wake();
  }

  /** Note that there is something new to be told of a task. */
  touch(task: ITask): void {
    task.changedAt = ++this.revision;
    task.told = countPoints(task, this._world.time);
    this._world.wake();
  }

  /** Note new points of what runs. */
  follow(): void {
    for (const { task } of this.queue.running) {
      if (countPoints(task, this._world.time) > task.told) {
        this.touch(task);
      }
    }
  }

  /** What is different from a revision that somebody knows. */
  since(revision: number): { changed: ITask[]; removed: string[] } {
    const changed = [...this.tasks.values()]
      .filter(task => task.changedAt > revision)
      .sort((a, b) => a.changedAt - b.changedAt);
    const removed = [...this._removed]
      .filter(([, at]) => at > revision)
      .map(([name]) => name);
    return { changed, removed };
  }

  told(): WorkspaceTold {
    const { id, name, kind, path, script } = this.project;
    return {
      id,
      name,
      kind,
      path,
      script,
      counts: this.counts,
      engine: 'local',
      scheduler_alive: true,
      problem: null
    };
  }

  private readonly _world: World;
  private readonly _removed = new Map<string, number>();
}

export function countsOf(tasks: Iterable<ITask>): Counts {
  const counts = Object.fromEntries(
    STATUSES.map(status => [status, 0])
  ) as Counts;
  for (const task of tasks) {
    counts[task.status]++;
  }
  return counts;
}
