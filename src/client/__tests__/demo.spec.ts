import { createDemoClient } from '../demo';
import type { SystemSample } from '../types';
import {
  DIGITS,
  NESTED,
  NOW,
  pass,
  rowOf,
  SHELL,
  useDemo
} from './demohelpers';

const demo = useDemo();

describe('the simulated world', () => {
  it('shakes hands as a server of this version', async () => {
    expect(await demo.client.getStatus()).toMatchObject({
      version: '9.9',
      api_version: 2,
      can_write: true,
      can_execute: true
    });
  });

  it('is the same for the same clock', async () => {
    const other = createDemoClient({ now: () => NOW / 1000 });
    expect(await other.listTasks(DIGITS)).toEqual({
      ...(await demo.client.listTasks(DIGITS)),
      epoch: expect.any(String)
    });
  });

  it('has a past and a present', async () => {
    const { items: workspaces } = await demo.client.listWorkspaces();
    expect(workspaces.map(({ id }) => id)).toEqual([DIGITS, NESTED, SHELL]);
    const { counts } = workspaces[0];
    expect(counts?.running).toBe(4);
    expect(counts?.queued).toBeGreaterThanOrEqual(6);
    expect(counts?.completed).toBeGreaterThan(30);
    const failed = await demo.client.listTasks(DIGITS, {
      query: 'status:failed name:sweep'
    });
    expect(failed.items.map(item => item.message).sort()).toEqual([
      expect.stringContaining('loss is nan'),
      expect.stringContaining('CUDA out of memory')
    ]);
    expect(await rowOf(demo.client, 'baseline')).toMatchObject({
      status: 'completed',
      pinned: true,
      tags: ['baseline'],
      progress: 1,
      runs: 1
    });
    expect((await demo.client.listTrash(DIGITS)).items).toMatchObject([
      { name: 'typo', original: 'typo', status: 'pending' }
    ]);
  });

  it('has results that depend on what was swept', async () => {
    const { items } = await demo.client.groupTasks(DIGITS, {
      by: ['model', 'lr'],
      query: 'name:sweep_ status:completed',
      sort: 'figure.acc',
      order: 'desc'
    });
    expect(items[0].values).toEqual({ model: 'mlp', lr: 0.01 });
    expect(items[0].figures.acc.count).toBe(3);
    expect(items[7].values).toEqual({ model: 'sgd', lr: 0.001 });
    const found = await demo.client.listTasks(DIGITS, {
      query: items[0].query!
    });
    expect(found.items.map(item => item.name)).toEqual(
      expect.arrayContaining(items[0].names)
    );
  });

  it('compares tasks', async () => {
    const names = (
      await demo.client.listTasks(DIGITS, { query: 'name:sweep_' })
    ).items;
    const compared = await demo.client.compareManyTasks(DIGITS, {
      names: [...names.map(item => item.name), 'nobody']
    });
    expect(compared.missing).toEqual(['nobody']);
    expect(compared.parameters.map(({ key }) => key)).toEqual([
      'model',
      'lr',
      'seed'
    ]);
    expect(compared.figures.map(({ key }) => key)).toContain('acc');
    expect(compared.failures.map(one => one.names.length)).toEqual([1, 1]);
  });

  it('knows only its own scripts', async () => {
    expect(
      (await demo.client.openWorkspace({ path: 'nested/train.py' })).id
    ).toBe(NESTED);
    await expect(
      demo.client.openWorkspace({ path: 'mine.py' })
    ).rejects.toMatchObject({
      message: expect.stringContaining('This is a demo'),
      field: 'path'
    });
    await expect(demo.client.getWorkspace('mine')).rejects.toMatchObject({
      status: 404
    });
  });
});

describe('the machine', () => {
  it('tells a history, then a sample each second', async () => {
    let history: SystemSample[] = [];
    const samples: SystemSample[] = [];
    const stream = demo.client.streamSystem({
      onHistory: told => (history = told),
      onSample: sample => samples.push(sample)
    });
    await pass(0);
    expect(history).toHaveLength(300);
    await pass(5000);
    expect(samples).toHaveLength(5);
    const times = [...history, ...samples].map(({ time }) => time);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    const [{ gpus, cpu }] = samples;
    expect(gpus).toHaveLength(4);
    expect(cpu.per_core).toHaveLength(32);
    expect(gpus.every(gpu => gpu.processes.length === 1)).toBe(true);
    stream.dispose();
    expect(jest.getTimerCount()).toBe(0);
  });
});
