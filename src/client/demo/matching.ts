/** From the terms of a search to what tells whether a task matches. */
import type { FieldError } from '../types';
import { closest } from './alike';
import type { Fields, IField } from './fields';
import { isIn } from './fields';
import { durationOf } from './options';
import type { Operand, Operator, Term } from './query';
import { wrongAt } from './query';
import { beyondDemo } from './refusals';
import type { ITask } from './task';
import { STATUSES } from './task';
import { numberOf, textOf } from './values';

export type Check = (task: ITask) => boolean;

const KINDS = ['python', 'shell'];
const STATES = ['pinned', 'damaged', 'active', ...STATUSES, ...KINDS];

/** Binds the terms of one search; `notices` is what is to be said about it. */
export class Matcher {
  constructor(text: string, fields: Fields) {
    this._text = text;
    this._fields = fields;
  }

  readonly notices: FieldError[] = [];

  check(term: Term): Check {
    switch (term.kind) {
      case 'and': {
        const checks = term.terms.map(one => this.check(one));
        return task => checks.every(check => check(task));
      }
      case 'or': {
        const checks = term.terms.map(one => this.check(one));
        return task => checks.some(check => check(task));
      }
      case 'not': {
        const check = this.check(term.term);
        return task => !check(task);
      }
      case 'text': {
        const test = partTest(term.operand);
        return task => textsOf(task).some(test);
      }
      case 'comparison':
        return this._comparison(term);
    }
  }

  private _comparison(term: Term & { kind: 'comparison' }): Check {
    const { key, operator, operands, at } = term;
    const lower = key.toLowerCase();
    if (lower === 'log') {
      throw beyondDemo(
        'it supports only a part of the query syntax, and does not search logs of all tasks. Open a log and search there.',
        'query'
      );
    }
    if (operator === ':' && (lower === 'has' || lower === 'no')) {
      const fields = operands.flatMap(
        one => this._field(wordOf(one), at) ?? []
      );
      const wanted = lower === 'has';
      return task => fields.some(field => has(field, task)) === wanted;
    }
    if (operator === ':' && lower === 'is') {
      const states = operands.map(one => this._known('state', one, STATES, at));
      return task => states.some(state => isIn(task, state));
    }
    if (lower === 'status' || lower === 'kind') {
      const known = lower === 'status' ? STATUSES : KINDS;
      const words = operands.map(one =>
        one.kind === 'word' ? this._known(lower, one, known, at) : ''
      );
      const isWanted = operator !== '!=';
      return task =>
        words.includes(lower === 'status' ? task.status : task.kind) ===
        isWanted;
    }
    const field = this._field(key, at);
    return field
      ? this._test(field, operator, operands, at)
      : this._pasted(term);
  }

  /** A part of a name looks like a comparison: `sweep_1_lr=0.01`. */
  private _pasted(term: Term & { kind: 'comparison' }): Check {
    const wanted = this._text.slice(term.at, term.end).toLowerCase();
    return task =>
      term.operator === '=' && task.name.toLowerCase().includes(wanted);
  }

  /** The field that a key means; without one that is said. */
  private _field(key: string, at: number): IField | null {
    const found = this._fields.find(key);
    if (found.length > 1) {
      const names = found.map(field => `\`${field.name}\``).join(' or ');
      throw wrongAt(
        this._text,
        `\`${key}\` is ambiguous and can be ${names}. Use a longer name.`,
        at
      );
    }
    if (found.length === 0) {
      const alike = this._fields.alike(key).map(name => `\`${name}\``);
      const hint = alike.length ? `. Did you mean ${alike.join(' or ')}?` : '.';
      const { message, field, line, column } = wrongAt(
        this._text,
        `Unknown field \`${key}\`${hint}`,
        at
      );
      this.notices.push({
        code: 'unknown_field',
        message,
        field,
        line,
        column
      });
      return null;
    }
    return found[0];
  }

  private _known(
    what: string,
    operand: Operand,
    known: readonly string[],
    at: number
  ): string {
    const word = wordOf(operand).toLowerCase();
    if (!known.includes(word)) {
      const [near] = closest(word, known);
      const hint = near
        ? `Did you mean ${near}?`
        : `Use one of ${known.join(', ')}.`;
      throw wrongAt(this._text, `Unknown ${what} '${word}'. ${hint}`, at);
    }
    return word;
  }

  private _test(
    field: IField,
    operator: Operator,
    operands: readonly Operand[],
    at: number
  ): Check {
    const isOrder = /^[<>]/.test(operator);
    if (isOrder && (field.kind === 'text' || field.kind === 'label')) {
      throw wrongAt(
        this._text,
        `\`${field.name}\` is text; '${operator}' compares numbers and durations.`,
        at
      );
    }
    const tests = operands.map(one => this._one(field, operator, one, at));
    const isWanted = operator !== '!=';
    return task =>
      has(field, task) &&
      tests.some(test => test(field.get(task))) === isWanted;
  }

  private _one(
    field: IField,
    operator: Operator,
    operand: Operand,
    at: number
  ): (found: unknown) => boolean {
    switch (field.kind) {
      case 'text': {
        const test = operator === ':' ? partTest(operand) : wholeTest(operand);
        return found => test(String(found));
      }
      case 'label': {
        const test = wholeTest(operand);
        return found => (found as readonly string[]).some(test);
      }
      case 'value':
        return valueTest(operator, operand);
      default: {
        const measure = this._measure(field, operand, at);
        const turn = field.kind === 'ago';
        return found =>
          measure(
            operator,
            turn ? this._fields.now - Number(found) : Number(found)
          );
      }
    }
  }

  /** What compares a fact that is a number, a duration or a time. */
  private _measure(
    field: IField,
    operand: Operand,
    at: number
  ): (operator: Operator, found: number) => boolean {
    const read = (text: string): number => {
      const value =
        field.kind === 'number'
          ? numberOf(text)
          : (durationOf(text) ??
            (field.kind === 'duration' ? numberOf(text) : null));
      if (value !== null) {
        return value;
      }
      if (field.kind === 'ago') {
        throw beyondDemo(
          `it supports only a part of the query syntax. Compare \`${field.name}\` with how long ago, as in ${field.name}<2h.`,
          'query'
        );
      }
      throw wrongAt(
        this._text,
        `\`${field.name}\` is a ${field.kind}, but ${text} is not.`,
        at
      );
    };
    if (operand.kind === 'range') {
      const low = operand.low ? read(operand.low) : -Infinity;
      const high = operand.high ? read(operand.high) : Infinity;
      return (_, found) => low <= found && found <= high;
    }
    const limit = read(wordOf(operand));
    return (operator, found) => compare(operator, found, limit);
  }

  private readonly _text: string;
  private readonly _fields: Fields;
}

function has(field: IField, task: ITask): boolean {
  const value = field.get(task);
  return value !== undefined && value !== null;
}

function wordOf(operand: Operand): string {
  switch (operand.kind) {
    case 'word':
      return operand.text;
    case 'range':
      return `${operand.low}..${operand.high}`;
    case 'regex':
      return String(operand.pattern);
  }
}

/** The texts of a task in which words are looked for. */
function textsOf(task: ITask): string[] {
  const swept = Object.entries(task.swept).map(
    ([key, value]) => `${key}=${textOf(value)}`
  );
  return [task.name, ...swept, task.notes, ...task.tags];
}

function partTest(operand: Operand): (found: string) => boolean {
  if (operand.kind === 'regex') {
    return found => operand.pattern.test(found);
  }
  const wanted = wordOf(operand).toLowerCase();
  if (operand.kind === 'word' && !operand.isQuoted && wanted.includes('*')) {
    return glob(`*${wanted}*`);
  }
  return found => found.toLowerCase().includes(wanted);
}

function wholeTest(operand: Operand): (found: string) => boolean {
  if (operand.kind === 'regex') {
    return found => operand.pattern.test(found);
  }
  const wanted = wordOf(operand).toLowerCase();
  if (operand.kind === 'word' && !operand.isQuoted && wanted.includes('*')) {
    return glob(wanted);
  }
  return found => found.toLowerCase() === wanted;
}

function glob(pattern: string): (found: string) => boolean {
  const source = pattern
    .split('*')
    .map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  const matcher = new RegExp(`^${source}$`, 'is');
  return found => matcher.test(found);
}

/** The test of what a configuration or a figure holds. */
function valueTest(
  operator: Operator,
  operand: Operand
): (found: unknown) => boolean {
  if (operand.kind === 'range') {
    const low = operand.low ? Number(operand.low) : -Infinity;
    const high = operand.high ? Number(operand.high) : Infinity;
    return found => typeof found === 'number' && low <= found && found <= high;
  }
  const isPlain = operand.kind === 'word' && !operand.isQuoted;
  const number = isPlain ? numberOf(operand.text) : null;
  if (/^[<>]/.test(operator)) {
    return found =>
      typeof found === 'number' &&
      number !== null &&
      compare(operator, found, number);
  }
  const test = wholeTest(operand);
  const wanted = wordOf(operand).replace(/ /g, '').toLowerCase();
  return found => {
    if (typeof found === 'number' && number !== null) {
      return found === number;
    }
    return Array.isArray(found)
      ? textOf(found).replace(/ /g, '').toLowerCase() === wanted ||
          found.some(item => test(textOf(item)))
      : test(textOf(found));
  };
}

function compare(operator: Operator, found: number, limit: number): boolean {
  switch (operator) {
    case '<':
      return found < limit;
    case '<=':
      return found <= limit;
    case '>':
      return found > limit;
    case '>=':
      return found >= limit;
    default:
      return found === limit;
  }
}
