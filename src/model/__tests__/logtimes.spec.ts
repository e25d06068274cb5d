import { LogTimesModel } from '../logtimes';

type Marks = [number, number][];

function opened(marks: Marks) {
  const listLogTimes = jest.fn(() => Promise.resolve({ marks }));
  return { model: new LogTimesModel({ listLogTimes }, 'ws'), listLogTimes };
}

async function settled() {
  for (let turn = 0; turn < 10; turn++) {
    await Promise.resolve();
  }
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('LogTimesModel', () => {
  it('tells by when a byte was written', async () => {
    const { model, listLogTimes } = opened([
      [100, 1000],
      [200, 1001],
      [300, 1002]
    ]);
    model.setVisibleRange('a', 2, 0, 250);
    jest.advanceTimersByTime(0);
    expect(listLogTimes.mock.calls).toEqual([
      ['ws', 'a', { run: 2, offset: 0, end: 250, limit: 5000 }]
    ]);
    await settled();
    expect([0, 99, 100, 199, 299].map(at => model.timeOf(at))).toEqual([
      1000, 1000, 1001, 1001, 1002
    ]);
    expect(model.timeOf(300)).toBeNull();
  });

  it('asks for what grows now and then, for another part at once', async () => {
    const { model, listLogTimes } = opened([]);
    model.setVisibleRange('a', 1, 100, 200);
    jest.advanceTimersByTime(0);
    await settled();
    expect(model.getSnapshot().marks).toEqual([]);
    model.setVisibleRange('a', 1, 100, 200);
    jest.advanceTimersByTime(10000);
    expect(listLogTimes).toHaveBeenCalledTimes(1);
    for (let end = 210; end < 300; end += 10) {
      model.setVisibleRange('a', 1, 100, end);
      jest.advanceTimersByTime(100);
    }
    expect(listLogTimes).toHaveBeenCalledTimes(1);
    jest.advanceTimersByTime(1000);
    expect(listLogTimes).toHaveBeenCalledTimes(2);
    await settled();
    model.setVisibleRange('a', 1, 0, 290);
    jest.advanceTimersByTime(0);
    expect(listLogTimes).toHaveBeenCalledTimes(3);
  });

  it('does not tell of another run', async () => {
    const { model } = opened([[100, 1000]]);
    model.setVisibleRange('a', 1, 0, 50);
    jest.advanceTimersByTime(0);
    model.setVisibleRange('b', 1, 0, 50);
    await settled();
    expect(model.timeOf(0)).toBeNull();
    jest.advanceTimersByTime(0);
    await settled();
    expect(model.timeOf(0)).toBe(1000);
    model.dispose();
  });
});
