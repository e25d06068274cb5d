import type { SystemSample } from '../../client/types';
import { SystemModel } from '../system';
import { FakeClient } from './fake';

function sample(time: number): SystemSample {
  return {
    time,
    cpu: { percent: 1, cores: 2, limited: false, per_core: [1, 1], load: null },
    memory: { used: 1, total: 2, limited: false },
    disk: null,
    network: null,
    gpu_state: 'none',
    gpu_message: null,
    gpus: []
  };
}

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

describe('SystemModel', () => {
  it('is connected only while somebody watches', () => {
    const client = new FakeClient();
    const model = new SystemModel(client.asClient);
    expect(client.streamSystem).not.toHaveBeenCalled();
    const first = model.subscribe(() => undefined);
    const second = model.subscribe(() => undefined);
    expect(client.streamSystem).toHaveBeenCalledTimes(1);
    first();
    second();
    const third = model.subscribe(() => undefined);
    jest.advanceTimersByTime(20000);
    expect(client.systemStream?.isDisposed).toBe(false);
    third();
    jest.advanceTimersByTime(20000);
    expect(client.systemStream?.isDisposed).toBe(true);
    model.dispose();
  });

  it('keeps the latest samples, and the server knows the history', () => {
    const client = new FakeClient();
    const model = new SystemModel(client.asClient);
    model.subscribe(() => undefined);
    for (let time = 0; time < 400; time++) {
      client.system?.onSample(sample(time));
    }
    const { history, latest } = model.getSnapshot();
    expect(history).toHaveLength(300);
    expect(latest?.time).toBe(399);
    client.system?.onHistory([sample(500), sample(501)]);
    expect(model.getSnapshot().history).toHaveLength(2);
    model.dispose();
  });
});
