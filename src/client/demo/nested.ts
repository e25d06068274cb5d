/** The workspace of a script that reads a nested configuration by itself. */
import type { Parameter } from '../types';
import type { ICourse, IGiven, IProject } from './course';
import { clamp, GIB, numberAt } from './course';
import { Random } from './random';
import { learn, summary, trainingFiles, trainingOutput } from './training';
import { isWhole, valueOf } from './values';
import { readDocument } from './yaml';

const TEMPLATE = `# The defaults of train.py. Every value may be swept: \`lr: 0.1 | 0.3 | 1.0\`
seed: 0
data:
  samples: 2000
  features: 12
  noise: 0.3 # how often a label is drawn against the rule, 0 to 1
model:
  bias: true
  l2: 0.001 # strength of the weight penalty
training:
  lr: 0.3
  momentum: 0.9
  epochs: 15
  pace: 0.2 # seconds to sleep after each epoch, so that there is something to watch
`;

/** What the template holds is what the script takes. */
function parametersOf(text: string): Parameter[] {
  const lines = text.split('\n');
  return readDocument(text).leaves.map(leaf => ({
    name: leaf.key,
    type:
      leaf.source === 'true' || leaf.source === 'false'
        ? 'bool'
        : isWhole(leaf.source)
          ? 'int'
          : 'float',
    default: valueOf(leaf.source),
    required: false,
    help: /\s# (.*)$/.exec(lines[leaf.line - 1])?.[1] ?? '',
    group: leaf.key.split('.').slice(0, -1).join('.'),
    choices: null,
    flags: [],
    line: leaf.line,
    file: null
  }));
}

export const nested: IProject = {
  id: 'nested/_pyruns_/train',
  name: 'train',
  kind: 'script',
  path: 'nested',
  script: 'nested/train.py',
  template: TEMPLATE,
  parameters: {
    kind: 'load',
    parameters: parametersOf(TEMPLATE),
    problems: [],
    error: null
  },
  taskKind: 'python',
  usesGpu: false,
  command: () => ['/home/demo/env/bin/python', '/home/demo/nested/train.py'],
  course
};

function course({ values }: IGiven): ICourse {
  const noise = clamp(numberAt(values, 'data.noise', 0.3), 0, 1);
  const l2 = Math.max(1e-9, numberAt(values, 'model.l2', 0.001));
  const momentum = clamp(numberAt(values, 'training.momentum', 0.9), 0, 0.999);
  const lr = Math.max(1e-9, numberAt(values, 'training.lr', 0.3));
  const epochs = clamp(
    Math.round(numberAt(values, 'training.epochs', 15)),
    1,
    2000
  );
  const samples = Math.max(10, numberAt(values, 'data.samples', 2000));
  const seed = JSON.stringify(values);
  const random = new Random(`nested ${seed}`);
  const above = Math.log10(lr / (1 - momentum)) - 0.5;
  const ceiling =
    1 -
    noise / 2 -
    0.012 * above ** 2 -
    0.006 * (Math.log10(l2) + 3) ** 2 -
    6 / samples +
    0.004 * random.normal();
  const begin = 1.5;
  const total = clamp(60 + 2 * epochs, 60, 200) * random.between(0.9, 1.1);
  const points = learn({
    seed,
    epochs,
    ceiling: clamp(ceiling, 0.55, 0.995),
    chance: 0.5,
    patience: clamp(2.5 * 10 ** (-0.5 * above), 0.7, 40),
    noise: 0.008 + 0.02 * Math.max(0, above),
    diverges: 0,
    begin,
    pace: (total - begin) / epochs
  });
  const records = summary(points);
  const head = [`${samples} samples, half of them for training`];
  const last = points[points.length - 1].at;
  return {
    seconds: last + 0.8,
    points,
    planned: epochs,
    records,
    failure: null,
    gpuMemory: 0.7 * GIB,
    gpuLoad: 25,
    output: () => [
      ...trainingOutput(head, points, { begin, epochs, steps: 20 }),
      { at: last + 0.4, text: `done: acc ${records.acc.toFixed(4)}\n` }
    ],
    files: trainingFiles(points, records)
  };
}
