import { DIGITS, NESTED, SHELL, useDemo } from './demohelpers';

const demo = useDemo();

const find = async (query: string, ws = DIGITS) =>
  (await demo.client.listTasks(ws, { query, sort: 'name', order: 'asc' }))
    .items;

const count = async (query: string, ws = DIGITS) =>
  (await find(query, ws)).length;

describe('a search', () => {
  it.each([
    ['', 58],
    ['name:sweep_', 24],
    ['sweep_ -mlp', 12],
    ['sweep_ NOT model=mlp', 12],
    ['sweep_ model:mlp lr<0.05', 6],
    ['sweep_ lr:0.001..0.01', 12],
    ['sweep_ lr:..0.001', 6],
    ['sweep_ seed:0,2', 16],
    ['sweep_ seed!=1', 16],
    ['sweep_ config.lr>=0.3', 6],
    ['sweep_ status:failed', 2],
    ['sweep_ is:failed OR wide', 3],
    ['(baseline OR wide) epochs=40', 1],
    ['baseline\nepochs=300', 1],
    ['baseline OR wide\nepochs=300', 1],
    ['baseline AND epochs=300', 1],
    ['"loss is nan"', 0],
    ['message:"loss is nan" sweep_', 1],
    ['message:/epoch \\d+/ sweep_', 1],
    ['/sweep_0\\d/', 9],
    ['sweep_2*', 5],
    ['is:pinned', 2],
    ['tag:best', 1],
    ['tag:bes', 0],
    ['tag:"look again"', 1],
    ['note:slow', 1],
    ['has:note', 3],
    ['has:note,tag', 4],
    ['is:active -study:search', 10],
    ['study:search acc>=0.97 is:completed lr<0.05', 6],
    ['no:acc is:pending', 1],
    ['acc>=0.98', 3],
    ['baseline acc > 0.9', 1],
    ['hidden=[64] width', 3],
    ['hidden:[512,512]', 1],
    ['started<2m', 4],
    ['finished>20h', 1],
    ['duration>3m', 1],
    ['exit_code=1 sweep_', 2],
    ['gpu:0 is:running', 1],
    ['kind:shell', 0],
    ['sweep_01_model=mlp', 1]
  ])('%s', async (query, expected) => {
    expect(await count(query)).toBe(expected);
  });

  it('refuses aggregates of metrics instead of finding nothing', async () => {
    const refused = {
      code: 'demo',
      message: expect.stringContaining('aggregates')
    };
    await expect(find('sweep_ min(loss)<0.2')).rejects.toMatchObject(refused);
    await expect(
      demo.client.listTasks(DIGITS, { sort: 'best(acc)' })
    ).rejects.toMatchObject(refused);
    // Their columns stay empty.
    const { items } = await demo.client.listTasks(DIGITS, {
      fields: ['min(loss)']
    });
    expect(items.length).toBeGreaterThan(0);
    await expect(
      demo.client.defineMetric(DIGITS, { name: 'loss', goal: 'minimize' })
    ).rejects.toMatchObject({ code: 'demo' });
    expect(await count('min(loss)')).toBe(0);
  });

  it('finds keys by their end, and in other workspaces', async () => {
    expect(await count('lr>0.5', NESTED)).toBe(3);
    expect(await count('training.lr>0.5 l2=0.001', NESTED)).toBe(1);
    expect(await count('kind:shell is:failed', SHELL)).toBe(1);
  });

  it('says which field there is not', async () => {
    const { items, notices } = await demo.client.listTasks(DIGITS, {
      query: 'modl:mlp'
    });
    expect(items).toEqual([]);
    expect(notices).toMatchObject([
      {
        code: 'unknown_field',
        message: 'Unknown field `modl`. Did you mean `model`?',
        line: 1,
        column: 1
      }
    ]);
  });

  it.each([
    ['a (b', 'This parenthesis is never closed.', 1, 3],
    ['a)', "Unmatched ')'.", 1, 2],
    ['"a', 'This quote is never closed.', 1, 1],
    ['a OR', 'The term after OR is missing.', 1, 5],
    ['x\nstatus:faild', "Unknown status 'faild'. Did you mean failed?", 2, 1],
    ['lr<abc', "'<' needs a number or a duration (10m).", 1, 1],
    ['name<3', "`name` is text; '<' compares numbers and durations.", 1, 1],
    ['lr:', "The value after ':' is missing.", 1, 4]
  ])('is refused with its place: %s', async (query, message, line, column) => {
    await expect(find(query)).rejects.toMatchObject({
      status: 400,
      field: 'query',
      message,
      line,
      column
    });
  });

  it.each(['log:error', 'started>2026-11-01', 'finished:today'])(
    'tells that the demo knows only a part: %s',
    async query => {
      await expect(find(query)).rejects.toMatchObject({
        status: 400,
        field: 'query',
        message: expect.stringMatching(
          /^This is a demo: it supports only a part of the query syntax/
        )
      });
    }
  );
});

describe('a listing', () => {
  it('is sorted by several fields, pinned tasks first', async () => {
    const { items } = await demo.client.listTasks(DIGITS, {
      query: 'name:sweep_ is:completed',
      sort: 'model,-acc',
      order: 'asc'
    });
    expect(items[0].pinned).toBe(true);
    const rest = items.slice(1);
    const models = rest.map(item => item.swept.model);
    expect([...models].sort()).toEqual(models);
    const mlp = rest.filter(item => item.swept.model === 'mlp');
    const accuracies = mlp.map(item => item.figures.acc as number);
    expect([...accuracies].sort((a, b) => b - a)).toEqual(accuracies);
  });

  it('puts what has no value last, in either direction', async () => {
    for (const order of ['asc', 'desc'] as const) {
      const { items } = await demo.client.listTasks(DIGITS, {
        sort: 'duration',
        order,
        query: '-is:pinned'
      });
      const last = items[items.length - 1];
      expect(last.duration).toBeNull();
      expect(items[0].duration).not.toBeNull();
    }
  });

  it('comes in pages, with the values that are asked for', async () => {
    const query = { sort: 'name', order: 'asc' } as const;
    const all = await demo.client.listTasks(DIGITS, query);
    const page = await demo.client.listTasks(DIGITS, {
      ...query,
      offset: 10,
      limit: 5,
      fields: ['epochs', 'nobody']
    });
    expect(page.total).toBe(all.total);
    expect(page.items.map(item => item.name)).toEqual(
      all.items.slice(10, 15).map(item => item.name)
    );
    expect(page.items[0].values).toEqual({ epochs: 40 });
    expect(page.columns.swept).toEqual(
      expect.arrayContaining(['model', 'lr', 'seed'])
    );
    expect(page.typical_duration).toBeGreaterThan(60);
  });

  it('is given up when nobody wants it any more', async () => {
    const abort = new AbortController();
    abort.abort();
    await expect(
      demo.client.listTasks(DIGITS, {}, abort.signal)
    ).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('tells what there are values of', async () => {
    const { parameters, figures } = await demo.client.listColumns(DIGITS);
    expect(parameters.find(({ key }) => key === 'model')).toMatchObject({
      distinct: 2,
      swept: true
    });
    expect(figures.map(({ key }) => key)).toContain('best_acc');
  });
});

describe('groups', () => {
  it('fold the seed', async () => {
    const groups = await demo.client.groupTasks(DIGITS, {
      fold: ['seed'],
      query: 'name:sweep_',
      sort: 'config.lr',
      limit: 3
    });
    expect(groups).toMatchObject({ by: ['model', 'lr'], total: 8, tasks: 24 });
    expect(groups.items).toHaveLength(3);
    const [first] = groups.items;
    expect(first).toMatchObject({
      values: { model: 'mlp', lr: 0.001 },
      tasks: 3,
      counts: { completed: 3 },
      query: 'config.model="mlp" config.lr=0.001'
    });
    const {
      count: found,
      mean,
      deviation,
      least,
      greatest
    } = first.figures.acc;
    expect(found).toBe(3);
    expect(deviation).toBeGreaterThan(0);
    expect(mean).toBeGreaterThan(least);
    expect(mean).toBeLessThan(greatest);
  });
});
