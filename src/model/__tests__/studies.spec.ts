import type { StudyDetail, StudyImportance } from '../../client/types';
import { records, StudiesModel } from '../studies';
import { row } from './fake';
import { detail, study, trial } from './searches';

class Server {
  items = [study('s', { state: 'active' }), study('old')];
  details: Record<string, StudyDetail> = {
    s: detail([trial(1, 0.5), trial(2, null)], { state: 'active' }),
    old: detail([], { name: 'old' })
  };
  asked: string[] = [];
  changes: unknown[] = [];
  refuse = '';

  listStudies = async () => ({
    available: true,
    items: this.items,
    damaged: []
  });
  getStudy = async (ws: string, name: string) => {
    this.asked.push(name);
    return this.details[name];
  };
  importance: StudyImportance = {
    objective: 'acc',
    trials: 4,
    parameters: [{ key: 'lr', importance: 1 }],
    message: ''
  };
  weighed: unknown[] = [];
  getStudyImportance = async (ws: string, name: string, query: unknown) => {
    this.weighed.push([name, query]);
    return this.importance;
  };
  changeStudy = async (ws: string, name: string, change: unknown) => {
    if (this.refuse) {
      throw new Error(this.refuse);
    }
    this.changes.push([name, change]);
    return this.items[0];
  };
  removeStudy = async (ws: string, name: string) => {
    this.items = this.items.filter(item => item.name !== name);
  };
}

const settled = () => jest.advanceTimersByTimeAsync(0);

describe('StudiesModel', () => {
  let server: Server;
  let model: StudiesModel;

  beforeEach(async () => {
    jest.useFakeTimers();
    server = new Server();
    model = new StudiesModel({ client: server, ws: 'ws' });
    model.start();
    await settled();
  });
  afterEach(() => {
    model.dispose();
    jest.useRealTimers();
  });

  it('shows the newest one until another one is chosen', async () => {
    expect(model.getSnapshot().detail?.name).toBe('s');
    const found = await model.choose('old');
    expect(found?.name).toBe('old');
    expect(model.getSnapshot().detail?.name).toBe('old');
    expect(await model.choose('gone')).toBeNull();
  });

  it('asks again when a trial changed, and not for other tasks', async () => {
    server.asked = [];
    model.onTasksChanged({ changed: [row('other')], removed: ['more'] });
    await jest.advanceTimersByTimeAsync(1500);
    expect(server.asked).toEqual([]);
    const place = { name: 's', number: 2, pruned: null };
    model.onTasksChanged({ changed: [row('s_2', { study: place })] });
    model.onTasksChanged({ removed: ['s_1'] });
    await jest.advanceTimersByTimeAsync(1500);
    expect(server.asked).toEqual(['s']);
  });

  it('asks now and then while one is active, and then no more', async () => {
    server.asked = [];
    await jest.advanceTimersByTimeAsync(5500);
    expect(server.asked).toEqual(['s']);
    server.items = [study('s')];
    await jest.advanceTimersByTimeAsync(5500);
    server.asked = [];
    await jest.advanceTimersByTimeAsync(60_000);
    expect(server.asked).toEqual([]);
  });

  it('changes the study that is looked at, and tells a refusal', async () => {
    const stop = { action: 'stop' } as const;
    await model.change(stop);
    await model.change({ action: 'resume', n: 20 });
    expect(server.changes).toEqual([
      ['s', stop],
      ['s', { action: 'resume', n: 20 }]
    ]);
    server.refuse = 'no';
    await expect(model.change(stop)).rejects.toThrow('no');
    await model.remove();
    expect(model.getSnapshot().detail?.name).toBe('old');
  });

  it('knows where the best value became better', () => {
    const trials = [
      trial(1, 0.5),
      trial(2, 0.4),
      trial(3, 0.9, { state: 'pruned' }),
      trial(4, 0.6),
      trial(5, 0.8, { state: 'failed' }),
      trial(6, 0.1)
    ];
    const numbers = (found: StudyDetail, objective = 0) =>
      records(found, objective).map(each => each.number);
    expect(numbers(detail(trials))).toEqual([1, 4]);
    const objectives: StudyDetail['objectives'] = [
      { metric: 'loss', direction: 'minimize' },
      { metric: 'acc', direction: 'maximize' }
    ];
    expect(numbers(detail(trials, { objectives }))).toEqual([1, 2, 6]);
    const both = [
      trial(1, null, { state: 'complete', objective_values: [1, 3] }),
      trial(2, null, { state: 'complete', objective_values: [2, null] }),
      trial(3, null, {
        state: 'complete',
        objective_values: [0, 9],
        is_feasible: false
      }),
      trial(4, null, { state: 'complete', objective_values: [3, 4] }),
      // It will never have the metric of a constraint.
      trial(5, null, {
        state: 'complete',
        objective_values: [0, 9],
        is_feasible: null
      })
    ];
    expect(numbers(detail(both, { objectives }), 0)).toEqual([1]);
    expect(numbers(detail(both, { objectives }), 1)).toEqual([1, 4]);
  });

  it('loads the studies to compare with, as long as they exist', async () => {
    model.setCompared(['old', 's', 'gone']);
    await settled();
    const names = () => model.getSnapshot().compared.map(({ name }) => name);
    expect(names()).toEqual(['old']);
    model.setCompared(['old', 's', 'gone']);
    await settled();
    expect(server.asked).toEqual(['s', 's', 'old']);
    server.items = server.items.slice(0, 1);
    await jest.advanceTimersByTimeAsync(5000);
    expect(names()).toEqual([]);
  });

  it('loads the importance when it is shown and after more trials', async () => {
    expect(server.weighed).toEqual([]);
    model.setImportance(1);
    await settled();
    expect(model.getSnapshot().importance).toEqual(server.importance);
    expect(server.weighed).toEqual([['s', { objective: 1 }]]);
    await jest.advanceTimersByTimeAsync(60_000); // no more complete trials
    expect(server.weighed).toHaveLength(1);
    server.details.s = detail([trial(1, 0.5), trial(2, 0.6)]);
    await jest.advanceTimersByTimeAsync(5000);
    expect(server.weighed).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(15_000);
    expect(server.weighed).toHaveLength(2);
    // While that of another study is loaded, none is shown.
    server.items = [study('old')];
    server.getStudyImportance = () => new Promise(() => undefined);
    await jest.advanceTimersByTimeAsync(5000);
    expect(model.getSnapshot().detail?.name).toBe('old');
    expect(model.getSnapshot().importance).toBeNull();
    server.getStudyImportance = async (...args) => {
      server.weighed.push(args);
      return server.importance;
    };
    model.setImportance(null);
    expect(model.getSnapshot().importance).toBeNull();
    await model.choose('old');
    expect(server.weighed).toHaveLength(2);
  });

  it('reports why there is no importance', async () => {
    server.getStudyImportance = async () => {
      throw new Error('Install scikit-learn.');
    };
    model.setImportance(0);
    await settled();
    expect(model.getSnapshot().importance).toMatchObject({
      message: 'Install scikit-learn.'
    });
  });
});
