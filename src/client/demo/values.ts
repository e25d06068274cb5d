/** Values of configurations and figures, and how they are written. */

export type Value =
  string | number | boolean | null | Value[] | { [key: string]: Value };

/** Values by dotted key. */
export type Values = Record<string, Value>;

/** Text that cannot be read as a value; the place is that within the text. */
export class ScanError extends Error {
  constructor(
    message: string,
    readonly offset = 0
  ) {
    super(message);
  }
}

const NUMBER = /^[-+]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:e[-+]?\d+)?$/i;
const WHOLE = /^[-+]?\d[\d_]*$/;
const CLOSING: Record<string, string> = { '(': ')', '[': ']', '{': '}' };
const WORDS: Record<string, Value> = {
  true: true,
  True: true,
  TRUE: true,
  false: false,
  False: false,
  FALSE: false,
  null: null,
  Null: null,
  NULL: null,
  '~': null,
  '': null,
  '.inf': Infinity,
  '-.inf': -Infinity,
  '.nan': NaN
};

/** The number that a text is, null if it is not a number. */
export function numberOf(text: string): number | null {
  return NUMBER.test(text) ? Number(text.replace(/_/g, '')) : null;
}

/** Whether a text is a whole number: `1` is one, `1.0` is not. */
export function isWhole(text: string): boolean {
  return WHOLE.test(text);
}

/** The value that a text of YAML on one line stands for. */
export function valueOf(text: string): Value {
  if (text.startsWith('"') || text.startsWith("'")) {
    if (quotedEnd(text, 0) !== text.length) {
      throw new ScanError(
        'there is text next to a quoted value. Quote all of it, or separate the values with a bar'
      );
    }
    return text.startsWith("'")
      ? text.slice(1, -1).replace(/''/g, "'")
      : unescaped(text.slice(1, -1));
  }
  if (text.startsWith('[') || text.startsWith('{')) {
    return collectionOf(text);
  }
  if (/^[&*!|>%@`]/.test(text) || text.includes(': ') || text.endsWith(':')) {
    throw new ScanError('this text has a special meaning in YAML. Quote it');
  }
  const word = WORDS[text];
  return word !== undefined ? word : (numberOf(text) ?? text);
}

function unescaped(text: string): string {
  return text
    .replace(/\\n/g, '\n')
    .replace(/\\t/g, '\t')
    .replace(/\\(.)/g, '$1');
}

function collectionOf(text: string): Value {
  if (closeOf(text, 0) !== text.length - 1) {
    throw new ScanError(
      'text follows the closing bracket. Quote the value if it is text'
    );
  }
  const parts = splitTop(text.slice(1, -1), ',').filter(
    (part, at, all) => part.text !== '' || at < all.length - 1
  );
  if (text.startsWith('[')) {
    return parts.map(part => valueOf(part.text));
  }
  return Object.fromEntries(
    parts.map(part => {
      const colon = part.text.indexOf(':');
      if (colon < 1) {
        throw new ScanError(
          'a mapping must consist of key: value pairs',
          part.start + 1
        );
      }
      const key = valueOf(part.text.slice(0, colon).trim());
      return [String(key), valueOf(part.text.slice(colon + 1).trim())];
    })
  );
}

/** A part of a text without the white space around it. */
export interface IPart {
  readonly text: string;
  readonly start: number;
}

/** Split at a character that stands outside of quotes and brackets. */
export function splitTop(text: string, separator: string): IPart[] {
  const parts: IPart[] = [];
  let start = 0;
  const add = (end: number) => {
    const raw = text.slice(start, end);
    const shift = raw.length - raw.trimStart().length;
    parts.push({ text: raw.trim(), start: start + shift });
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') {
      at++;
    } else if (isQuote(text, at)) {
      at = Math.max(at, quotedEnd(text, at) - 1);
    } else if (character in CLOSING) {
      const close = closeOf(text, at);
      at = close < 0 ? text.length : close;
    } else if (character === separator) {
      add(at);
      start = at + 1;
    }
  }
  add(text.length);
  return parts;
}

/** Where the bracket that opens at a place closes, -1 when it does not. */
export function closeOf(text: string, open: number): number {
  const stack: string[] = [];
  for (let at = open; at < text.length; at++) {
    const character = text[at];
    if (isQuote(text, at)) {
      at = Math.max(at, quotedEnd(text, at) - 1);
    } else if (character in CLOSING) {
      stack.push(CLOSING[character]);
    } else if (character === stack[stack.length - 1]) {
      stack.pop();
      if (stack.length === 0) {
        return at;
      }
    }
  }
  return -1;
}

/** Whether a quote opens here: only where a value may begin. */
export function isQuote(text: string, at: number): boolean {
  return (
    (text[at] === '"' || text[at] === "'") &&
    /(?:^|[\s([{,|:])$/.test(text.slice(0, at))
  );
}

/** Where the text behind a quote begins that opens at a place, -1 if never. */
export function quotedEnd(text: string, open: number): number {
  const quote = text[open];
  for (let at = open + 1; at < text.length; at++) {
    if (quote === '"' && text[at] === '\\') {
      at++;
    } else if (text[at] === quote) {
      if (quote === "'" && text[at + 1] === "'") {
        at++;
      } else {
        return at + 1;
      }
    }
  }
  return -1;
}

/** A fraction as Python writes it, so that it stays one: `1.0`, `1e-05`. */
export function fractionText(value: number): string {
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? '.nan' : value > 0 ? '.inf' : '-.inf';
  }
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value
      .toExponential()
      .replace(/e([-+])(\d)$/, (_, sign: string, digit: string) => {
        return `e${sign}0${digit}`;
      });
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** A value as people write it in a search or a table. */
export function textOf(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(textOf).join(', ')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    return JSON.stringify(value);
  }
  return typeof value === 'string' ? value : String(value);
}

/** Equal for equal values of equal types. */
export function identityOf(value: unknown): string {
  return JSON.stringify(strict(value));
}

/** What strict JSON can hold: numbers that it lacks become texts. */
export function strict(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return String(value);
  }
  return value;
}

/** The same for all values of a mapping. */
export function strictValues(
  values: Readonly<Record<string, unknown>>
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, strict(value)])
  );
}
