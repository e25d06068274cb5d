/** What an adaptive sweep searches, and what it tries next. */
import type { Dimension, FieldError } from '../types';
import type { ICandidate } from './batch';
import { callOf, endsOf, expand, groupOf, RANGE } from './batch';
import type { Random } from './random';
import { scanProblem, VALUES_SHOWN } from './sweep';
import type { Value, Values } from './values';
import { fractionText, isWhole, numberOf, ScanError } from './values';
import type { IDocument, ILeaf } from './yaml';
import { readDocument, withValues } from './yaml';

/** Trials at random before others are learned from. */
const STARTUP = 6;

/** One value that may be tried. */
interface IChoice {
  readonly value: Value;
  readonly text: string;
}

interface IDimension {
  readonly leaf: ILeaf;
  readonly kind: Dimension['kind'];
  readonly low: number | null;
  readonly high: number | null;
  readonly isLog: boolean;
  readonly isWhole: boolean;
  readonly candidates: readonly ICandidate[];
}

/** The dimensions of a text. */
export class SearchSpace {
  constructor(text: string) {
    this.document = readDocument(text);
    this.errors = [...this.document.errors];
    for (const leaf of this.document.leaves) {
      try {
        const found = readDimension(leaf);
        if (found) {
          this._dimensions.push(found);
        }
      } catch (error) {
        if (!(error instanceof ScanError)) {
          throw error;
        }
        this.errors.push(scanProblem(leaf, error.message, error.offset));
      }
    }
    if (this.errors.length === 0 && this._dimensions.length === 0) {
      this.errors.push({
        code: 'invalid_input',
        message:
          'The search space is empty. Specify a range or several values for at least one key, such as log(1e-5, 1e-1), 1:65 or adam | sgd.',
        field: 'yaml'
      });
    }
  }

  readonly document: IDocument;
  readonly errors: FieldError[];

  /** How many configurations there are; null when a dimension is continuous. */
  get size(): number | null {
    let size = 1;
    for (const { low, high, isWhole: whole, candidates } of this._dimensions) {
      if (low === null || high === null) {
        size *= candidates.length;
      } else if (whole) {
        size *= high - low + 1;
      } else {
        return null;
      }
    }
    return size;
  }

  told(): Dimension[] {
    return this._dimensions.map(one => ({
      key: one.leaf.key,
      kind: one.kind,
      low: one.low,
      high: one.high,
      log: one.isLog,
      whole: one.isWhole,
      values: one.candidates.slice(0, VALUES_SHOWN).map(each => each.source),
      line: one.leaf.line
    }));
  }

  /** The text as a sweep over the ends of intervals, to be checked. */
  corners(): string {
    const ends = this._dimensions.map(one => {
      const texts =
        one.low === null || one.high === null
          ? one.candidates.map(each => each.text)
          : [one.low, one.high].map(value => numberText(value, one.isWhole));
      return [one.leaf.key, texts.join(' | ')] as const;
    });
    return withValues(this.document, new Map(ends));
  }

  /**
   * What to try next.
   *
   * @param best - what the better ones of the earlier trials had
   * @param count - how many trials there were
   */
  suggest(
    random: Random,
    best: readonly Values[],
    count: number
  ): { values: Values; config: string } {
    const near =
      count < STARTUP || best.length === 0
        ? null
        : best[random.index(best.length)];
    const chosen = this._dimensions.map(one => {
      const known = near?.[one.leaf.key];
      const choice =
        one.low === null || one.high === null
          ? pick(one.candidates, known, one.kind === 'ordered', random)
          : between(one, one.low, one.high, known, random);
      return [one.leaf.key, choice] as const;
    });
    return {
      values: Object.fromEntries(
        chosen.map(([key, choice]) => [key, choice.value])
      ),
      config: withValues(
        this.document,
        new Map(chosen.map(([key, choice]) => [key, choice.text]))
      )
    };
  }

  private readonly _dimensions: IDimension[] = [];
}

/** The dimension that a value stands for, null when it is a single value. */
function readDimension(leaf: ILeaf): IDimension | null {
  const text = leaf.source;
  const interval = openEnds(text);
  if (interval) {
    return { leaf, kind: 'interval', candidates: [], ...interval };
  }
  if (groupOf(text)) {
    throw new ScanError(
      'zipped values (a | b) are not allowed in a search space. Remove the parentheses'
    );
  }
  const candidates = [
    ...new Map(
      expand(text, leaf.key).candidates.map(one => [one.mark, one])
    ).values()
  ];
  if (candidates.length < 2) {
    return null;
  }
  const kind = isOrdered(candidates) ? 'ordered' : 'choice';
  const nothing = { low: null, high: null, isLog: false, isWhole: false };
  return { leaf, kind, candidates, ...nothing };
}

function openEnds(
  text: string
): Pick<IDimension, 'low' | 'high' | 'isLog' | 'isWhole'> | null {
  const call = callOf(text);
  if (
    call &&
    (call.name === 'log' || call.name === 'uniform') &&
    call.positional.length === 2 &&
    !call.named.has('n')
  ) {
    const texts = call.positional.map(part => part.text);
    const [low, high] = endsOf(call.name, texts, `${call.name}(low, high)`);
    if (low >= high) {
      throw new ScanError(
        `the lower bound of ${call.name}(low, high) must be less than the upper bound`
      );
    }
    const isLog = call.name === 'log';
    return { low, high, isLog, isWhole: isLog && texts.every(isWhole) };
  }
  const match = RANGE.exec(text);
  if (
    match &&
    match[3] === undefined &&
    isWhole(match[1]) &&
    isWhole(match[2])
  ) {
    const low = numberOf(match[1]) ?? 0;
    const high = (numberOf(match[2]) ?? 0) - 1;
    return low < high ? { low, high, isLog: false, isWhole: true } : null;
  }
  return null;
}

function isOrdered(candidates: readonly ICandidate[]): boolean {
  const numbers = candidates.map(one => one.value);
  if (numbers.length < 3 || !numbers.every(one => typeof one === 'number')) {
    return false;
  }
  const steps = numbers
    .slice(1)
    .map((value, at) => Number(value) - Number(numbers[at]));
  return steps.every(step => step > 0) || steps.every(step => step < 0);
}

function between(
  { isLog, isWhole: whole }: IDimension,
  low: number,
  high: number,
  near: Value | undefined,
  random: Random
): IChoice {
  const scale = (value: number) => (isLog ? Math.log(value) : value);
  const [from, to] = [scale(low), scale(high)];
  let place = random.next();
  if (typeof near === 'number') {
    place = (scale(near) - from) / (to - from) + 0.18 * random.normal();
    place = Math.min(1, Math.max(0, place));
  }
  const at = from + (to - from) * place;
  const raw = isLog ? Math.exp(at) : at;
  const short = whole ? Math.round(raw) : Number(raw.toPrecision(6));
  const value = Math.min(high, Math.max(low, short));
  return { value, text: numberText(value, whole) };
}

function pick(
  candidates: readonly ICandidate[],
  near: Value | undefined,
  isNumeric: boolean,
  random: Random
): IChoice {
  const known = candidates.findIndex(
    one => JSON.stringify(one.value) === JSON.stringify(near)
  );
  if (known < 0 || random.next() < 0.25) {
    return candidates[random.index(candidates.length)];
  }
  const step = isNumeric ? random.index(3) - 1 : 0;
  const last = candidates.length - 1;
  return candidates[Math.min(last, Math.max(0, known + step))];
}

function numberText(value: number, whole: boolean): string {
  return whole ? String(value) : fractionText(value);
}
