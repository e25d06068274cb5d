/** The parts that courses of training scripts have in common. */
import type { IFile, IOutput, IPoint } from './course';
import { clamp, rounded } from './course';
import { Random } from './random';

/** The goals of the metrics of these scripts. */
export const GOALS: Readonly<Record<string, 'minimize' | 'maximize'>> = {
  acc: 'maximize',
  best_acc: 'maximize',
  loss: 'minimize',
  train_loss: 'minimize'
};

/** How a model learns. */
export interface ILearning {
  readonly seed: string;
  readonly epochs: number;
  /** What it reaches after long training, and where it begins. */
  readonly ceiling: number;
  readonly chance: number;
  /** Epochs in which two thirds of the way are made. */
  readonly patience: number;
  /** How much accuracy jumps from epoch to epoch. */
  readonly noise: number;
  /** The epoch in which the loss is nan, 0 for never. */
  readonly diverges: number;
  /** The first epoch ends after `begin`, the others take `pace` each, in s. */
  readonly begin: number;
  readonly pace: number;
}

/** The points of a training up to its end, or up to where it diverges. */
export function learn(how: ILearning): IPoint[] {
  const random = new Random(`learn ${how.seed}`);
  const points: IPoint[] = [];
  const last = how.diverges || how.epochs;
  let at = how.begin;
  for (let epoch = 1; epoch <= last; epoch++) {
    at += how.pace * random.between(0.85, 1.15);
    const learned = 1 - Math.exp(-epoch / how.patience);
    const jump = random.normal() * how.noise * (0.3 + 0.7 * (1 - learned));
    const slip = how.diverges ? 0.5 * (epoch / how.diverges) ** 4 : 0;
    const accuracy = clamp(
      how.chance + (how.ceiling - how.chance) * (learned - slip) + jump,
      how.chance / 2,
      0.9995
    );
    const isLost = epoch === how.diverges;
    const loss = isLost
      ? NaN
      : 0.05 + 2.6 * (1 - accuracy) + Math.abs(random.normal()) * how.noise;
    const train = loss * (0.95 - 0.35 * learned) + 0.01 * random.next();
    points.push({
      at,
      values: {
        epoch,
        acc: rounded(isLost ? how.chance : accuracy),
        loss: rounded(loss),
        train_loss: rounded(train)
      }
    });
  }
  return points;
}

/** What a training records at its end. */
export function summary(points: readonly IPoint[]): Record<string, number> {
  const { acc, loss } = points[points.length - 1].values;
  const best = Math.max(...points.map(point => point.values.acc));
  return { acc, loss, best_acc: best };
}

const BAR = 24;

/** A progress bar that redraws itself while an epoch goes on. */
function progressBar(
  title: string,
  from: number,
  to: number,
  steps: number
): IOutput[] {
  const seconds = to - from;
  const draws = clamp(Math.round(seconds / 0.4), 3, 16);
  return Array.from({ length: draws + 1 }, (_, draw) => {
    const part = draw / draws;
    const done = Math.round(steps * part);
    const full = Math.round(BAR * part);
    const bar = '█'.repeat(full) + ' '.repeat(BAR - full);
    const percent = String(Math.round(100 * part)).padStart(3);
    const spent = clock(seconds * part);
    const rate = (steps / seconds).toFixed(2);
    return {
      at: from + seconds * part * 0.98,
      text: `\r${title}: ${percent}%|\x1b[32m${bar}\x1b[0m| ${done}/${steps} [${spent}, ${rate}it/s]`
    };
  });
}

function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const minutes = String(Math.floor(whole / 60)).padStart(2, '0');
  return `${minutes}:${String(whole % 60).padStart(2, '0')}`;
}

/** The lines that a training prints: a bar and a result for each epoch. */
export function trainingOutput(
  head: readonly string[],
  points: readonly IPoint[],
  options: { begin: number; epochs: number; steps: number }
): IOutput[] {
  const output = head.map((line, at) => ({
    at: (options.begin * (at + 1)) / (head.length + 1),
    text: `${line}\n`
  }));
  // A long training prints its steps, a short one draws a bar.
  const isLong = options.epochs >= 100;
  let from = options.begin;
  let best = 0;
  points.forEach(({ at, values }, index) => {
    const { epoch, train_loss, loss, acc } = values;
    if (isLong) {
      output.push(...stepLines(epoch, from, at, options.steps, train_loss));
    } else if (index % 5 === 0) {
      const bar = progressBar(`epoch ${epoch}`, from, at, options.steps);
      output.push(...bar, { at, text: '\n' });
    }
    const mark = acc > best ? '  \x1b[1;33mbest so far\x1b[0m' : '';
    output.push({
      at,
      text: `\x1b[36mepoch ${epoch}/${options.epochs}\x1b[0m  loss ${loss.toFixed(4)}  acc ${acc.toFixed(4)}${mark}\n`
    });
    from = at;
    best = Math.max(best, acc);
  });
  return output;
}

function stepLines(
  epoch: number,
  from: number,
  to: number,
  steps: number,
  loss: number
): IOutput[] {
  const shown = 10;
  return Array.from({ length: shown }, (_, at) => {
    const part = (at + 1) / (shown + 1);
    const step = Math.max(1, Math.round(steps * part));
    return {
      at: from + (to - from) * part,
      text: `\x1b[2m[epoch ${epoch}]\x1b[0m step ${step}/${steps}  train_loss ${(loss * (1.1 - 0.1 * part)).toFixed(4)}\n`
    };
  });
}

/** What a Python program prints when it dies. */
export function traceback(
  frames: readonly [string, number, string, string][],
  message: string
): string {
  const lines = frames.flatMap(([file, line, name, code]) => [
    `  File "${file}", line ${line}, in ${name}`,
    `    ${code}`
  ]);
  return [
    '\x1b[31mTraceback (most recent call last):\x1b[0m',
    ...lines,
    message,
    ''
  ].join('\n');
}

/** The files that a training leaves: a report and a picture of its loss. */
export function trainingFiles(
  points: readonly IPoint[],
  records: Readonly<Record<string, number>>
): IFile[] {
  return [
    {
      path: 'curves/loss.svg',
      type: 'image/svg+xml',
      text: () => picture(points)
    },
    {
      path: 'report.txt',
      type: 'text/plain',
      text: () =>
        Object.entries(records)
          .map(([key, value]) => `${key.padEnd(10)} ${value}`)
          .join('\n') + '\n'
    }
  ];
}

const WIDTH = 480;
const HEIGHT = 300;
const MARGIN = 40;

function picture(points: readonly IPoint[]): string {
  const losses = points
    .map(point => point.values.loss)
    .filter(loss => Number.isFinite(loss));
  const most = Math.max(...losses, 0.01);
  const line = losses
    .map((loss, at) => {
      const across = at / Math.max(1, losses.length - 1);
      const x = MARGIN + (WIDTH - 2 * MARGIN) * across;
      const y = HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (loss / most);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
  const [left, bottom] = [MARGIN, HEIGHT - MARGIN];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12">
  <rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>
  <path d="M${left} ${MARGIN}V${bottom}H${WIDTH - MARGIN}" fill="none" stroke="#888"/>
  <polyline points="${line}" fill="none" stroke="#1976d2" stroke-width="2"/>
  <text x="${WIDTH / 2}" y="${HEIGHT - 12}" text-anchor="middle">epoch</text>
  <text x="${MARGIN}" y="24">loss, from 0 to ${most.toFixed(3)}</text>
</svg>
`;
}
