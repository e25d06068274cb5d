/**
 * The search language as far as the demo knows it: from a text to terms.
 *
 * lines  = line { newline line }, all of which have to match
 * either = all { OR all },  all = term { [AND] term }
 * term   = -term | NOT term | (either) | comparison | "text" | /regex/ | word
 */
import type { ClientError } from '../errors';
import { beyondDemo, invalid } from './refusals';
import { durationOf } from './options';
import { numberOf } from './values';

export type Operator = '<' | '<=' | '>' | '>=' | '=' | '!=' | ':';

/** One of the values that a field is compared with. */
export type Operand =
  | { readonly kind: 'word'; readonly text: string; readonly isQuoted: boolean }
  | { readonly kind: 'regex'; readonly pattern: RegExp }
  | { readonly kind: 'range'; readonly low: string; readonly high: string };

export type Term =
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Term[] }
  | { readonly kind: 'not'; readonly term: Term }
  | { readonly kind: 'text'; readonly operand: Operand }
  | {
      readonly kind: 'comparison';
      readonly key: string;
      readonly operator: Operator;
      readonly operands: readonly Operand[];
      /** Where the key stands, and where the last value ends. */
      readonly at: number;
      readonly end: number;
    };

const KEY =
  /([^\s"<>=!:,()[\]{}≤≥≠/][^\s"<>=!:,()[\]{}≤≥≠]*|"(?:[^"\\]|\\.)*")/y;
const AGGREGATE =
  /(?:last|best|min|max|mean|at)\([^()\n]*\)(?=\s*[<>=!:≤≥≠])/iy;
const OPERATOR = /[^\S\n]*:?(<=|>=|!=|==|[<>=≤≥≠])[^\S\n]*|(:)[^\S\n]*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
const REGEX = /\/((?:[^/\\\n]|\\.)+)\/i?(?=[\s),]|$)/y;
const LIST = /\[[^\]\n"]*\]/y;
const WRITTEN: Record<string, Operator> = {
  '==': '=',
  '≤': '<=',
  '≥': '>=',
  '≠': '!='
};

/** Read a search; null when it has no terms. Throws with the place of a mistake. */
export function parseQuery(text: string): Term | null {
  return new Parser(text).lines();
}

/** Whether a text can be larger or smaller than another one. */
function isMeasure(text: string): boolean {
  return numberOf(text) !== null || durationOf(text) !== null;
}

class Parser {
  constructor(text: string) {
    this._text = text;
    this._space();
  }

  lines(): Term | null {
    const found: Term[] = [];
    while (this._at < this._text.length) {
      found.push(this._either());
      if (this._text[this._at] === ')') {
        throw this._wrong("Unmatched ')'.");
      }
    }
    return found.length > 0 ? joined('and', found) : null;
  }

  private _either(): Term {
    const found = [this._all()];
    while (this._keyword('OR')) {
      this._take('OR');
      if (this._ends()) {
        throw this._wrong('The term after OR is missing.');
      }
      found.push(this._all());
    }
    return joined('or', found);
  }

  private _all(): Term {
    const found: Term[] = [];
    while (!this._ends() && !this._keyword('OR')) {
      if (this._keyword('AND')) {
        this._take('AND');
        if (found.length === 0 || this._ends()) {
          throw this._wrong('A term before or after AND is missing.');
        }
      } else if (found.length > 0 && this._isNewLine()) {
        break;
      }
      found.push(this._term());
    }
    if (found.length === 0) {
      throw this._wrong(
        this._keyword('OR')
          ? 'The term before OR is missing.'
          : 'A term is missing here.'
      );
    }
    return joined('and', found);
  }

  private _term(): Term {
    const character = this._text[this._at];
    if (character === '(') {
      return this._group();
    }
    if (character === '-' || this._keyword('NOT')) {
      this._take(character === '-' ? '-' : 'NOT');
      if (this._ends()) {
        throw this._wrong('The term to exclude is missing.');
      }
      this._depth++;
      const term = this._term();
      this._depth--;
      return { kind: 'not', term };
    }
    this._refuseAggregate();
    const term = this._comparison() ?? this._free();
    this._space();
    return term;
  }

  private _refuseAggregate(): void {
    AGGREGATE.lastIndex = this._at;
    const [found] = AGGREGATE.exec(this._text) ?? [];
    if (found) {
      throw beyondDemo(
        `it has no aggregates of metrics such as ${found}.`,
        'query'
      );
    }
  }

  private _group(): Term {
    const start = this._at;
    this._take('(');
    this._depth++;
    const found: Term[] = [];
    while (this._at < this._text.length && this._text[this._at] !== ')') {
      found.push(this._either());
    }
    this._depth--;
    if (this._at >= this._text.length) {
      throw this._wrong('This parenthesis is never closed.', start);
    }
    if (found.length === 0) {
      throw this._wrong('These parentheses are empty.', start);
    }
    this._take(')');
    return joined('and', found);
  }

  /** A word, a quoted text or a regular expression without a field. */
  private _free(): Term {
    const start = this._at;
    const operand = this._operand('');
    if (operand.kind === 'word' && !operand.isQuoted) {
      if (/^[<>=!:,≤≥≠]/.test(operand.text)) {
        throw this._wrong(
          'An operator needs a field before it and a value after it, as in lr<0.01 or opt=adam. To search for this text, quote it.',
          start
        );
      }
    }
    return { kind: 'text', operand };
  }

  private _comparison(): Term | null {
    const at = this._at;
    const key = this._match(KEY);
    const sign = key && this._match(OPERATOR);
    if (!key || !sign) {
      this._at = at;
      return null;
    }
    const written = sign[1] ?? sign[2];
    const operator = WRITTEN[written] ?? (written as Operator);
    const operands = [this._operand(operator)];
    while (this._text[this._at] === ',') {
      this._at++;
      this._match(/[^\S\n]*/y);
      operands.push(this._operand(operator));
    }
    if (/^[<>]/.test(operator)) {
      this._checkOrdered(operator, operands, at);
    }
    const name = key[1].startsWith('"')
      ? unquoted(key[1].slice(1, -1))
      : key[1];
    return {
      kind: 'comparison',
      key: name,
      operator,
      operands,
      at,
      end: this._at
    };
  }

  private _checkOrdered(
    operator: Operator,
    operands: readonly Operand[],
    at: number
  ): void {
    const [operand] = operands;
    if (operands.length > 1) {
      throw this._wrong(`'${operator}' compares with a single value only.`, at);
    }
    if (operand.kind === 'word' && isDate(operand.text)) {
      throw beyondDemo(
        `it supports only a part of the query syntax, and no dates. Write how long ago instead, as in started<2h.`,
        'query'
      );
    }
    if (operand.kind !== 'word' || !isMeasure(operand.text)) {
      throw this._wrong(
        `'${operator}' needs a number or a duration (10m).`,
        at
      );
    }
  }

  private _operand(operator: Operator | ''): Operand {
    const start = this._at;
    const quoted = this._match(QUOTED);
    if (quoted) {
      return { kind: 'word', text: unquoted(quoted[1]), isQuoted: true };
    }
    if (this._text[start] === '"') {
      throw this._wrong('This quote is never closed.', start);
    }
    const regex = this._match(REGEX);
    if (regex) {
      return { kind: 'regex', pattern: this._compiled(regex[1], start) };
    }
    if (operator && this._match(LIST)) {
      const text = this._text.slice(start, this._at);
      return { kind: 'word', text, isQuoted: false };
    }
    this._at = this._wordEnd(start, operator ? ',' : '');
    const text = this._text.slice(start, this._at);
    if (!text) {
      throw this._wrong(
        operator
          ? `The value after '${operator}' is missing.`
          : 'A term is missing here.',
        start
      );
    }
    const range = /^(.*?)\.\.(.*)$/.exec(text);
    if (operator === ':' && range && (range[1] || range[2])) {
      const [, low, high] = range;
      if ([low, high].every(end => end === '' || isMeasure(end))) {
        return { kind: 'range', low, high };
      }
    }
    return { kind: 'word', text, isQuoted: false };
  }

  private _compiled(source: string, at: number): RegExp {
    try {
      return new RegExp(source, 'i');
    } catch {
      throw this._wrong('This is not a regular expression.', at);
    }
  }

  /** Where a bare word ends: at white space or a parenthesis not its own. */
  private _wordEnd(start: number, stop: string): number {
    let depth = 0;
    for (let at = start; at < this._text.length; at++) {
      const character = this._text[at];
      const isClose = character === ')';
      if (
        /\s/.test(character) ||
        (depth === 0 && (isClose || character === stop))
      ) {
        return at;
      }
      depth += character === '(' ? 1 : isClose ? -1 : 0;
    }
    return this._text.length;
  }

  private _match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this._at;
    const match = pattern.exec(this._text);
    this._at += match ? match[0].length : 0;
    return match;
  }

  private _ends(): boolean {
    return this._at >= this._text.length || this._text[this._at] === ')';
  }

  private _keyword(word: string): boolean {
    return (
      this._text.startsWith(word, this._at) &&
      /^(?:[\s()]|$)/.test(this._text.slice(this._at + word.length))
    );
  }

  private _take(word: string): void {
    this._at += word.length;
    this._space();
  }

  private _space(): void {
    this._match(/\s*/y);
  }

  /** Whether a line begins here, outside of parentheses. */
  private _isNewLine(): boolean {
    const before = /\s*$/.exec(this._text.slice(0, this._at))?.[0] ?? '';
    return this._depth === 0 && before.includes('\n');
  }

  private _wrong(message: string, at = this._at): ClientError {
    return wrongAt(this._text, message, at);
  }

  private readonly _text: string;
  private _at = 0;
  private _depth = 0;
}

/** What is wrong at a place of a search. */
export function wrongAt(
  text: string,
  message: string,
  at: number
): ClientError {
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  const column = at - before.lastIndexOf('\n');
  return invalid(message, { field: 'query', line, column });
}

function joined(kind: 'and' | 'or', terms: readonly Term[]): Term {
  return terms.length === 1 ? terms[0] : { kind, terms };
}

function unquoted(text: string): string {
  return text.replace(/\\(["\\])/g, '$1');
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d/.test(text) || text === 'today' || text === 'yesterday';
}
