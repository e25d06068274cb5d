/** What new tasks are called. */
import { closest } from './alike';
import { invalid } from './refusals';
import type { SweepPlan } from './sweep';

const FORBIDDEN = /[@<>:"/\\|?*\s]+/g;
const LONGEST_NAME = 200;
const LONGEST_VALUE = 40;
const PIECE = /\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+/g;
const FORMAT = /^(0?)(\d*)(?:\.(\d+))?([defgn%]?)$/i;

/** Throws with the rule that a task's name breaks. */
export function checkName(name: string): void {
  const forbidden = /[@<>:"/\\|?*]/.exec(name);
  const problem = !name
    ? 'it is empty'
    : name.length > LONGEST_NAME
      ? `it has ${name.length} characters, but at most ${LONGEST_NAME} are allowed`
      : name !== name.trim()
        ? 'it begins or ends with a space'
        : /^[.-]/.test(name)
          ? `it begins with '${name[0]}'`
          : name.endsWith('.')
            ? "it ends with '.'"
            : forbidden
              ? `the character '${forbidden[0]}' is not allowed`
              : null;
  if (problem) {
    throw invalid(`Invalid task name '${name}': ${problem}.`, {
      field: 'name'
    });
  }
}

/** Throws when the name of a single task is not legal, or taken. */
export function checkFreeName(name: string, taken: ReadonlySet<string>): void {
  checkName(name);
  if (taken.has(name)) {
    throw invalid(
      `A task named '${name}' already exists. Choose another name.`,
      { field: 'name' }
    );
  }
}

/** A name near another one that no task has. */
export function freeName(base: string, taken: ReadonlySet<string>): string {
  const stem = base.replace(/_\d+$/, '');
  let name = base;
  for (let number = 2; taken.has(name); number++) {
    name = `${stem}_${number}`;
  }
  return name;
}

/** One name for each configuration of a plan. */
export function sweepNames(
  plan: SweepPlan,
  name: string,
  taken: ReadonlySet<string>,
  workspace: string
): string[] {
  if (name.includes('{')) {
    return patternNames(plan, name, taken, workspace);
  }
  if (plan.count === 1) {
    checkFreeName(name, taken);
    return [name];
  }
  checkName(name);
  const first = nextNumber(`${name}_`, taken);
  const width = String(first + plan.count - 1).length;
  const short = shortKeys(plan.axes.map(axis => axis.leaf.key));
  return indices(plan.count).map(at => {
    const swept = plan
      .choice(at)
      .map((one, axis) => `${short[axis]}=${legal(one.source)}`);
    const number = String(first + at).padStart(width, '0');
    return cut(`${name}_${number}_${swept.join(',')}`);
  });
}

/** Keys without which the names of a pattern do not tell all tasks apart. */
export function leftOut(plan: SweepPlan, pattern: string): string[] {
  if (plan.count < 2 || !pattern.includes('{')) {
    return [];
  }
  const pieces = piecesOf(plan, pattern);
  if (pieces.some(piece => piece.kind === 'number')) {
    return [];
  }
  const named = new Set(pieces.map(piece => piece.kind === 'key' && piece.key));
  const groups = new Set(
    plan.axes
      .filter(axis => named.has(axis.leaf.key))
      .map(axis => axis.group ?? axis.leaf.key)
  );
  return plan.axes
    .filter(axis => !groups.has(axis.group ?? axis.leaf.key))
    .filter(axis => axis.candidates.length > 1)
    .map(axis => axis.leaf.key);
}

type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'number'; format: string; source: string }
  | { kind: 'workspace' }
  | { kind: 'key'; key: string; format: string; source: string };

function patternNames(
  plan: SweepPlan,
  pattern: string,
  taken: ReadonlySet<string>,
  workspace: string
): string[] {
  const pieces = piecesOf(plan, pattern);
  const [head] = pieces;
  const first =
    head?.kind === 'text' && pieces[1]?.kind === 'number'
      ? nextNumber(head.text, taken)
      : 1;
  const width = String(first + plan.count - 1).length;
  const used = new Set([...taken].map(name => name.toLowerCase()));
  return indices(plan.count).map(at => {
    const choice = plan.choice(at);
    const texts = pieces.map(piece => {
      switch (piece.kind) {
        case 'text':
          return piece.text;
        case 'workspace':
          return legal(workspace);
        case 'number':
          return piece.format
            ? formatted(first + at, '', piece)
            : String(first + at).padStart(width, '0');
        case 'key': {
          const axis = plan.axes.findIndex(one => one.leaf.key === piece.key);
          const one = axis < 0 ? plan.fixedValue(piece.key) : choice[axis];
          return legal(formatted(one?.value, one?.source ?? '', piece));
        }
      }
    });
    const name = cut(texts.join('').trim());
    checkName(name);
    if (plan.count === 1) {
      checkFreeName(name, taken);
      return name;
    }
    let final = name;
    for (let number = 2; used.has(final.toLowerCase()); number++) {
      final = `${name}_${number}`;
    }
    used.add(final.toLowerCase());
    return final;
  });
}

function piecesOf(plan: SweepPlan, pattern: string): Piece[] {
  return [...pattern.matchAll(PIECE)].map(match => {
    const [source, inside] = match;
    if (source === '{{' || source === '}}') {
      return { kind: 'text', text: source[0] };
    }
    if (inside === undefined) {
      if (source === '{' || source === '}') {
        throw unusable(
          `the brace at character ${match.index + 1} has no matching brace. Write ${source + source} for a literal brace`
        );
      }
      return { kind: 'text', text: source };
    }
    return fieldOf(plan, inside, source);
  });
}

function fieldOf(plan: SweepPlan, inside: string, source: string): Piece {
  const colon = inside.indexOf(':');
  const name = (colon < 0 ? inside : inside.slice(0, colon)).trim();
  const format = colon < 0 ? '' : inside.slice(colon + 1);
  if (format && !FORMAT.test(format)) {
    throw unusable(
      `'${format}' in ${source} is not a number format. Use, for example, {n:03} or {lr:.0e}`
    );
  }
  const swept = plan.axes.map(axis => axis.leaf.key);
  const all = plan.document.leaves.map(leaf => leaf.key);
  const keys = [...swept, ...all.filter(key => !swept.includes(key))];
  if (!keys.includes(name) && name === 'n') {
    return { kind: 'number', format, source };
  }
  if (!keys.includes(name) && name === 'name') {
    return { kind: 'workspace' };
  }
  const ends = keys.filter(key => key === name || key.endsWith(`.${name}`));
  const exact = keys.includes(name) ? [name] : ends;
  if (exact.length > 1) {
    const told = exact.map(key => `{${key}}`).join(', ');
    throw unusable(`${source} is ambiguous. Write ${told}`);
  }
  if (exact.length === 0) {
    const [near] = closest(name, keys);
    const known = ['n', ...keys].map(key => `{${key}}`).join(', ');
    throw unusable(
      `unknown key '${name}'. ${near ? `Did you mean {${near}}?` : `Use ${known}`}`
    );
  }
  return { kind: 'key', key: exact[0], format, source };
}

/** A value in Python's notation for formats, as far as names need it. */
function formatted(
  value: unknown,
  text: string,
  { format, source }: { format: string; source: string }
): string {
  if (!format) {
    return text;
  }
  const match = FORMAT.exec(format);
  if (!match || typeof value !== 'number') {
    throw unusable(
      `the format '${format}' of ${source} does not fit the value ${text}`
    );
  }
  const [, zero, width, digits, letter] = match;
  const places = digits === undefined ? 6 : Number(digits);
  const written =
    letter === 'e'
      ? value
          .toExponential(places)
          .replace(/e([-+])(\d)$/, (_, sign, digit) => `e${sign}0${digit}`)
      : letter === '%'
        ? `${(100 * value).toFixed(places)}%`
        : letter === 'f'
          ? value.toFixed(places)
          : letter === 'g'
            ? String(Number(value.toPrecision(Math.max(1, places))))
            : digits === undefined
              ? String(value)
              : value.toPrecision(Math.max(1, places));
  return written.padStart(Number(width || 0), zero ? '0' : ' ');
}

/** Dotted keys by the fewest last parts that are unique. */
function shortKeys(keys: readonly string[]): string[] {
  const ends = (key: string, size: number) =>
    key.split('.').slice(-size).join('.');
  return keys.map(key => {
    let size = 1;
    while (
      size < key.split('.').length &&
      keys.filter(other => ends(other, size) === ends(key, size)).length > 1
    ) {
      size++;
    }
    return ends(key, size);
  });
}

/** The number after the highest one that follows a text in a name. */
function nextNumber(before: string, taken: ReadonlySet<string>): number {
  const numbers = [...taken].map(name =>
    name.startsWith(before)
      ? Number(/^\d{1,9}(?!\d)/.exec(name.slice(before.length))?.[0] ?? 0)
      : 0
  );
  return Math.max(0, ...numbers) + 1;
}

/** What a name may not hold is replaced, what nobody would read is cut. */
function legal(text: string): string {
  const clean = text
    .replace(/, /g, ',')
    .replace(/^[@<>:"/\\|?*\s]+|[@<>:"/\\|?*\s]+$/g, '')
    .replace(FORBIDDEN, '-');
  return clean.length > LONGEST_VALUE
    ? `${clean.slice(0, LONGEST_VALUE - 1)}…`
    : clean || '-';
}

function cut(name: string): string {
  const short =
    name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
  return short.replace(/[ .]+$/, '');
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at);
}

function unusable(message: string) {
  const end = /[?.]$/.test(message) ? '' : '.';
  return invalid(`Invalid name pattern: ${message}${end}`, {
    field: 'name'
  });
}
