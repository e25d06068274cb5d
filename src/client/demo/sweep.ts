/** One text with batch syntax that stands for many configurations. */
import type { Axis, FieldError } from '../types';
import type { AxisKind, ICandidate } from './batch';
import { expand, MOST_TASKS } from './batch';
import type { Value, Values } from './values';
import { ScanError } from './values';
import type { IDocument, ILeaf } from './yaml';
import { readDocument, withValues } from './yaml';

/** Values of an axis that are told. */
export const VALUES_SHOWN = 50;

/** A key with several values. */
export interface IAxis {
  readonly leaf: ILeaf;
  readonly kind: AxisKind;
  readonly group: string | null;
  readonly candidates: readonly ICandidate[];
}

/** Axes that advance together, and the positions that differ. */
interface IWheel {
  readonly axes: readonly number[];
  readonly positions: readonly number[];
  readonly length: number;
}

/** The configurations of a text, made one by one when they are asked for. */
export class SweepPlan {
  constructor(text: string) {
    this.document = readDocument(text);
    this.errors = [...this.document.errors];
    for (const leaf of this.document.leaves) {
      this._add(leaf);
    }
    this._wheels = this._turning();
    const lengths = this._wheels.map(wheel => wheel.length);
    const total = lengths.reduce((product, length) => product * length, 1);
    this.count = this._wheels.reduce(
      (product, wheel) => product * wheel.positions.length,
      1
    );
    this.duplicates = total - this.count;
    this._tellFolds(total);
    if (this.count > MOST_TASKS) {
      const largest = this.axes.reduce((one, other) =>
        other.candidates.length > one.candidates.length ? other : one
      );
      this._refuse(
        largest.leaf,
        `This configuration makes ${this.count.toLocaleString('en')} tasks, but at most ${MOST_TASKS.toLocaleString('en')} are allowed. Use fewer values.`
      );
    }
  }

  readonly document: IDocument;
  readonly axes: IAxis[] = [];
  readonly errors: FieldError[];
  readonly notices: FieldError[] = [];
  /** How many configurations there are, equal ones counted once. */
  readonly count: number;
  readonly duplicates: number;

  /** The candidate of each axis in a configuration. */
  choice(index: number): ICandidate[] {
    const chosen = new Array<ICandidate>(this.axes.length);
    let rest = index;
    for (const wheel of [...this._wheels].reverse()) {
      const at = wheel.positions[rest % wheel.positions.length];
      rest = Math.floor(rest / wheel.positions.length);
      wheel.axes.forEach(axis => {
        chosen[axis] = this.axes[axis].candidates[at];
      });
    }
    return chosen;
  }

  /** The swept values of a configuration by dotted key. */
  row(index: number): Values {
    return Object.fromEntries(
      this.choice(index).map((one, at) => [this.axes[at].leaf.key, one.value])
    );
  }

  /** The text of a configuration: one value for each axis, else untouched. */
  configText(index: number): string {
    const values = this.choice(index).map(
      (one, at) => [this.axes[at].leaf.key, one.text] as const
    );
    return withValues(this.document, new Map([...this._fixed, ...values]));
  }

  /** Every value that some configuration has, with its key. */
  *allValues(): Generator<[ILeaf, Value, string]> {
    for (const leaf of this.document.leaves) {
      const axis = this.axes.find(one => one.leaf === leaf);
      const fixed = this._values.get(leaf.key);
      for (const one of axis?.candidates ?? (fixed ? [fixed] : [])) {
        yield [leaf, one.value, one.text];
      }
    }
  }

  axesTold(): Axis[] {
    return this.axes.map(({ leaf, kind, candidates }) => ({
      key: leaf.key,
      kind,
      count: candidates.length,
      values: candidates.slice(0, VALUES_SHOWN).map(one => one.source),
      line: leaf.line
    }));
  }

  /** The value of a key that is not swept. */
  fixedValue(key: string): ICandidate | undefined {
    return this._values.get(key);
  }

  private _add(leaf: ILeaf): void {
    try {
      const found = expand(leaf.source, leaf.key);
      const { kind, candidates, group } = found;
      if (kind === 'fixed') {
        this._values.set(leaf.key, candidates[0]);
        this._fixed.set(leaf.key, candidates[0].text);
      } else {
        this.axes.push({ leaf, kind, group, candidates });
      }
      if (found.notice) {
        this._notice(leaf, found.notice);
      }
    } catch (error) {
      if (!(error instanceof ScanError)) {
        throw error;
      }
      const { message, offset } = error;
      this.errors.push(scanProblem(leaf, message, offset));
    }
  }

  /** The axes in turn: single ones first, then groups; the last one is fastest. */
  private _turning(): IWheel[] {
    const wheels: IWheel[] = [];
    const groups = new Map<string, number[]>();
    this.axes.forEach((axis, at) => {
      if (axis.group === null) {
        wheels.push(this._wheel([at]));
      } else {
        groups.set(axis.group, [...(groups.get(axis.group) ?? []), at]);
      }
    });
    for (const [name, members] of groups) {
      const first = this.axes[members[0]];
      for (const member of members.slice(1)) {
        const { leaf, candidates } = this.axes[member];
        if (candidates.length !== first.candidates.length) {
          const what = name ? `the zip group '${name}'` : 'a zip (a | b)';
          this._refuse(
            leaf,
            `All keys of ${what} must have the same number of values: ${first.leaf.key} has ${first.candidates.length}, ${leaf.key} has ${candidates.length}.`
          );
        }
      }
      wheels.push(this._wheel(members));
    }
    return wheels;
  }

  private _wheel(axes: number[]): IWheel {
    const all = axes.map(at => this.axes[at].candidates);
    const length = Math.min(...all.map(one => one.length));
    const seen = new Map<string, number[]>();
    for (let at = 0; at < length; at++) {
      const mark = all.map(one => one[at].mark).join('\n');
      seen.set(mark, [...(seen.get(mark) ?? []), at]);
    }
    const positions = [...seen.values()].map(places => places[0]);
    return { axes, positions, length };
  }

  /** Say which values stand there twice, at their first key. */
  private _tellFolds(total: number): void {
    for (const wheel of this._wheels) {
      if (wheel.positions.length === wheel.length) {
        continue;
      }
      const axes = wheel.axes.map(at => this.axes[at]);
      const markAt = (at: number) =>
        axes.map(one => one.candidates[at].mark).join('\n');
      const marks = Array.from({ length: wheel.length }, (_, at) => markAt(at));
      const told = wheel.positions.flatMap(at => {
        const times = marks.filter(mark => mark === marks[at]).length;
        const what = axes
          .map(one => `${one.leaf.key}=${one.candidates[at].source}`)
          .join(', ');
        return times > 1
          ? [`${what} occurs ${times === 2 ? 'twice' : `${times} times`}`]
          : [];
      });
      const become =
        this._wheels.length > 1 ? ` (${total} become ${this.count})` : '';
      this._notice(
        axes[0].leaf,
        `${told.join(', ')}. Equal configurations make one task${become}.`
      );
    }
  }

  private _refuse(leaf: ILeaf, message: string): void {
    const { key, line, column } = leaf;
    this.errors.push({
      code: 'invalid_input',
      message,
      field: key,
      line,
      column
    });
  }

  private _notice(leaf: ILeaf, message: string): void {
    const { key, line, column } = leaf;
    this.notices.push({ code: 'notice', message, field: key, line, column });
  }

  private readonly _wheels: IWheel[];
  private readonly _values = new Map<string, ICandidate>();
  private readonly _fixed = new Map<string, string>();
}

/** What is wrong within a value, where it stands in the text. */
export function scanProblem(
  leaf: ILeaf,
  message: string,
  offset: number
): FieldError {
  const sentence = message[0].toUpperCase() + message.slice(1);
  return {
    code: 'invalid_input',
    message: sentence.endsWith('.') ? sentence : `${sentence}.`,
    field: leaf.key,
    line: leaf.line,
    column: leaf.column + Math.min(offset, leaf.source.length)
  };
}
