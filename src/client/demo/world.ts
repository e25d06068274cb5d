/** The simulated machine with its workspaces, and the time that passes there. */
import type { IProject } from './course';
import { GPU_COUNT, GPU_GIB } from './machine';
import type { IQueueing } from './options';
import { notFound } from './refusals';
import type { IRun } from './run';
import type { ITask } from './task';
import { Workspace } from './workspace';

/** How often somebody who listens is told what time has brought, in ms. */
const TICK = 250;

/** A run and where it is from. */
export interface IRunning {
  readonly workspace: Workspace;
  readonly task: ITask;
  readonly run: IRun;
}

/**
 * Nothing moves by itself: whoever asks lets time catch up first. Only while
 * somebody listens a timer does that.
 */
export class World {
  /**
   * @param now - the time in epoch seconds
   * @param began - when the time of this world begins, in epoch seconds
   */
  constructor(projects: readonly IProject[], now: () => number, began: number) {
    this._now = now;
    this.time = began;
    this.epoch = `demo-${Math.round(now() * 1000).toString(36)}`;
    for (const project of projects) {
      this.workspaces.set(project.id, new Workspace(project, this));
    }
  }

  readonly workspaces = new Map<string, Workspace>();
  /** Which life of this world revisions belong to. */
  readonly epoch: string;
  /** Up to when things have happened, in epoch seconds. */
  time: number;

  /** A workspace by its id; throws when there is none. */
  workspace(id: string): Workspace {
    const found = this.workspaces.get(id);
    if (!found) {
      throw notFound(`The workspace '${id}' does not exist in this demo.`);
    }
    return found;
  }

  /** Let everything happen that time has brought, in its order. */
  advance(to = this._now()): void {
    const all = [...this.workspaces.values()];
    for (;;) {
      const next = Math.min(...all.map(one => one.queue.next));
      if (next > to) {
        break;
      }
      this.time = Math.max(this.time, next);
      this.settle();
    }
    this.time = Math.max(this.time, to);
    all.forEach(one => one.follow());
  }

  /** End what is over, ask studies for more, start what may start. */
  settle(): void {
    const all = [...this.workspaces.values()];
    all.forEach(one => one.queue.settle());
    all.forEach(one => one.studies.step());
    all.forEach(one => one.queue.fill());
  }

  /** Everything that runs now. */
  get running(): IRunning[] {
    return [...this.workspaces.values()].flatMap(workspace =>
      workspace.queue.running.map(one => ({ workspace, ...one }))
    );
  }

  /** Every run that ever was. */
  get runs(): IRunning[] {
    return [...this.workspaces.values()].flatMap(workspace =>
      [...workspace.tasks.values()].flatMap(task =>
        task.runs.map(run => ({ workspace, task, run }))
      )
    );
  }

  /** The GPUs for a run, or the sentence why none is available now. */
  reserve(options: IQueueing): number[] | string {
    const { gpus, gpuMemory, devices } = options;
    if (gpus === 0) {
      return [];
    }
    const holders = Array.from({ length: GPU_COUNT }, (_, gpu) =>
      this.running.filter(({ run }) => run.gpus.includes(gpu))
    );
    const free = devices.filter(gpu => {
      const taken = holders[gpu].reduce(
        (sum, { run }) => sum + run.gpuMemory,
        0
      );
      return taken + gpuMemory <= GPU_GIB;
    });
    if (free.length >= gpus) {
      return free.slice(0, gpus);
    }
    const reasons = devices
      .filter(gpu => !free.includes(gpu))
      .map(gpu => {
        const [{ workspace, task }] = holders[gpu];
        return `GPU ${gpu}: reserved by ${workspace.project.name}/${task.name}`;
      });
    return `${reasons.join('; ')}.`;
  }

  /** Be told when something may have changed, until what is returned is called. */
  listen(listener: () => void): () => void {
    this._listeners.add(listener);
    this._timer ??= setInterval(() => this._tick(), TICK);
    return () => {
      this._listeners.delete(listener);
      if (this._listeners.size === 0) {
        clearInterval(this._timer);
        this._timer = undefined;
      }
    };
  }

  /** Tell listeners soon that something changed. */
  wake(): void {
    if (this._listeners.size > 0 && !this._isWoken) {
      this._isWoken = true;
      setTimeout(() => this._tick());
    }
  }

  private _tick(): void {
    this._isWoken = true;
    this.advance();
    this._isWoken = false;
    [...this._listeners].forEach(listener => listener());
  }

  private readonly _now: () => number;
  private readonly _listeners = new Set<() => void>();
  private _timer: ReturnType<typeof setInterval> | undefined;
  private _isWoken = false;
}
