/** The curves of runs, in as few points as pictures of them need. */
import type { Curve, Curves, Tracks } from '../types';
import { loggedRun } from './logs';
import type { IRun } from './run';
import { pointsOf, recordsOf } from './run';
import type { ITask } from './task';
import { strict, strictValues } from './values';
import type { Workspace } from './workspace';
import type { World } from './world';

const MOST_TASKS = 200;

/** Curves of several tasks; those without any are left out. */
export function curvesOf(
  world: World,
  workspace: Workspace,
  names: readonly string[],
  keys: readonly string[],
  points: number,
  run?: number
): Curves {
  const items = names.slice(0, MOST_TASKS).flatMap(name => {
    const task = workspace.tasks.get(name);
    const found = task?.runs[(run ?? task.runs.length) - 1];
    return task && found
      ? curvesOfRun(task, found, keys, points, world.time)
      : [];
  });
  return { items };
}

function curvesOfRun(
  task: ITask,
  run: IRun,
  keys: readonly string[],
  most: number,
  now: number
): Curve[] {
  const points = pointsOf(run, now);
  const all = Object.keys(points[0]?.values ?? {});
  const wanted = keys.length > 0 ? all.filter(key => keys.includes(key)) : all;
  return wanted.map(key => {
    const values = points.map(point => point.values[key]);
    const places = chosen(values, most);
    const pick = <T>(items: readonly T[]) => places.map(place => items[place]);
    const epochs = points.map(point => point.values.epoch);
    return {
      name: task.name,
      run: run.index,
      key,
      total: points.length,
      places,
      values: pick(values).map(value =>
        Number.isFinite(value) ? value : null
      ),
      times: pick(points).map(point => run.startedAt + point.at),
      steps: { epoch: pick(epochs) }
    };
  });
}

/**
 * The places of at most so many of some values: the first, the last, and of
 * equally long parts in between the smallest and the largest.
 */
export function chosen(values: readonly number[], points: number): number[] {
  const count = values.length;
  if (count <= Math.max(points, 2)) {
    return values.map((_, place) => place);
  }
  const parts = Math.max(0, Math.floor((points - 2) / 2));
  const found = new Set([0, count - 1]);
  const edge = (part: number) => 1 + Math.floor((part * (count - 2)) / parts);
  for (let part = 0; part < parts; part++) {
    let [least, greatest] = [-1, -1];
    for (let place = edge(part); place < edge(part + 1); place++) {
      if (Number.isFinite(values[place])) {
        least = least < 0 || values[place] < values[least] ? place : least;
        greatest =
          greatest < 0 || values[place] > values[greatest] ? place : greatest;
      }
    }
    if (least >= 0) {
      found.add(least).add(greatest);
    }
  }
  return [...found].sort((a, b) => a - b);
}

/** All that a run has tracked and recorded. */
export function tracksOf(
  task: ITask,
  run: number | undefined,
  now: number
): Tracks {
  if (run === undefined && task.runs.length === 0) {
    return { run: 0, tracks: {}, records: {}, messages: [] };
  }
  const found = loggedRun(task, run);
  const points = pointsOf(found, now);
  const keys = Object.keys(points[0]?.values ?? {});
  return {
    run: found.index,
    tracks: Object.fromEntries(
      keys.map(key => [key, points.map(point => strict(point.values[key]))])
    ),
    records: strictValues(recordsOf(found)),
    messages: []
  };
}
