import type { Preview, PreviewRequest } from '../types';
import { DIGITS, NESTED, SHELL, useDemo } from './demohelpers';

const demo = useDemo();

const preview = (
  text: string,
  more: Partial<PreviewRequest> = {},
  ws = DIGITS
): Promise<Preview> =>
  demo.client.previewSweep(ws, { text, name: 'x', ...more });

const names = async (text: string, name = 'x', ws = DIGITS) =>
  (await preview(text, { name }, ws)).rows.map(row => row.name);

const values = async (text: string, key: string) =>
  (await preview(text)).rows.map(row => row.values[key]);

describe('the preview of a sweep', () => {
  it('combines values, the last key fastest', async () => {
    expect(await preview('lr: 0.1 | 0.01\nseed: 0:3\n')).toEqual({
      count: 6,
      duplicates: 0,
      axes: [
        {
          key: 'lr',
          kind: 'product',
          count: 2,
          values: ['0.1', '0.01'],
          line: 1
        },
        {
          key: 'seed',
          kind: 'range',
          count: 3,
          values: ['0', '1', '2'],
          line: 2
        }
      ],
      rows: [
        ['x_1_lr=0.1,seed=0', 0.1, 0],
        ['x_2_lr=0.1,seed=1', 0.1, 1],
        ['x_3_lr=0.1,seed=2', 0.1, 2],
        ['x_4_lr=0.01,seed=0', 0.01, 0],
        ['x_5_lr=0.01,seed=1', 0.01, 1],
        ['x_6_lr=0.01,seed=2', 0.01, 2]
      ].map(([name, lr, seed]) => ({ name, values: { lr, seed } })),
      errors: [],
      notices: []
    });
  });

  it.each([
    ['seed: 0:10:2', 'seed', [0, 2, 4, 6, 8]],
    ['seed: 5:0:-1', 'seed', [5, 4, 3, 2, 1]],
    ['seed: (0, 3)', 'seed', [0, 1, 2]],
    ['lr: 0.1:0.5:0.1', 'lr', [0.1, 0.2, 0.3, 0.4]],
    ['seed: 1:4 | 7', 'seed', [1, 2, 3, 7]],
    ['lr: log(1e-4, 1e-1, 4)', 'lr', [0.0001, 0.001, 0.01, 0.1]],
    ['lr: lin(0, 1, 5)', 'lr', [0, 0.25, 0.5, 0.75, 1]],
    ['lr: choice(0.1, 0.2, 0.3)', 'lr', [0.1, 0.2, 0.3]],
    ['hidden: [64, 32] | [128]', 'hidden', [[64, 32], [128]]],
    [
      'hidden: [32 | 64, 10]',
      'hidden',
      [
        [32, 10],
        [64, 10]
      ]
    ]
  ])('expands %s', async (text, key, expected) => {
    expect(await values(text, key)).toEqual(expected);
  });

  it('draws the same random numbers for the same seed', async () => {
    const drawn = await values('lr: uniform(0, 1, 4, seed=2)', 'lr');
    expect(drawn).toHaveLength(4);
    expect(await values('lr: uniform(0, 1, 4, seed=2)', 'lr')).toEqual(drawn);
    expect(await values('lr: uniform(0, 1, 4)', 'lr')).not.toEqual(drawn);
  });

  it('lets values in step advance together, behind all others', async () => {
    expect(
      await names('lr: (0.1 | 0.2)\nmodel: mlp | sgd\nseed: (1 | 2)\n')
    ).toEqual([
      'x_1_lr=0.1,model=mlp,seed=1',
      'x_2_lr=0.2,model=mlp,seed=2',
      'x_3_lr=0.1,model=sgd,seed=1',
      'x_4_lr=0.2,model=sgd,seed=2'
    ]);
    expect(await names('lr: a:(0.1 | 0.2)\nseed: b:(1 | 2)\n')).toHaveLength(4);
  });

  it('makes equal configurations once, and says so', async () => {
    const found = await preview('lr: 0.1 | 0.1 | 1e-1\nmodel: mlp | sgd\n');
    expect(found).toMatchObject({ count: 2, duplicates: 4 });
    expect(found.notices?.[0]).toMatchObject({
      message:
        'lr=0.1 occurs 3 times. Equal configurations make one task (6 become 2).',
      field: 'lr',
      line: 1,
      column: 5
    });
    const mixed = 'seed: 1 | 1.0 | true | "1"\n';
    expect((await preview(mixed, {}, NESTED)).count).toBe(4);
  });

  it('reads nested keys, and keeps the text around values', async () => {
    const text =
      'training: # how\n  lr: 0.1 | 0.2 # fast\n  epochs: 5\nname: "a | b" # no sweep\n';
    expect(await names(text, 'x', NESTED)).toEqual([
      'x_1_lr=0.1',
      'x_2_lr=0.2'
    ]);
    await demo.client.createTasks(NESTED, { text, name: 'x' });
    const { config, task } = await demo.client.getTask(NESTED, 'x_2_lr=0.2');
    expect(config).toBe(
      'training: # how\n  lr: 0.2 # fast\n  epochs: 5\nname: "a | b" # no sweep\n'
    );
    expect(task.swept).toEqual({ 'training.lr': 0.2 });
  });

  it.each([
    [
      'modell: mlp',
      'The script has no argument modell. Did you mean model?',
      'modell',
      9
    ],
    ['lr: abc', "lr: --lr expects a number, got 'abc'.", 'lr', 5],
    [
      'epochs: 1.5',
      'epochs: --epochs expects an integer, got 1.5.',
      'epochs',
      9
    ],
    [
      'model: foo',
      "model: --model expects one of mlp, sgd, got 'foo'.",
      'model',
      8
    ],
    [
      'augment: maybe',
      "augment: --augment is a boolean flag. Write true or false, not 'maybe'.",
      'augment',
      10
    ],
    [
      'seed: true',
      'seed: --seed expects a value of type int, not a boolean. Quote true to pass it as a string.',
      'seed',
      7
    ],
    [
      'model: [mlp, sgd]',
      'model: --model expects a single value, not a list.',
      'model',
      8
    ],
    [
      'lr: 0.1 |',
      'A value is missing before or after a bar. Write null or "" for an empty value, \\| for a bar as text.',
      'lr',
      10
    ],
    [
      'lr: log(1e-4,1e-1)',
      'The count is missing. Write log(low, high, count). Only a study can use a range without a count.',
      'lr',
      9
    ],
    [
      'lr 0.1',
      "A configuration must consist of 'key: value' lines, but this is a single value or a list.",
      'yaml',
      1
    ]
  ])('refuses %s as the server does', async (text, message, field, column) => {
    const { errors, count } = await preview(text);
    expect(count).toBe(0);
    expect(errors).toEqual([
      { code: 'invalid_input', message, field, line: 1, column }
    ]);
  });

  it('tells everything that is wrong at once, in the order of the text', async () => {
    const text = 'lr: (0.1 | 0.2)\nseed: (1 | 2 | 3)\nfoo: 1\nlr: 3\n';
    const { errors } = await preview(text, { name: 'a b@' });
    expect(errors.map(({ field, line }) => [field, line ?? null])).toEqual([
      ['seed', 2],
      ['foo', 3],
      ['lr', 4],
      ['name', null]
    ]);
    await expect(
      demo.client.createTasks(DIGITS, { text, name: 'x' })
    ).rejects.toMatchObject({ status: 400, errors: { length: 3 } });
  });

  it('refuses more tasks than are made at once', async () => {
    const { errors } = await preview('seed: 0:100\nepochs: 1:100\n');
    expect(errors[0].message).toMatch(
      /^This configuration makes 9,900 tasks, but at most 1,000/
    );
  });

  it('shows a part of many', async () => {
    const { rows, count } = await preview('seed: 0:100', {
      offset: 50,
      limit: 2
    });
    expect(count).toBe(100);
    expect(rows.map(row => row.name)).toEqual([
      'x_051_seed=50',
      'x_052_seed=51'
    ]);
  });

  it('takes a shell script as it is', async () => {
    const found = await preview('echo a | b\nx: 1 | 2\n', {}, SHELL);
    expect(found).toMatchObject({ count: 1, axes: [], rows: [{ name: 'x' }] });
    const { errors } = await preview(' \n', {}, SHELL);
    expect(errors).toMatchObject([
      { message: 'The shell script is empty. Enter at least one command.' }
    ]);
  });
});

describe('names', () => {
  it('are made by patterns', async () => {
    const text = 'lr: 0.1 | 0.01\nseed: 1 | 2\n';
    expect(await names(text, '{lr:.0e}-{seed}')).toEqual([
      '1e-01-1',
      '1e-01-2',
      '1e-02-1',
      '1e-02-2'
    ]);
    expect(await names(text, '{name}_{n:03}{{}}')).toEqual([
      'train_001{}',
      'train_002{}',
      'train_003{}',
      'train_004{}'
    ]);
  });

  it('are numbered where they are equal', async () => {
    const { rows, notices } = await preview('lr: 0.1 | 0.2\nseed: 1 | 2\n', {
      name: '{lr}'
    });
    expect(rows.map(row => row.name)).toEqual(['0.1', '0.1_2', '0.2', '0.2_2']);
    expect(notices?.[0].message).toBe(
      'The name pattern gives several tasks the same name, so numbers are appended. Add {seed} or {n} to the pattern.'
    );
  });

  it.each([
    ['{lrr}', "unknown key 'lrr'. Did you mean {lr}?"],
    ['{seed}-{n}', "unknown key 'seed'. Use {n}, {lr}."],
    [
      '{lr',
      'the brace at character 1 has no matching brace. Write {{ for a literal brace.'
    ]
  ])('are refused: %s', async (name, message) => {
    const { errors } = await preview('lr: 0.1 | 0.2', { name });
    expect(errors).toMatchObject([
      {
        message: `Invalid name pattern: ${message}`,
        field: 'name'
      }
    ]);
  });

  it('go on after those that are taken', async () => {
    const text = 'lr: 0.1 | 0.2';
    await demo.client.createTasks(DIGITS, { text, name: 'x' });
    expect(await names(text)).toEqual(['x_3_lr=0.1', 'x_4_lr=0.2']);
    const { errors } = await preview('lr: 0.1', { name: 'baseline' });
    expect(errors[0].message).toBe(
      "A task named 'baseline' already exists. Choose another name."
    );
  });

  it('of templates are free', async () => {
    const { text, name } = await demo.client.getTemplate(DIGITS, {
      task: 'baseline'
    });
    expect(text).toContain('epochs: 300');
    expect(name).toBe('baseline_2');
    expect((await demo.client.getTemplate(DIGITS)).name).toBe('train');
    const { parameters } = await demo.client.getParameters(NESTED);
    expect(parameters.map(one => one.name)).toContain('training.momentum');
  });
});
