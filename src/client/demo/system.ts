/** How the machine does at a moment: all of it follows from what runs then. */
import type { Gpu, GpuProcess, SystemSample } from '../types';
import { clamp, GIB } from './course';
import { CORES, GPU_COUNT, GPU_GIB, GPU_NAME, gpuUuid } from './machine';
import { wave } from './random';
import type { IRunning, World } from './world';

/** Samples before now that are told, at one a second. */
const HISTORY = 300;

/** Bytes of a GPU that are in use by nobody. */
const IDLE_MEMORY = 0.5 * GIB;

/** How long a run keeps off its GPU at its start, in seconds. */
const LOADING = 3;

export function sampleOf(world: World, time = world.time): SystemSample {
  return sampleAmong(world.runs, time);
}

/** A sample for each second before now, the oldest first. */
export function historyOf(world: World): SystemSample[] {
  const runs = world.runs.filter(
    ({ run }) => run.ending.at > world.time - HISTORY
  );
  return Array.from({ length: HISTORY }, (_, at) =>
    sampleAmong(runs, world.time - HISTORY + 1 + at)
  );
}

function sampleAmong(runs: readonly IRunning[], time: number): SystemSample {
  const living = runs.filter(
    ({ run }) => run.startedAt <= time && time < run.ending.at
  );
  const cores = Array.from({ length: CORES }, (_, core) => {
    const isBusy = core < 3 * living.length;
    const base = isBusy ? 62 : 5;
    return clamp(base + (isBusy ? 26 : 5) * wave(`core ${core}`, time), 0, 100);
  });
  const percent = cores.reduce((sum, load) => sum + load, 0) / CORES;
  const average = (period: number) =>
    round(2.2 * living.length + 0.8 + 0.6 * wave(`load ${period}`, time));
  return {
    time,
    cpu: {
      percent: round(percent),
      cores: CORES,
      limited: false,
      per_core: cores.map(round),
      load: [average(1), average(5), average(15)]
    },
    memory: {
      used: Math.round(
        (19 + 3.4 * living.length + 0.7 * wave('memory', time)) * GIB
      ),
      total: 256 * GIB,
      limited: false
    },
    disk: { used: 812 * GIB, total: 3500 * GIB },
    network: {
      received: Math.round(90_000 * (1.2 + wave('received', time))),
      sent: Math.round(60_000 * (1.2 + wave('sent', time)))
    },
    gpu_state: 'ok',
    gpu_message: null,
    gpus: Array.from({ length: GPU_COUNT }, (_, index) =>
      gpuAt(
        index,
        living.filter(({ run }) => run.gpus.includes(index)),
        time
      )
    )
  };
}

function gpuAt(index: number, living: readonly IRunning[], time: number): Gpu {
  const working = living.filter(({ run }) => time - run.startedAt > LOADING);
  const wanted = working.reduce((sum, { run }) => sum + run.course.gpuLoad, 0);
  const load =
    wanted > 0 ? clamp(wanted + 9 * wave(`gpu ${index}`, time), 1, 100) : 0;
  const processes = living.map(one => processOf(one, time));
  const used = processes.reduce((sum, one) => sum + (one.memory ?? 0), 0);
  const warmth = wave(`heat ${index}`, time);
  return {
    index,
    uuid: gpuUuid(index),
    name: GPU_NAME,
    load: Math.round(load),
    memory_used: Math.round(IDLE_MEMORY + used),
    memory_total: GPU_GIB * GIB,
    temperature: Math.round(31 + 0.34 * load + 1.5 * warmth),
    power: Math.round(72 + 5.4 * load + 6 * warmth),
    power_limit: 700,
    clock: load > 0 ? 1980 - 15 * Math.round(4 + 4 * warmth) : 345,
    memory_clock: 2619,
    processes,
    mig: []
  };
}

function processOf({ task, run }: IRunning, time: number): GpuProcess {
  const grown = clamp((time - run.startedAt) / (2 * LOADING), 0.1, 1);
  return {
    pid: run.pid,
    memory: Math.round(run.course.gpuMemory * grown),
    user: 'demo',
    command: run.command.slice(0, 2).join(' '),
    task: task.name,
    notebook: null,
    kernel: null,
    idle: null
  };
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}
