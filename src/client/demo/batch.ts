/** What the text of one value stands for: `0.1 | 0.01`, `1:4`, `log(a, b, n)`. */
import { Random } from './random';
import type { IPart, Value } from './values';
import {
  closeOf,
  fractionText,
  identityOf,
  isWhole,
  numberOf,
  ScanError,
  splitTop,
  valueOf
} from './values';

/** The tasks that one sweep may make. */
export const MOST_TASKS = 1000;

export type AxisKind =
  'product' | 'zip' | 'range' | 'log' | 'lin' | 'uniform' | 'choice';

/** One of the values that a text stands for. */
export interface ICandidate {
  readonly value: Value;
  /** As it was written, for names and tables. */
  readonly source: string;
  /** What stands in the configuration of a task. */
  readonly text: string;
  /** Equal for equal values of equal types. */
  readonly mark: string;
}

export interface IExpansion {
  readonly kind: AxisKind | 'fixed';
  readonly candidates: readonly ICandidate[];
  /** Of values in step: those of the same group advance together. */
  readonly group: string | null;
  readonly notice: string | null;
}

const NUMBER = String.raw`[-+]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?`;
export const RANGE = new RegExp(`^(${NUMBER}):(${NUMBER})(?::(${NUMBER}))?$`);
const TUPLE = /^\(\s*([-+]?\d+)\s*,\s*([-+]?\d+)\s*(?:,\s*([-+]?\d+)\s*)?\)$/;
const CALL = /^(log|lin|uniform|choice)\(/;
const CLOCK = /^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?$/;

/** What a value's text stands for; throws a `ScanError` with its place. */
export function expand(text: string, key: string): IExpansion {
  const tuple = TUPLE.exec(text);
  if (tuple) {
    return { ...NOTHING, kind: 'range', candidates: range(tuple) };
  }
  const group = groupOf(text);
  if (group) {
    const found = shifted(group.start, () => alternatives(group.inside, key));
    return { ...found, kind: 'zip', group: group.name };
  }
  return alternatives(text, key);
}

const NOTHING = { group: null, notice: null };

/** The inside of `(a | b)` or `name:(a | b)`, null for other text. */
export function groupOf(
  text: string
): { name: string; inside: string; start: number } | null {
  const match = /^(?:([A-Za-z_]\w*):)?\(/.exec(text);
  if (!match || closeOf(text, match[0].length - 1) !== text.length - 1) {
    return null;
  }
  const start = match[0].length;
  const inside = text.slice(start, -1);
  const bare = inside.trim();
  const isBatch =
    splitTop(inside, '|').length > 1 || RANGE.test(bare) || CALL.test(bare);
  return isBatch ? { name: match[1] ?? '', inside, start } : null;
}

function alternatives(text: string, key: string): IExpansion {
  const parts = splitTop(text, '|');
  if (parts.length === 1) {
    return alternative(parts[0].text, key, true);
  }
  const candidates = parts.flatMap(part => {
    if (part.text === '') {
      throw new ScanError(
        'a value is missing before or after a bar. Write null or "" for an empty value, \\| for a bar as text',
        part.start
      );
    }
    return alternativeAt(part, key).candidates;
  });
  return { ...NOTHING, kind: 'product', candidates };
}

function alternativeAt(part: IPart, key: string): IExpansion {
  return shifted(part.start, () => alternative(part.text, key, false));
}

function alternative(text: string, key: string, isAlone: boolean): IExpansion {
  const match = RANGE.exec(text);
  if (match) {
    const candidates = range(match);
    if (candidates.length > 0) {
      const notice = CLOCK.test(text)
        ? `${text} is a range of ${candidates.length} values. Quote it if it is a time.`
        : null;
      return { ...NOTHING, kind: 'range', candidates, notice };
    }
    if (!isAlone) {
      throw new ScanError(`the range ${text} is empty. Quote it if it is text`);
    }
    const notice = `${text} is read as text, because it would be an empty range. Quote it to hide this notice.`;
    return { ...NOTHING, kind: 'fixed', candidates: [fixed(text)], notice };
  }
  const call = callOf(text);
  if (call) {
    const candidates = shifted(call.start, () => called(call, key));
    return { ...NOTHING, kind: call.name, candidates };
  }
  if (text.startsWith('[')) {
    return listed(text, key);
  }
  return { ...NOTHING, kind: 'fixed', candidates: [fixed(text)] };
}

interface ICall {
  readonly name: 'log' | 'lin' | 'uniform' | 'choice';
  readonly start: number;
  readonly positional: readonly IPart[];
  readonly named: ReadonlyMap<string, string>;
}

/** The parts of `log(1e-5, 1e-1, 5)`, null for other text. */
export function callOf(text: string): ICall | null {
  const match = CALL.exec(text);
  if (!match || closeOf(text, match[0].length - 1) !== text.length - 1) {
    return null;
  }
  const start = match[0].length;
  const named = new Map<string, string>();
  const positional = splitTop(text.slice(start, -1), ',').filter(part => {
    const word = /^(n|seed)\s*=\s*(.*)$/.exec(part.text);
    if (word) {
      named.set(word[1], word[2]);
    }
    return !word;
  });
  return { name: match[1] as ICall['name'], start, positional, named };
}

function called(call: ICall, key: string): ICandidate[] {
  const { name, positional, named } = call;
  const seed = `${named.get('seed') ?? '0'}:${key}`;
  if (name === 'choice') {
    return chosen(call, seed, key);
  }
  const usage = `${name}(low, high, count${name === 'uniform' ? ', seed=1' : ''})`;
  const texts = positional.map(part => part.text);
  if (named.has('n')) {
    texts.push(named.get('n') ?? '');
  }
  if (texts.length === 2 && name !== 'lin') {
    throw new ScanError(
      `the count is missing. Write ${usage}. Only a study can use a range without a count`
    );
  }
  if (texts.length !== 3) {
    throw new ScanError(
      `${name}(...) needs 3 arguments. Write ${usage}. Quote the value if it is text`
    );
  }
  const [low, high] = endsOf(name, texts, usage);
  const count = countOf(texts[2], usage, MOST_TASKS);
  const random = new Random(seed);
  const inner = Array.from({ length: count }, (_, at) => {
    const part = count > 1 ? at / (count - 1) : 0;
    if (name === 'uniform') {
      return random.between(low, high);
    }
    return name === 'log'
      ? low * (high / low) ** part
      : low * (1 - part) + high * part;
  });
  const values = inner.map((value, at) =>
    name !== 'uniform' && at === count - 1 && count > 1
      ? high
      : Number(value.toPrecision(10))
  );
  const isAllWhole =
    isWhole(texts[0]) && isWhole(texts[1]) && values.every(Number.isInteger);
  return values.map(value => numeric(value, isAllWhole));
}

/** Both ends of a range; throws when one is not a number. */
export function endsOf(
  name: string,
  texts: readonly string[],
  usage: string
): [number, number] {
  const [low, high] = texts.slice(0, 2).map(text => {
    const value = numberOf(text);
    if (value === null) {
      throw new ScanError(
        `'${text}' is not a number. Write ${usage}. Quote the value if it is text`
      );
    }
    return value;
  });
  if (name === 'log' && (low <= 0 || high <= 0)) {
    throw new ScanError('both bounds of log(...) must be positive');
  }
  return [low, high];
}

function countOf(text: string, usage: string, most: number): number {
  const count = isWhole(text) ? Number(text) : 0;
  if (count < 1) {
    throw new ScanError(
      `the count '${text}' is not a positive whole number. Write ${usage}`
    );
  }
  if (count > most) {
    throw new ScanError(
      `the count ${text} is too large. The maximum is ${most}`
    );
  }
  return count;
}

function chosen(call: ICall, seed: string, key: string): ICandidate[] {
  const pool = call.positional.flatMap(part => {
    if (part.text === '') {
      throw new ScanError(
        'an argument is missing before or after a comma',
        part.start
      );
    }
    return alternativeAt(part, key).candidates;
  });
  const wanted = call.named.get('n');
  if (wanted === undefined) {
    return pool;
  }
  const count = countOf(wanted, 'choice(a, b, c, n=2, seed=1)', pool.length);
  const random = new Random(seed);
  return Array.from(
    { length: count },
    () => pool.splice(random.index(pool.length), 1)[0]
  );
}

/** The values of `start:stop[:step]`, its end left out. */
function range(match: RegExpExecArray): ICandidate[] {
  const texts = match.slice(1, 4).filter(text => text !== undefined);
  const isAllWhole = texts.every(isWhole);
  if (!isAllWhole && texts.length < 3) {
    throw new ScanError(
      `a range of fractions needs a step, as in ${match[1]}:${match[2]}:0.1. Quote the value if it is text`
    );
  }
  const [start, stop, step = 1] = texts.map(text => numberOf(text) ?? NaN);
  // A little less: 0.1:0.4:0.1 has three values, whatever binary makes of it.
  const count = step === 0 ? 0 : Math.ceil((stop - start) / step - 1e-9);
  if (count > MOST_TASKS) {
    throw new ScanError(
      `this alone makes ${count.toLocaleString('en')} values, but at most ${MOST_TASKS.toLocaleString('en')} tasks are allowed. Use fewer values`
    );
  }
  return Array.from({ length: Math.max(0, count) }, (_, at) =>
    numeric(Number((start + at * step).toPrecision(12)), isAllWhole)
  );
}

/** A list as a value; items with several values give their product. */
function listed(text: string, key: string): IExpansion {
  const items = splitTop(text.slice(1, -1), ',').filter(
    part => part.text !== ''
  );
  const options = items.map(part =>
    shifted(part.start + 1, () => alternatives(part.text, key).candidates)
  );
  let rows: ICandidate[][] = [[]];
  for (const option of options) {
    rows = rows.flatMap(row => option.map(one => [...row, one]));
    if (rows.length > MOST_TASKS) {
      throw new ScanError('this alone makes too many values');
    }
  }
  if (rows.length === 1) {
    return { ...NOTHING, kind: 'fixed', candidates: [fixed(text)] };
  }
  const candidates = rows.map(row =>
    fixed(`[${row.map(one => one.text).join(', ')}]`)
  );
  return { ...NOTHING, kind: 'product', candidates };
}

function fixed(text: string): ICandidate {
  const value = valueOf(text.replace(/\\\|/g, '|'));
  const isText = typeof value === 'string';
  const source = isText ? value : text;
  // A text with a bar in it would be swept when the task is a template.
  const written = isText && /[|]/.test(value) ? JSON.stringify(value) : text;
  return { value, source, text: written, mark: markOf(value, text) };
}

function numeric(value: number, isInteger: boolean): ICandidate {
  const text = isInteger ? String(value) : fractionText(value);
  return { value, source: text, text, mark: markOf(value, text) };
}

function markOf(value: Value, text: string): string {
  const isFraction = typeof value === 'number' && !isWhole(text);
  return identityOf(value) + (isFraction ? ' fraction' : '');
}

/** Do something to a part of a text; mistakes are placed in the whole. */
function shifted<T>(offset: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ScanError) {
      throw new ScanError(error.message, error.offset + offset);
    }
    throw error;
  }
}
