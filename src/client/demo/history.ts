/** What has happened in the demo before somebody comes to see it. */
import type { RunOptions } from '../types';
import { act, change } from './actions';
import { create } from './create';
import { digits } from './digits';
import { nested } from './nested';
import { shell } from './shell';
import { taskFigures } from './task';
import type { Workspace } from './workspace';
import type { World } from './world';
import { readDocument, withValues } from './yaml';

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** How long before the present it begins, in seconds. */
export const PAST = 27 * HOUR;

/** Live through what was done before `now`. */
export function liveThrough(world: World, now: number): void {
  const steps = [
    ...digitsHistory(world),
    ...nestedHistory(world),
    ...shellHistory(world)
  ].sort((a, b) => b.ago - a.ago);
  for (const { ago, work } of steps) {
    world.advance(now - ago);
    work();
  }
  world.advance(now);
}

/** Something that was done so many seconds ago. */
interface IStep {
  readonly ago: number;
  work(): void;
}

/** A workspace's template with other values. */
function configured(
  { project }: Workspace,
  values: Record<string, string>
): string {
  const document = readDocument(project.template);
  return withValues(document, new Map(Object.entries(values)));
}

/** The steps that make and queue tasks in one workspace. */
function hand(world: World, workspace: Workspace) {
  const make = (text: string, name: string, run: RunOptions | null = null) =>
    create(world, workspace, { text, name, run });
  return {
    make,
    sweep: (
      name: string,
      values: Record<string, string>,
      run: RunOptions | null
    ) => make(configured(workspace, values), name, run)
  };
}

function digitsHistory(world: World): IStep[] {
  const workspace = world.workspace(digits.id);
  const { sweep } = hand(world, workspace);
  return [
    {
      ago: 26 * HOUR,
      work: () => sweep('baseline', { epochs: '300' }, { jobs: 1 })
    },
    {
      ago: 25 * HOUR,
      work: () => {
        change(workspace, 'baseline', {
          pinned: true,
          tags: ['baseline'],
          notes:
            'What everything else is measured by. **300 epochs**, defaults.'
        });
        sweep('typo', { lr: '1.0' }, null);
        act(world, workspace, { action: 'delete', names: ['typo'] });
        sweep('first_try', { hidden: '[16]' }, null);
      }
    },
    { ago: 3 * HOUR, work: () => bigSweep(world, workspace) },
    { ago: 2 * HOUR, work: () => markBest(world, workspace) },
    {
      ago: 75 * MINUTE,
      work: () => sweep('wide', { hidden: '[512, 512]' }, { jobs: 1 })
    },
    {
      ago: 74 * MINUTE,
      work: () => {
        act(world, workspace, { action: 'cancel', names: ['wide'] });
        change(workspace, 'wide', {
          notes: 'No better, and four times as slow.'
        });
      }
    },
    {
      ago: 25 * MINUTE,
      work: () =>
        workspace.studies.begin({
          text: configured(workspace, {
            lr: 'log(1e-4, 1)',
            hidden: '[16] | [32] | [64] | [128] | [256]',
            batch_size: '16 | 32 | 64 | 128 | 256'
          }),
          name: 'search',
          objective: 'acc',
          direction: 'maximize',
          n: 40,
          seed: 1,
          prune: 'median'
        })
    },
    {
      ago: 95,
      work: () =>
        sweep(
          'width',
          {
            hidden: '[64] | [128] | [256]',
            seed: '0:3',
            epochs: '60',
            augment: 'true'
          },
          { jobs: 3 }
        )
    },
    {
      ago: 40,
      work: () =>
        sweep(
          'linear',
          { model: 'sgd', lr: '0.1', augment: 'true' },
          { jobs: 1 }
        )
    }
  ];
}

function bigSweep(world: World, workspace: Workspace): void {
  const { names } = hand(world, workspace).sweep(
    'sweep',
    { model: 'mlp | sgd', lr: '0.001 | 0.01 | 0.1 | 0.3', seed: '0:3' },
    null
  );
  // A colleague's job fills one of the GPUs while this task is on it.
  workspace.task(names[7]).isUnlucky = true;
  act(world, workspace, { action: 'run', names, run: { jobs: 4 } });
}

function markBest(world: World, workspace: Workspace): void {
  const done = [...workspace.tasks.values()]
    .filter(task => task.batch === 'sweep' && task.status === 'completed')
    .map(task => ({ task, acc: taskFigures(task, world.time).acc }))
    .sort((a, b) => b.acc - a.acc);
  const [{ task: best }] = done;
  change(workspace, best.name, {
    pinned: true,
    tags: ['best'],
    notes: 'The best of the first sweep.'
  });
  const worst = done[done.length - 1].task.name;
  change(workspace, worst, { tags: ['look again'] });
}

function nestedHistory(world: World): IStep[] {
  const { sweep } = hand(world, world.workspace(nested.id));
  return [
    {
      ago: 5 * HOUR,
      work: () =>
        sweep(
          'penalty',
          {
            'training.lr': '0.1 | 0.3 | 1.0',
            'model.l2': '0.0001 | 0.001 | 0.01'
          },
          { jobs: 3 }
        )
    },
    {
      ago: 4 * HOUR,
      work: () => sweep('noiseless', { 'data.noise': '0.0' }, null)
    }
  ];
}

function shellHistory(world: World): IStep[] {
  const workspace = world.workspace(shell.id);
  const { make } = hand(world, workspace);
  return [
    {
      ago: 6 * HOUR,
      work: () => make(shell.template, 'prepare', { jobs: 1 })
    },
    {
      ago: 5.5 * HOUR,
      work: () =>
        make(
          '#!/usr/bin/env bash\necho "unpacking raw.tar.zst"\necho "raw.tar.zst: no such file"\nexit 2\n',
          'unpack',
          { jobs: 1 }
        )
    },
    {
      ago: 5 * HOUR,
      work: () => {
        make(shell.template, 'prepare_again', null);
        change(workspace, 'prepare_again', { env: { PACE: '2' } });
      }
    }
  ];
}
