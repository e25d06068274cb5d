import type { Study, TaskStatus } from '../../client/types';
import { StudyCompletionWatcher } from '../studycompletion';
import { row } from './fake';
import { study } from './searches';

const GATHERED_MS = 2500;

/** A watcher, what it asks and tells, and a trial that changes. */
function watch() {
  const server: { items: Study[]; error?: Error } = { items: [] };
  const asked = jest.fn();
  const onEnd = jest.fn();
  const ends = new StudyCompletionWatcher(
    {
      listStudies: async () => {
        asked();
        if (server.error) {
          throw server.error;
        }
        return { available: true, damaged: [], items: server.items };
      }
    },
    (ws, found) => onEnd(ws, found.name)
  );
  const hear = async (number = 1, status: TaskStatus = 'completed') => {
    const trial = { name: 's', number, pruned: null };
    const changed = [row(`s_${number}`, { status, study: trial })];
    ends.onTrialsChanged('w', changed);
    ends.onTrialsChanged('w', changed);
    await jest.advanceTimersByTimeAsync(GATHERED_MS);
  };
  return { server, asked, onEnd, ends, hear };
}

const counts = (open: number, complete: number) => ({
  counts: { open, complete, pruned: 0, failed: 0 }
});

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

it('tells the end of a search that went on, once', async () => {
  const { server, asked, onEnd, ends, hear } = watch();
  server.items = [study('old'), study('s', { state: 'active' })];
  await hear();
  expect(asked).toHaveBeenCalledTimes(1);
  expect(onEnd).not.toHaveBeenCalled();
  server.items = [study('old'), study('s')];
  await hear();
  await hear();
  expect(onEnd.mock.calls).toEqual([['w', 's']]);
  server.items = [study('s', { state: 'active' })];
  await hear();
  server.items = [study('s', { state: 'stopped' })];
  await hear();
  expect(onEnd).toHaveBeenCalledTimes(1);
  ends.dispose();
});

it('tells the end of a study that is over before it is loaded', async () => {
  const { server, onEnd, ends, hear } = watch();
  server.items = [study('s', counts(0, 2))];
  await hear(2, 'running');
  expect(onEnd).toHaveBeenCalledTimes(1);
  // A trial that runs again, or is changed, does not continue its study.
  await hear(2, 'queued');
  await hear(2);
  expect(onEnd).toHaveBeenCalledTimes(1);
  server.items = [study('s', counts(0, 3))];
  await hear(3, 'queued');
  expect(onEnd).toHaveBeenCalledTimes(2);
  ends.dispose();
});

it('waits for a study that ends later than its last trial', async () => {
  const { server, asked, onEnd, ends, hear } = watch();
  server.items = [
    study('s', { state: 'active', driven: true, ...counts(0, 2) })
  ];
  await hear(2);
  await jest.advanceTimersByTimeAsync(GATHERED_MS);
  expect(onEnd).not.toHaveBeenCalled();
  server.items = [study('s', counts(0, 2))];
  await jest.advanceTimersByTimeAsync(GATHERED_MS);
  expect(onEnd).toHaveBeenCalledTimes(1);
  const before = asked.mock.calls.length;
  await jest.advanceTimersByTimeAsync(10 * GATHERED_MS);
  expect(asked).toHaveBeenCalledTimes(before);
  ends.dispose();
});

it('waits for a study whose driver ended while it was read', async () => {
  const { server, onEnd, ends, hear } = watch();
  const active = { state: 'active', ...counts(0, 2) } as const;
  server.items = [study('s', { ...active, driven: true })];
  await hear(2, 'running');
  server.items = [study('s', { ...active, driven: false })];
  await jest.advanceTimersByTimeAsync(GATHERED_MS);
  server.items = [study('s', counts(0, 2))];
  await jest.advanceTimersByTimeAsync(GATHERED_MS);
  expect(onEnd).toHaveBeenCalledTimes(1);
  ends.dispose();
});

it('tries again when the studies cannot be loaded', async () => {
  const { server, onEnd, ends, hear } = watch();
  server.items = [study('s', counts(0, 2))];
  server.error = new Error('gone');
  await hear(2, 'running');
  expect(onEnd).not.toHaveBeenCalled();
  server.error = undefined;
  await jest.advanceTimersByTimeAsync(10_000);
  expect(onEnd).toHaveBeenCalledTimes(1);
  ends.dispose();
});
