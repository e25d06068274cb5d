import type { EventMessage, IClient, IEventHandlers } from '../types';
import { DIGITS, MINUTE, pass, useDemo } from './demohelpers';

/** Hear the events of a workspace. */
function hear(client: IClient, ws: string) {
  const heard: EventMessage[] = [];
  const states: string[] = [];
  const errors: Error[] = [];
  const tell = (message: EventMessage) => void heard.push(message);
  const handlers: IEventHandlers = {
    onHello: tell,
    onChanges: tell,
    onReset: tell,
    onState: state => states.push(state),
    onError: error => errors.push(error)
  };
  const stream = client.streamEvents(ws, handlers);
  return { heard, states, errors, stream };
}

const demo = useDemo();

describe('events', () => {
  it('begin with a greeting and tell changes in order as time passes', async () => {
    const { heard, states, stream } = hear(demo.client, DIGITS);
    expect(states).toEqual([]);
    await pass(0);
    expect(states).toEqual(['open']);
    expect(heard.map(({ type }) => type)).toEqual(['hello']);
    const { revision } = await demo.client.listTasks(DIGITS);
    expect(heard[0]).toMatchObject({ revision, counts: { running: 4 } });
    await pass(2 * MINUTE);
    stream.dispose();
    const revisions = heard.map(message => message.revision);
    expect([...new Set(revisions)]).toEqual(revisions);
    expect([...revisions].sort((a, b) => a - b)).toEqual(revisions);
    const ended = heard.findIndex(message =>
      message.changed?.some(
        ({ name, status }) => name.startsWith('width_1') && status !== 'running'
      )
    );
    const started = heard.findIndex(message =>
      message.changed?.some(
        ({ name, status }) => name.startsWith('width_4') && status === 'running'
      )
    );
    expect(ended).toBeGreaterThan(0);
    expect(started).toBeGreaterThan(0);
  });

  it('tell what the list tells', async () => {
    const before = await demo.client.listTasks(DIGITS);
    const known = new Map(before.items.map(item => [item.name, item]));
    const { heard } = hear(demo.client, DIGITS);
    await pass(10 * MINUTE);
    for (const { changed = [], removed = [] } of heard) {
      changed.forEach(item => known.set(item.name, item));
      removed.forEach(name => known.delete(name));
    }
    const after = await demo.client.listTasks(DIGITS);
    expect(
      [...known.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    ).toEqual([...after.items].sort((a, b) => (a.name < b.name ? -1 : 1)));
    expect(heard[heard.length - 1].counts).toEqual(after.counts);
  });

  it('come soon after an action', async () => {
    const { heard, stream } = hear(demo.client, DIGITS);
    await pass(0);
    await demo.client.actOnTasks(DIGITS, {
      action: 'pin',
      names: ['first_try']
    });
    await pass(1);
    expect(heard[1].changed).toMatchObject([
      { name: 'first_try', pinned: true }
    ]);
    stream.dispose();
    expect(stream.isDisposed).toBe(true);
    await pass(MINUTE);
    expect(heard).toHaveLength(2);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('are refused for a workspace that there is not', async () => {
    const { heard, states, errors } = hear(demo.client, 'nowhere');
    await pass(MINUTE);
    expect(heard).toEqual([]);
    expect(states).toEqual(['lost']);
    expect(errors).toMatchObject([{ status: 404 }]);
  });
});
