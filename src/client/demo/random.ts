/** Numbers that look random and are the same for the same seed. */

/** A whole number below 2 ** 32 that stands for a text (FNV-1a, mixed). */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A generator of its own for each seed (mulberry32). */
export class Random {
  constructor(seed: string) {
    this._state = hashOf(seed);
  }

  /** From 0 (included) to 1 (excluded). */
  next(): number {
    this._state = (this._state + 0x6d2b79f5) >>> 0;
    let mixed = this._state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** A whole number from 0 on, below `count`. */
  index(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** Normally distributed around 0, with deviation 1. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }

  private _state: number;
}

/** A smooth course between -1 and 1 over time, different for each seed. */
export function wave(seed: string, time: number): number {
  const random = new Random(seed);
  let sum = 0;
  for (const period of [7, 23, 61]) {
    const phase = random.between(0, 2 * Math.PI);
    sum += Math.sin((2 * Math.PI * time) / period + phase);
  }
  return sum / 3;
}
