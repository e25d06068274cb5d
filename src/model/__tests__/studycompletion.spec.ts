import { StudyCompletionWatcher } from '../studycompletion';
import { study } from './searches';

it('tells the end of a search that went on, once', async () => {
  jest.useFakeTimers();
  const server = { items: [study('old'), study('s', { state: 'active' })] };
  const asked = jest.fn();
  const onEnd = jest.fn();
  const ends = new StudyCompletionWatcher(
    {
      listStudies: async () => {
        asked();
        return { available: true, damaged: [], items: server.items };
      }
    },
    (ws, found) => onEnd(ws, found.name)
  );
  const hear = async () => {
    ends.onTrialsChanged('w');
    ends.onTrialsChanged('w');
    await jest.advanceTimersByTimeAsync(2500);
  };
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
  jest.useRealTimers();
});
