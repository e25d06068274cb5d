import { createDemoClient } from '../demo';
import type { IClient, TaskRow } from '../types';

export const DIGITS = 'digits/_pyruns_/train';
export const NESTED = 'nested/_pyruns_/train';
export const SHELL = 'shell/_pyruns_/prepare';

/** When tests begin. */
export const NOW = Date.UTC(2026, 10, 2, 12);
export const MINUTE = 60_000;

/** A fresh client for each test, in a time that only passes by `pass`. */
export function useDemo(): { readonly client: IClient } {
  const demo = { client: null as unknown as IClient };
  beforeEach(() => {
    jest.useFakeTimers({ now: NOW, doNotFake: ['queueMicrotask'] });
    demo.client = createDemoClient({ version: '9.9' });
  });
  afterEach(() => {
    jest.useRealTimers();
  });
  return demo;
}

/** Let time pass in the page and in the demo, in ms. */
export const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

/** A task as the demo tells it now. */
export async function rowOf(
  client: IClient,
  name: string,
  ws = DIGITS
): Promise<TaskRow> {
  return (await client.getTask(ws, name)).task;
}

/** Make a task of the digits that runs at once: all others are stopped. */
export async function runAlone(
  client: IClient,
  name: string,
  text = '',
  run = {}
): Promise<void> {
  await client.changeQueue(DIGITS, { paused: true });
  await client.changeStudy(DIGITS, 'search', { action: 'stop' });
  await client.actOnTasks(DIGITS, { action: 'cancel', query: 'is:active' });
  await pass(2000);
  await client.changeQueue(DIGITS, { paused: false });
  await client.createTasks(DIGITS, { text, name, run });
}
