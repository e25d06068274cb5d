import { ClientError } from '../../client/errors';
import { Model } from '../model';

interface IState {
  readonly value: string;
  readonly error: string;
}

/** Answers come when the test gives them. */
class TestModel extends Model<IState> {
  constructor() {
    super({ value: '', error: '' });
  }

  asked: {
    signal: AbortSignal;
    answer: (value: string) => void;
    fail: (error: Error) => void;
  }[] = [];

  read(): Promise<void> {
    return this.fetch(
      'value',
      signal =>
        new Promise<string>((answer, fail) =>
          this.asked.push({ signal, answer, fail })
        ),
      value => this.update({ value, error: '' }),
      error => {
        this.update({ error: error.message });
        this.retryAfter('value', 3000, () => this.read());
      }
    );
  }

  readSoon(delay = 500): void {
    this.schedule('value', delay, () => this.read());
  }

  readWhenQuiet(): void {
    this.debounce('value', 500, () => this.read());
  }

  holds(resource: { dispose(): void }): void {
    this.own(resource);
  }

  change(ask: () => Promise<string>): Promise<string> {
    return this.send(ask);
  }
}

const settled = () => jest.advanceTimersByTimeAsync(0);

describe('Model', () => {
  let model: TestModel;
  beforeEach(() => {
    jest.useFakeTimers();
    model = new TestModel();
  });
  afterEach(() => {
    model.dispose();
    jest.useRealTimers();
  });

  it('takes the answer to the newest request only', async () => {
    const first = model.read();
    const second = model.read();
    expect(model.asked[0].signal.aborted).toBe(true);
    model.asked[1].answer('new');
    model.asked[0].answer('old');
    await Promise.all([first, second]);
    expect(model.getSnapshot().value).toBe('new');

    void model.read();
    void model.read();
    model.asked[2].fail(new Error('superseded'));
    await settled();
    expect(model.getSnapshot().error).toBe('');
  });

  it('gathers changes, and brings a read forward when it is urgent', async () => {
    model.readSoon();
    await jest.advanceTimersByTimeAsync(400);
    model.readSoon();
    await jest.advanceTimersByTimeAsync(100);
    expect(model.asked).toHaveLength(1);
    model.asked[0].answer('a');
    await settled();

    model.readSoon(5000);
    model.readSoon(100);
    await jest.advanceTimersByTimeAsync(100);
    model.asked[1].answer('b');
    await jest.advanceTimersByTimeAsync(10_000);
    expect(model.asked).toHaveLength(2);
  });

  it('waits for a pause in what is debounced', async () => {
    for (let at = 0; at < 5; at++) {
      model.readWhenQuiet();
      await jest.advanceTimersByTimeAsync(400);
    }
    expect(model.asked).toHaveLength(0);
    await jest.advanceTimersByTimeAsync(100);
    expect(model.asked).toHaveLength(1);
  });

  it('asks a slow server once, however much changes meanwhile', async () => {
    void model.read();
    for (let at = 0; at < 50; at++) {
      model.readSoon();
      await jest.advanceTimersByTimeAsync(200);
    }
    expect(model.asked).toHaveLength(1);
    model.asked[0].answer('first');
    await settled();
    expect(model.getSnapshot().value).toBe('first');
    expect(model.asked).toHaveLength(2);
    model.asked[1].answer('second');
    await jest.advanceTimersByTimeAsync(10_000);
    expect(model.asked).toHaveLength(2);
  });

  it('does not wait for ever for an answer, as after the computer slept', async () => {
    const hung = model.read();
    await jest.advanceTimersByTimeAsync(1000);
    jest.setSystemTime(Date.now() + 3_600_000);
    model.readSoon();
    await jest.advanceTimersByTimeAsync(500);
    expect(model.asked).toHaveLength(2);
    expect(model.asked[0].signal.aborted).toBe(true);
    model.asked[1].answer('awake');
    model.asked[0].answer('asleep');
    await hung;
    expect(model.getSnapshot().value).toBe('awake');

    void model.read();
    model.readSoon();
    await jest.advanceTimersByTimeAsync(29_000);
    expect(model.asked).toHaveLength(3);
    await jest.advanceTimersByTimeAsync(2000);
    expect(model.asked).toHaveLength(4);
  });

  it('pauses after a failure, whatever changes, unless it is asked', async () => {
    void model.read();
    model.asked[0].fail(new Error('gone'));
    await settled();
    expect(model.getSnapshot().error).toBe('gone');
    for (let at = 0; at < 14; at++) {
      model.readSoon();
      await jest.advanceTimersByTimeAsync(200);
    }
    expect(model.asked).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(200);
    expect(model.asked).toHaveLength(2);
    model.asked[1].fail(new Error('gone'));
    await settled();
    void model.read();
    model.asked[2].answer('back');
    await jest.advanceTimersByTimeAsync(10_000);
    expect(model.asked).toHaveLength(3);
    expect(model.getSnapshot()).toEqual({ value: 'back', error: '' });
  });

  it('hears, does and holds nothing after it was disposed', async () => {
    const resource = { dispose: jest.fn() };
    const listener = jest.fn();
    model.holds(resource);
    model.subscribe(listener);
    const reading = model.read();
    model.dispose();
    model.dispose();
    expect(resource.dispose).toHaveBeenCalledTimes(1);
    expect(model.asked[0].signal.aborted).toBe(true);
    model.asked[0].answer('late');
    await reading;
    await model.read();
    model.readSoon();
    model.readWhenQuiet();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(model.asked).toHaveLength(1);
    expect(listener).not.toHaveBeenCalled();
    model.holds(resource);
    expect(resource.dispose).toHaveBeenCalledTimes(2);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('calls its listeners only for a change', async () => {
    const listener = jest.fn();
    model.subscribe(listener);
    void model.read();
    model.asked[0].answer('');
    await settled();
    expect(listener).not.toHaveBeenCalled();
  });

  it('refuses with a sentence, whatever went wrong', async () => {
    const refused = model.change(() => Promise.reject(new Error('No.')));
    await expect(refused).rejects.toBeInstanceOf(ClientError);
  });
});
