/** The workspace of an argparse script that classifies handwritten digits. */
import type { Parameter } from '../types';
import type { ICourse, IGiven, IProject } from './course';
import { clamp, GIB, numberAt } from './course';
import { Random } from './random';
import {
  learn,
  summary,
  traceback,
  trainingFiles,
  trainingOutput
} from './training';
import type { Value, Values } from './values';
import { textOf } from './values';

const SCRIPT = '/home/demo/digits/train.py';
const TRAINING_IMAGES = 1347;

const TEMPLATE = `# Defaults of train.py

model: mlp  # a neural network or a linear model (one of mlp, sgd)
hidden: [32]  # units of each hidden layer (mlp only)
lr: 0.01  # learning rate
epochs: 40  # passes over the training images
batch_size: 64  # images a step
seed: 0  # seed of the split, the weights and the shuffling
augment: false  # also train on copies moved by one pixel
`;

function parameter(
  name: string,
  type: Parameter['type'],
  usual: Value,
  group: string,
  help: string,
  line: number
): Parameter {
  return {
    name,
    type,
    default: usual,
    required: false,
    help,
    group,
    choices: name === 'model' ? ['mlp', 'sgd'] : null,
    flags: [`--${name.replace('_', '-')}`],
    line,
    file: null
  };
}

const PARAMETERS = [
  parameter(
    'model',
    'choice',
    'mlp',
    'model',
    'a neural network or a linear model',
    29
  ),
  parameter(
    'hidden',
    'list',
    [32],
    'model',
    'units of each hidden layer (mlp only)',
    32
  ),
  parameter('lr', 'float', 0.01, 'training', 'learning rate', 37),
  parameter(
    'epochs',
    'int',
    40,
    'training',
    'passes over the training images',
    38
  ),
  parameter('batch_size', 'int', 64, 'training', 'images a step', 39),
  parameter(
    'seed',
    'int',
    0,
    'training',
    'seed of the split, the weights and the shuffling',
    40
  ),
  parameter(
    'augment',
    'bool',
    false,
    'data',
    'also train on copies moved by one pixel',
    45
  )
];

export const digits: IProject = {
  id: 'digits/_pyruns_/train',
  name: 'train',
  kind: 'script',
  path: 'digits',
  script: 'digits/train.py',
  template: TEMPLATE,
  parameters: {
    kind: 'argparse',
    parameters: PARAMETERS,
    problems: [],
    error: null
  },
  taskKind: 'python',
  usesGpu: true,
  command: (_, values) => [
    '/home/demo/env/bin/python',
    SCRIPT,
    ...words(values)
  ],
  course
};

function words(values: Values): string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const flag = `--${key.replace('_', '-')}`;
    if (typeof value === 'boolean') {
      return value ? [flag] : [];
    }
    return [flag, ...(Array.isArray(value) ? value : [value]).map(textOf)];
  });
}

/** What matters of a configuration for how well it learns. */
function settingsOf(values: Values) {
  const hidden = Array.isArray(values.hidden) ? values.hidden : [values.hidden];
  return {
    isLinear: values.model === 'sgd',
    units: hidden.reduce<number>((sum, one) => sum + (Number(one) || 0), 0),
    lr: Math.max(1e-9, numberAt(values, 'lr', 0.01)),
    epochs: clamp(Math.round(numberAt(values, 'epochs', 40)), 1, 2000),
    batch: Math.max(1, numberAt(values, 'batch_size', 64)),
    seed: numberAt(values, 'seed', 0),
    isAugmented: values.augment === true
  };
}

function course(given: IGiven): ICourse {
  const settings = settingsOf(given.values);
  const { isLinear, units, lr, epochs, batch, isAugmented } = settings;
  const seed = JSON.stringify(settings);
  const random = new Random(`digits ${seed}`);
  const best = isLinear ? -1.1 : -2 + 0.35 * Math.log10(batch / 64);
  const above = Math.log10(lr) - best;
  const ceiling =
    (isLinear ? 0.951 : 0.94 + 0.043 * (1 - Math.exp(-units / 40))) +
    (isAugmented ? 0.007 : 0) -
    (above > 0 ? 0.035 : 0.014) * above ** 2 +
    0.0035 * random.normal();
  const isUnstable = !isLinear && random.next() < (above - 1.2) / 0.9;
  const size = 0.6 + units / 200 + (isAugmented ? 0.6 : 0) + 16 / batch;
  const total = clamp(50 + epochs * size, 60, 230) * random.between(0.92, 1.08);
  const begin = 3;
  const pace = (total - begin) / epochs;
  const memory = (0.9 + (units * batch) / 800_000) * GIB;
  const points = learn({
    seed,
    epochs,
    ceiling: clamp(ceiling, 0.12, 0.992),
    chance: 0.1,
    patience: clamp(1.6 * 10 ** clamp(-0.6 * above, -0.4, 1.6), 0.8, 60),
    noise: 0.006 + 0.03 * Math.max(0, above),
    diverges: isUnstable ? 2 + random.index(Math.min(8, epochs)) : 0,
    begin,
    pace
  });
  const isFull = given.gpu !== null && (given.isCrowded || memory > 79 * GIB);
  const kept = isFull ? points.slice(0, given.isCrowded ? 3 : 0) : points;
  const failure = isFull
    ? outOfMemory(given, memory)
    : isUnstable
      ? diverged(points.length, lr)
      : null;
  const last = kept[kept.length - 1]?.at ?? begin;
  const head = [
    `${isLinear ? 'sgd' : 'mlp'}: ${TRAINING_IMAGES * (isAugmented ? 5 : 1)} training and 450 test images`,
    given.gpu === null
      ? 'device: cpu'
      : `\x1b[2mdevice: cuda:0 (NVIDIA H100 80GB HBM3, GPU ${given.gpu} of the machine)\x1b[0m`
  ];
  const records = failure ? {} : summary(points);
  const steps = Math.ceil(TRAINING_IMAGES / batch);
  return {
    seconds: last + 1,
    points: kept,
    planned: epochs,
    records,
    failure: failure && { exitCode: 1, message: failure.message },
    gpuMemory: Math.min(memory, 79 * GIB),
    gpuLoad: clamp(35 + units / 8 + 10 * Math.log2(batch / 16), 20, 97),
    output: () => [
      ...trainingOutput(head, kept, { begin, epochs, steps }),
      {
        at: last + 0.6,
        text: failure
          ? failure.text
          : `\x1b[1;32mdone: acc ${records.acc.toFixed(4)}\x1b[0m\n`
      }
    ],
    files: failure ? [] : trainingFiles(points, records)
  };
}

interface IFailure {
  readonly message: string;
  readonly text: string;
}

function outOfMemory({ gpu, isCrowded }: IGiven, memory: number): IFailure {
  const wanted = (isCrowded ? 2 : memory / GIB).toFixed(2);
  const message = `torch.OutOfMemoryError: CUDA out of memory. Tried to allocate ${wanted} GiB. GPU 0 has a total capacity of 79.10 GiB of which 1.12 GiB is free.${isCrowded ? ' Process 21734 has 76.40 GiB memory in use.' : ''}`;
  const text = traceback(
    [
      [SCRIPT, 104, '<module>', 'main()'],
      [SCRIPT, 88, 'main', 'loss = step(model, images[batch], labels[batch])'],
      [SCRIPT, 61, 'step', 'loss.backward()'],
      [
        '/home/demo/env/lib/python3.12/site-packages/torch/_tensor.py',
        647,
        'backward',
        'torch.autograd.backward('
      ]
    ],
    message
  );
  return { message, text: `GPU ${gpu} is full.\n${text}` };
}

function diverged(epoch: number, lr: number): IFailure {
  const message = `FloatingPointError: loss is nan in epoch ${epoch}: lower --lr (now ${lr})`;
  const text = traceback(
    [
      [SCRIPT, 104, '<module>', 'main()'],
      [SCRIPT, 92, 'main', 'check_finite(loss, epoch, arguments.lr)']
    ],
    message
  );
  return { message, text };
}
